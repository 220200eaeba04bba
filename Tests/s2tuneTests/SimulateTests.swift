// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// `s2tune simulate`, as a user runs it.
@Suite struct SimulateTests {
  static let run = [
    "simulate", "--workload", "kvm-page-table-test", "--host", "graviton3", "--kernel", "6.1",
    "--set", "vm.memory=1GiB", "--window",
  ]

  /// A folder of its own that is removed afterwards.
  static func inFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  /// The rules of the Trace Event Format for the phases that are used.
  @Test func traceKeepsTheFormat() throws {
    try Self.inFolder { folder in
      let path = folder.appendingPathComponent("trace.json")
      let result = try Tool.run(Self.run + ["--policy", "chunk=2MiB", "--trace", path.path])
      #expect(result.status == 0, "\(result.errors)")
      let data = try Data(contentsOf: path)
      let file = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      let events = try #require(file["traceEvents"] as? [[String: Any]])
      var threads: [Int: String] = [:]
      var used: Set<Int> = []
      for event in events {
        let phase = try #require(event["ph"] as? String)
        #expect(event["pid"] is Int)
        switch phase {
        case "M":
          guard event["name"] as? String == "thread_name" else { continue }
          let arguments = try #require(event["args"] as? [String: String])
          threads[try #require(event["tid"] as? Int)] = arguments["name"]
        case "X", "i":
          #expect(event["ts"] is NSNumber && event["name"] is String)
          #expect((phase == "X") == (event["dur"] is NSNumber))
          #expect((phase == "i") == (event["s"] as? String == "t"))
          used.insert(try #require(event["tid"] as? Int))
        default: Issue.record("phase \(phase)")
        }
      }
      #expect(used.allSatisfy { threads[$0] != nil } && used.count >= 5)
      #expect(data.count <= events.count * 160)
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(names == ["trace.json"])
    }
  }

  @Test func aTraceReplacesNothingUnasked() throws {
    try Self.inFolder { folder in
      let path = folder.appendingPathComponent("mine.json")
      try Data("mine".utf8).write(to: path)
      let refused = try Tool.run(Self.run + ["--trace", path.path])
      #expect(refused.status == 64 || refused.status == 65)
      #expect(refused.errors.contains("--force"))
      #expect(try Data(contentsOf: path) == Data("mine".utf8))
      let nowhere = folder.appendingPathComponent("none/trace.json").path
      let unwritten = try Tool.run(Self.run + ["--trace", nowhere])
      #expect(unwritten.status != 0 && unwritten.errors.contains(nowhere))
    }
  }

  @Test(
    arguments: [
      (["--fast"], "--window"), (["--without", "gravity"], "softirq-rule"),
      (["--set", "net.offered=0Bit/s"], "net.offered"), (["--set", "nic.queues=65"], "nic.queues"),
      (["--set", "kernel.preemption=lazy"], "lazy"), (["--set", "vm.memory=0B"], "vm.memory"),
    ] as [([String], String)]
  )
  func badInputIsASentence(_ words: [String], named: String) throws {
    let result = try Tool.run(Self.run + words)
    #expect([64, 65].contains(result.status), "\(result.status)")
    #expect(result.errors.contains(named), "\(result.errors)")
    #expect(result.output.isEmpty)
  }

  @Test func withoutAMechanismTheReportDiffers() throws {
    func report(_ words: [String]) throws -> String {
      try Tool.run(Self.run + ["--format", "json", "--policy", "chunk=2MiB"] + words).output
    }
    #expect(try report([]) == report([]))
    #expect(try report([]) != report(["--without", "break-points"]))
  }

  /// What `validate` knows of the simulator's error goes with every answer beside a flow.
  @Test func theReportQuotesWhatIsPublishedOfItsKind() throws {
    let text = try Tool.run(Self.run + ["--policy", "chunk=2MiB"]).output
    #expect(text.contains("KJ24-02") && text.contains("measured 0.211, simulated 0."))
    #expect(!text.contains("KJ24-fio"))
    let alone = ["--set", "net.flows=0", "--set", "net.offered=0bit/s"]
    #expect(!(try Tool.run(Self.run + alone).output.contains("KJ24-02")))
    let json = try Tool.run(Self.run + ["--format", "json"]).output
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
    )
    #expect(report["operation"] != nil, "the report's own values stay where they were")
    let context = try #require(report["context"] as? [String: Any])
    let published = try #require(context["published"] as? [[String: Any]])
    let share = try #require(published.first { $0["fact"] as? String == "KJ24-02" })
    #expect(share["measured"] as? Double == 0.2105 && share["simulated"] is Double)
  }

  @Test func helpIsGolden() throws {
    Golden.check(try Tool.run(["help", "simulate"]).output, "help/simulate.txt")
  }
}
