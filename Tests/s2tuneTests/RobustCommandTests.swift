// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

/// `recommend --robust` as a user runs it.
@Suite struct RobustCommandTests {
  private let asked = [
    "recommend", "--robust", "--kernel", "6.1", "--hosts", "graviton3", "--workloads",
    "rpc-latency,container-churn-exit", "--replicates", "2", "--sample", "1GiB",
  ]

  /// The table has a line a candidate, fits, and goes on from its record without another run.
  @Test func theTableFitsAndGoesOnFromItsRecord() throws {
    let record = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).json")
    defer { try? FileManager.default.removeItem(at: record) }
    let first = try Tool.run(asked + ["--record", record.path])
    #expect(first.status == 0, "\(first.errors)")
    let lines = first.output.split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= 100 })
    #expect(
      lines[0].hasPrefix("One constant for Linux 6.1 over 1 question (1 host, 1 workload)")
    )
    for part in ["now ", "chunk=64KiB ", "controller=time:1ms/64 ", "  minimax ", "  mean "] {
      #expect(lines.contains { $0.hasPrefix(part) }, "\(part) in \(first.output)")
    }
    let bytes = try Data(contentsOf: record)
    let text = String(decoding: bytes, as: UTF8.self)
    let again = try Tool.run(asked + ["--record", record.path, "--format", "json"])
    #expect(again.output == text)
    #expect(try Data(contentsOf: record) == bytes)
    let other = try Tool.run(asked + ["--record", record.path, "--seed", "2", "--format", "json"])
    #expect(other.output != text, "another seed is another question")
  }

  @Test(arguments: [
    (["--workload", "rpc-latency"], "--workload makes no sense with --robust"),
    (["--host", "graviton3"], "--host makes no sense with --robust"),
    (["--set", "vm.memory=1GiB"], "--set makes no sense"),
    (["--slo", "io.goodput>=0.9"], "--slo makes no sense"), (["--check"], "--check makes no sense"),
    (["--cost-model", "none"], "--cost-model makes no sense"), (["--replicates", "1"], "2 to 100"),
    (["--sample", "0B"], "--sample"),
    (["--workloads", "balloon"], "none of these workloads reads chunk"),
    (["--hosts", "mars"], "mars"),
  ])
  func whatMakesNoSenseIsRefused(arguments: [String], part: String) throws {
    let result = try Tool.run(asked + arguments)
    #expect(result.status == 64 && result.errors.contains(part), "\(result.errors)")
    #expect(result.output.isEmpty)
  }

  @Test(arguments: [
    (["--host", "graviton3"], "--workload is missing"),
    (["--workload", "rpc-latency"], "--host is missing"),
    (["--hosts", "all"], "--hosts belongs to --robust"),
    (["--replicates", "3"], "--replicates belongs to --robust"),
  ])
  func withoutItAQuestionIsAboutOneHost(arguments: [String], part: String) throws {
    let result = try Tool.run(["recommend"] + arguments)
    #expect(result.status == 64 && result.errors.contains(part), "\(result.errors)")
    #expect(result.output.isEmpty)
  }
}
