// SPDX-License-Identifier: GPL-3.0-or-later

import Events
import Foundation
import Observations
import PageTables
import Profiles
import Quantities
import Scenarios
import Testing

/// The trace file, parsed against the format's rules for the kinds of event it uses.
@Suite struct TraceTests {
  @Test func traceOpensAndItsSpansDoNotOverlap() throws {
    let workload = Fixture.workload(gibibytes: 1)
    var scenario = Fixture.scenario(Fixture.kernel(6, 1), workload, chunk: .smallestBlock)
    scenario.traceLimit = 20_000
    let (report, trace) = try scenario.runTraced()
    let data = Scenario.traceEvents(trace, process: "s2tune \"test\"")
    let file = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let events = try #require(file["traceEvents"] as? [[String: Any]])
    #expect(events.count == trace.records.count + 8)
    var ends: [Int: Double] = [:]
    var names: Set<String> = []
    for event in events {
      let phase = try #require(event["ph"] as? String)
      guard phase != "M" else { continue }
      let start = try #require(event["ts"] as? Double)
      let track = try #require(event["tid"] as? Int)
      names.insert(try #require(event["name"] as? String))
      #expect(["X", "i"].contains(phase))
      #expect(start >= 0 && start <= Double(report.simulated.rawValue) / 1e3)
      guard phase == "X" else { continue }
      let length = try #require(event["dur"] as? Double)
      #expect(start >= ends[track, default: 0] - 0.002)
      ends[track] = start + length
    }
    #expect(names.isSuperset(of: ["hold", "poll", "read", "tick", "interrupt"]))
    #expect(report.network != nil)
  }

  @Test func tracingChangesNothing() throws {
    let workload = Fixture.workload(gibibytes: 1)
    var scenario = Fixture.scenario(Fixture.kernel(6, 12), workload, chunk: .largestBlock)
    let plain = try scenario.run()
    scenario.traceLimit = 100
    let (report, trace) = try scenario.runTraced()
    #expect(report == plain)
    #expect(trace.records.count == 100 && trace.omitted > 0)
  }
}
