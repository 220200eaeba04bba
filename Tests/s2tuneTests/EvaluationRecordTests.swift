// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Scenarios
import Testing

/// Record files of `evaluate answers` and `evaluate search`.
@Suite struct EvaluationRecordTests {
  private let arguments = [
    "evaluate", "answers", "--questions", "1", "--hosts", "graviton3", "--workloads", "ci-microvm",
    "--kernels", "6.12", "--cost-model", "none",
  ]

  private func names(_ file: URL) throws -> [String] {
    let text = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
    let checks = try #require((text as? [String: Any])?["checks"] as? [[String: Any]])
    return checks.compactMap { $0["name"] as? String }
  }

  private func file(_ content: String) throws -> URL {
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).json")
    try Data(content.utf8).write(to: file)
    return file
  }

  /// What a record holds stays in it, whatever is asked, and is not made again.
  @Test func aRecordKeepsWhatItHasAndIsNotMadeAgain() throws {
    let check = """
      {"name": "another/6.1/question 1GiB", "verdict": "keep", "figures": 3, "inside": 3, "misses": [],
       "policies": 1, "undecided": 0, "alike": 1, "unlike": [], "contradictions": [], "changes": 0, "idle": [], "runs": 9}
      """
    let record = try file(
      #"{"schema_version": 1, "simulator": "\#(Scenario.simulatorVersion)", "checks": [\#(check)]}"#
    )
    defer { try? FileManager.default.removeItem(at: record) }
    let first = try Tool.run(arguments + ["--record", record.path])
    #expect([0, 1].contains(first.status), "\(first.errors)")
    let kept = try names(record)
    #expect(
      kept.count == 2 && kept[0] == "another/6.1/question 1GiB" && kept[1].contains("ci-microvm")
    )
    #expect(!first.output.contains("another/6.1"))
    let bytes = try Data(contentsOf: record)
    let again = try Tool.run(arguments + ["--record", record.path])
    #expect(again.output == first.output)
    // Both checks are added up where nothing is asked: three figures more than the one that was made.
    let sum = try Tool.run(arguments + ["--record", record.path, "--recorded", "--format", "json"])
    #expect(sum.output.contains("another/6.1") && sum.output.contains("ci-microvm"))
    #expect(try Data(contentsOf: record) == bytes)
    #expect(try Tool.run(arguments + ["--recorded"]).status == 64)
  }

  @Test(
    arguments: [
      ("garbage", "is no record of this evaluation"),
      (#"{"schema_version": 1, "simulator": "1", "checks": []}"#, "is of simulator 1"),
    ]
  )
  func aForeignRecordIsRefusedAndStays(content: String, part: String) throws {
    let record = try file(content)
    defer { try? FileManager.default.removeItem(at: record) }
    let result = try Tool.run(arguments + ["--record", record.path])
    #expect(result.status == 65 && result.errors.contains(part), "\(result.errors)")
    #expect(try String(contentsOf: record, encoding: .utf8) == content)
  }
}
