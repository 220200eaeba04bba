// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@Suite struct UsageTests {
  @Test(arguments: [
    ["--help"], ["count", "--help"], ["policy", "--help"], ["validate", "--help"],
    ["instructions", "--help"], ["host", "detect", "--help"], ["observe", "--help"],
    ["profiles", "--help"], ["profiles", "list", "--help"],
    ["recommend", "--help"], ["what-if", "--help"], ["pareto", "--help"], ["report", "--help"],
    ["export", "--help"],
    ["table", "--help"], ["table", "diff", "--help"], ["table", "verify", "--help"],
    ["evaluate", "--help"], ["evaluate", "search", "--help"], ["evaluate", "answers", "--help"],
    ["evaluate", "strategies", "--help"],
    ["evaluate", "sensitivity", "--help"],
    ["evaluate", "model", "--help"], ["fit", "--help"], ["campaign", "--help"],
    ["calibrate", "--help"], ["explore", "--help"], ["doctor", "--help"],
  ])
  func helpIsGolden(arguments: [String]) throws {
    let result = try Tool.run(arguments)
    #expect(result.status == 0)
    let name = arguments.filter { $0 != "--help" }.joined(separator: "-")
    Golden.check(result.output, "help/\(name.isEmpty ? "s2tune" : name).txt")
  }

  @Test func withoutArgumentsItSaysWhatToTry() throws {
    let result = try Tool.run([])
    #expect(result.status == 0)
    Golden.check(result.output, "help/first-steps.txt")
    // What it says to try is accepted; the local page and the machine itself are tried elsewhere.
    let lines = result.output.split(separator: "\n").map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    let commands = lines.filter {
      $0.hasPrefix("s2tune recommend -") || $0.hasPrefix("s2tune what-if -")
    }
    #expect(commands.count == 2)
    for command in commands {
      let words = command.split(separator: " ").dropFirst().map(String.init)
      #expect([0, 1].contains(try Tool.run(words).status), "\(command)")
    }
  }

  @Test(arguments: [
    (["nonsense"], "nonsense"),
    (["profiles", "show", "host"], "name"),
    (["profiles", "show", "planet", "mars"], "planet"),
    (["profiles", "list", "--format", "xml"], "xml"),
    (["profiles", "list", "--models", "/does/not/exist"], "is not a directory"),
    (["profiles", "show", "host", "graviton9"], "legal names are ampere-altra"),
    (["profiles", "show", "host", "graviton9"], "did you mean graviton3 or graviton4?"),
    (["profiles", "show", "workload", "live-migraton"], "did you mean live-migration"),
    (["profiles", "show", "kernel", "6.13"], "did you mean 6.1"),
    (["profiles", "show", "host", "../graviton3"], "is not legal"),
  ])
  func wrongUsageEndsWith64(arguments: [String], part: String) throws {
    let result = try Tool.run(arguments)
    #expect(result.status == 64)
    #expect(result.output.isEmpty)
    #expect(result.errors.contains(part), "\(result.errors)")
  }

  @Test func aFileWithWrongContentEndsWith65() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: folder) }
    let hosts = folder.appendingPathComponent("hosts")
    try FileManager.default.createDirectory(at: hosts, withIntermediateDirectories: true)
    try Data("profile: host\nsummary: s\nvalues: 3\n".utf8)
      .write(to: hosts.appendingPathComponent("graviton3.yaml"))
    let result = try Tool.run(
      ["profiles", "show", "host", "graviton3"],
      environment: ["S2TUNE_MODELS": folder.path]
    )
    #expect(result.status == 65)
    #expect(result.errors.contains("graviton3.yaml:3"), "\(result.errors)")
    #expect(result.errors.split(separator: "\n").count == 1)
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func completionScriptsAreWritten(shell: String) throws {
    let result = try Tool.run(["--generate-completion-script", shell])
    #expect(result.status == 0)
    #expect(result.output.contains("s2tune"))
  }

  @Test func jsonIsReadBack() throws {
    let result = try Tool.run(["profiles", "list", "--format", "json"])
    let document =
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
    let rows = document?["profiles"] as? [[String: String]]
    #expect(rows?.contains { $0["name"] == "graviton3" && $0["kind"] == "host" } == true)
  }
}
