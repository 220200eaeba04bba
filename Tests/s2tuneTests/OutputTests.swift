// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

/// What becomes of an answer that cannot be written.
@Suite struct OutputTests {
  private static let question = "--workload ci-microvm --host graviton3 --kernel 6.1"

  /// Runs the program under a shell, which redirects its output.
  private func shell(_ words: String, _ redirection: String) throws -> Tool.Result {
    let program = try #require(Tool.program).path
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let errors = folder.appendingPathComponent("errors").path
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = [
      "-c", "'\(program)' \(words) 2>'\(errors)' \(redirection); exit ${PIPESTATUS[0]}",
    ]
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return Tool.Result(
      status: process.terminationStatus,
      output: "",
      errors: try String(contentsOfFile: errors, encoding: .utf8)
    )
  }

  @Test(arguments: [
    "--help", "--version", "profiles", "profiles keys --format json", "policy",
    "count --op destroy", "simulate --window \(question)", "what-if \(question)",
    "table diff --help", "--generate-completion-script bash",
  ])
  func whatCannotBeWrittenEndsWith74(words: String) throws {
    for redirection in [">/dev/full", ">&-"] {
      let result = try shell(words, redirection)
      #expect(result.status == 74, "\(words) \(redirection): \(result)")
      let lines = result.errors.split(separator: "\n")
      #expect(lines.count == 1 && lines[0].contains("standard output: cannot be written"))
    }
    let pipe = try shell(words, "| true")
    #expect([0, 74].contains(pipe.status) && pipe.errors.isEmpty, "\(words): \(pipe)")
  }

  @Test func aFullDeviceAsAFileIsASentence() throws {
    let result = try Tool.run(
      ["simulate", "--window"] + Self.question.split(separator: " ").map(String.init)
        + ["-o", "/dev/full", "--force"]
    )
    #expect(result.status == 74 && result.errors.contains("/dev/full: cannot be written"))
  }

  @Test func whatSteersATerminalIsShown() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: folder) }
    let kernels = folder.appendingPathComponent("kernels")
    try FileManager.default.createDirectory(at: kernels, withIntermediateDirectories: true)
    let text = """
      profile: kernel
      summary: "red \\x1b[31m and back \\u202e to front"
      parent: "6.1"
      """
    try Data(text.utf8).write(to: kernels.appendingPathComponent("odd.yaml"))
    for format in ["text", "json"] {
      let result = try Tool.run(
        ["profiles", "list", "--format", format, "--models", folder.path]
      )
      #expect(result.status == 0, "\(result.errors)")
      let raw = result.output.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{202E}" }
      #expect(!raw && result.output.lowercased().contains("202e"))
    }
  }

  @Test func aDirectoryWithoutModelsSaysSo() throws {
    let result = try Tool.run(["profiles", "list", "--models", "/proc"])
    #expect(result.status == 64 && result.errors.contains("holds no models"), "\(result.errors)")
  }

  @Test func aMinusIsStandardInput() throws {
    let dump = "---[ Guest IPA ]---\n"
    let result = try Tool.run(
      ["count", "--stage2-dump", "-", "--op", "destroy"],
      input: dump
    )
    #expect(result.status == 0, "\(result.errors)")
    let refused = try Tool.run(["count", "--stage2-dump", "-", "--op", "destroy"], input: "text\n")
    #expect(refused.status == 65 && refused.errors.contains("-:1: 'text'"), "\(refused.errors)")
  }
}
