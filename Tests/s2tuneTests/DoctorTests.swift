// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// What `doctor` says of installations, whole and broken.
@Suite struct DoctorTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent(UUID().uuidString)

  /// A `bin` with the program alone and a `share/s2tune/models` with the shipped profiles of one
  /// question, as a package installs them.
  private func install() throws -> (program: URL, models: URL) {
    let files = FileManager.default
    let models = folder.appending(path: "usr/share/s2tune/models")
    let program = folder.appending(path: "usr/bin/s2tune")
    try files.createDirectory(
      at: program.deletingLastPathComponent(),
      withIntermediateDirectories: true
    )
    for part in ["hosts", "kernels", "workloads"] {
      let place = models.appending(path: part)
      try files.createDirectory(
        at: place.deletingLastPathComponent(),
        withIntermediateDirectories: true
      )
      try files.copyItem(at: packageRoot.appending(path: "models/\(part)"), to: place)
    }
    try files.copyItem(at: try #require(Tool.program), to: program)
    return (program, models)
  }

  private struct Document: Decodable {
    struct Directory: Decodable {
      let path: String
      let reason: String
      let exists: Bool
      let hosts: Int
      let answers: Int
    }
    struct Finding: Decodable {
      let subject: String
      let state: String
      let text: String
    }
    let directories: [Directory]
    let findings: [Finding]

    func state(of subject: String) -> String? { findings.first { $0.subject == subject }?.state }
  }

  private func document(_ result: Tool.Result) throws -> Document {
    try JSONDecoder().decode(Document.self, from: Data(result.output.utf8))
  }

  @Test func thisPackageCanAnswer() throws {
    let result = try Tool.run(["doctor"], in: packageRoot)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("It can answer"))
    let document = try document(Tool.run(["doctor", "--format", "json"], in: packageRoot))
    #expect(document.state(of: "profiles") == "good")
    #expect(document.state(of: "model") == "good")
    #expect(document.state(of: "answers") == "good", "a shipped answer is stale")
    #expect(document.directories.contains { $0.exists && $0.answers > 0 && $0.reason == "package" })
  }

  @Test func anInstalledProgramFindsItsModelsBesideIt() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let (program, models) = try install()
    let result = try Tool.run(["doctor", "--format", "json"], in: folder, program: program)
    #expect(result.status == 0, "\(result.errors)")
    let document = try document(result)
    let found = document.directories.filter(\.exists)
    #expect(found.map(\.path) == [models.resolvingSymlinksInPath().path])
    #expect(found.map(\.reason) == ["installed with the program"])
    #expect(document.state(of: "model") == "remark")
    #expect(document.state(of: "answers") == "remark")
  }

  @Test func aProgramWithoutModelsCannotAnswer() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let (program, models) = try install()
    try FileManager.default.removeItem(at: models)
    let result = try Tool.run(["doctor"], in: folder, program: program)
    #expect(result.status == 1)
    #expect(result.output.contains("broken: no profile of a host"))
    #expect(result.errors.contains("S2TUNE_MODELS"))
    #expect(result.errors.split(separator: "\n").count == 1)
  }

  @Test func aProfileThatCannotBeReadIsNamed() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let (program, models) = try install()
    try Data("profile: host\nsummary: s\nvalues: 3\n".utf8)
      .write(to: models.appending(path: "hosts/mine.yaml"))
    let result = try Tool.run(["doctor"], in: folder, program: program)
    #expect(result.status == 1)
    #expect(result.errors.contains("mine.yaml:3"), "\(result.errors)")
  }

  @Test func answersToOtherProfilesAreCounted() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let (program, models) = try install()
    let place = models.appending(path: "answers/graviton3/6.1")
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    let shipped = packageRoot.appending(path: "models/answers/graviton3/6.1")
    for name in ["snapshot", "balloon"] {
      try FileManager.default.copyItem(
        at: shipped.appending(path: "\(name).json"),
        to: place.appending(path: "\(name).json")
      )
    }
    // Without the cost model both are another engine's; one is put in the place of another question.
    try FileManager.default.moveItem(
      at: place.appending(path: "balloon.json"),
      to: place.appending(path: "ci-microvm.json")
    )
    let document = try document(
      Tool.run(["doctor", "--format", "json"], in: folder, program: program)
    )
    let text = document.findings.first { $0.subject == "answers" }?.text ?? ""
    #expect(text.contains("0 of 2"), "\(text)")
    #expect(text.contains("1 are of another simulator or model, 1 of profiles"), "\(text)")
  }

  @Test func aVariableThatNamesNothingIsSaid() throws {
    let result = try Tool.run(["doctor"], environment: ["S2TUNE_MODELS": "/does/not/exist"])
    #expect(result.status == 0)
    #expect(result.output.contains("S2TUNE_MODELS names /does/not/exist"))
  }

  @Test func anArm64HostIsSeen() throws {
    let root = packageRoot.appending(path: "Tests/Golden/hosts/debian-server").path
    let result = try Tool.run(["doctor"], environment: ["S2TUNE_ROOT": root])
    #expect(result.output.contains("cores"), "\(result.output)")
  }
}
