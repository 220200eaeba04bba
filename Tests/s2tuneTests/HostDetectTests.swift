// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// `host detect` and the profiles `auto`, on recorded trees.
@Suite struct HostDetectTests {
  private static let trees = packageRoot.appending(path: "Tests/Golden/hosts")

  private func tree(_ name: String) -> String { Self.trees.appending(path: name).path }

  /// What a tree's README says stands between its fences.
  @Test(arguments: ["debian-server", "lab-guest", "container"])
  func aTreeGivesWhatItsReadmeSays(name: String) throws {
    let readme = try String(
      contentsOf: Self.trees.appending(path: "\(name)/README.md"),
      encoding: .utf8
    )
    let parts = readme.components(separatedBy: "```\n")
    try #require(parts.count == 3, "the README has one block")
    let run = try Tool.run(["host", "detect", "--root", tree(name)])
    #expect(run.status == 0 && run.output == parts[1], "\(run.errors)\(run.output)")
    #expect(run.output.split(separator: "\n").allSatisfy { $0.count <= 100 })
  }

  @Test func anotherArchitectureIsSaidAndRefused() throws {
    let run = try Tool.run(["host", "detect", "--root", tree("x86")])
    #expect(run.status == 65 && run.errors.contains("Xeon"))
    #expect(run.errors.contains("is no arm64 machine") && run.output.isEmpty)
    let asked = try Tool.run(
      ["simulate", "--workload", "container-churn-exit", "--host", "auto"],
      environment: ["S2TUNE_ROOT": tree("x86")]
    )
    #expect(asked.status == 65 && asked.errors.contains("is no arm64 machine"))
    let lost = try Tool.run(
      ["profiles", "show", "host", "auto"],
      environment: ["S2TUNE_ROOT": "x"]
    )
    #expect(lost.status == 65 && lost.errors.contains("S2TUNE_ROOT 'x' is not a directory"))
    let nowhere = try Tool.run(["host", "detect", "--root", tree("nowhere")])
    #expect(nowhere.status == 64)
    let empty = try Tool.run(["host", "detect", "--root", Self.trees.path])
    #expect(empty.status == 65 && empty.errors.contains("/proc/cpuinfo"))
  }

  /// The profile that is written is the one that `auto` reads, found from the directory it is in, and
  /// no file is replaced without being told to.
  @Test func theWrittenProfileIsFoundAndKept() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(
      at: folder.appending(path: "hosts"),
      withIntermediateDirectories: true
    )
    let file = folder.appending(path: "hosts/mine.yaml")
    let detect = ["host", "detect", "--root", tree("debian-server"), "-o", file.path]
    #expect(try Tool.run(detect).status == 0)
    let text = try String(contentsOf: file, encoding: .utf8)
    #expect(text.contains("measured: /sys/class/net/eth0/speed"))
    #expect(try Tool.run(detect).status == 65)
    #expect(try String(contentsOf: file, encoding: .utf8) == text)
    let simulate = ["simulate", "--workload", "container-churn-exit", "--set", "vm.memory=64MiB"]
    let mine = try Tool.run(
      simulate + ["--host", "mine", "--kernel", "6.1.129"],
      in: folder
    )
    let auto = try Tool.run(
      simulate + ["--host", "auto", "--kernel", "auto"],
      environment: ["S2TUNE_ROOT": tree("debian-server")]
    )
    #expect(mine.status == 0 && auto.status == 0, "\(mine.errors)\(auto.errors)")
    let lines = [mine, auto].map { $0.output.split(separator: "\n").dropFirst() }
    #expect(lines[0].contains { $0.hasPrefix("teardown") })
    #expect(
      lines[0].first { $0.hasPrefix("teardown") } == lines[1].first { $0.hasPrefix("teardown") }
    )
  }

  @Test(arguments: ["mine", ".yaml", "hosts/.yaml", "hosts/a b.yaml"])
  func aNameThatNoProfileCanHaveIsRefused(path: String) throws {
    let run = try Tool.run(["host", "detect", "--root", tree("container"), "-o", path])
    #expect(run.status == 64 && run.errors.contains(path))
  }
}
