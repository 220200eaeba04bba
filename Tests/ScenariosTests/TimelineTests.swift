// SPDX-License-Identifier: GPL-3.0-or-later

import Events
import Machine
import Observations
import PageTables
import Quantities
import Scenarios
import Testing

/// Timelines beside a naive reading of the whole trace.
@Suite struct TimelineTests {
  private static let span = TimelineSpan(
    lead: .milliseconds(5),
    step: .microseconds(250),
    count: 200
  )

  private func scenario() -> Scenario {
    Fixture.scenario(Fixture.kernel(6, 1), Fixture.workload(gibibytes: 1), chunk: .smallestBlock)
  }

  @Test func watchingChangesNothing() throws {
    let (report, timeline) = try scenario().run(watching: Self.span)
    #expect(try report == scenario().run())
    let seen = try #require(timeline)
    #expect(seen.start == .zero - .milliseconds(5) && seen.step == .microseconds(250))
    #expect(seen.tracks.allSatisfy { $0.values.count == 200 })
  }

  /// Every step of every lane is what the whole trace says of it, read span by span.
  @Test func stepsAreWhatTheTraceSays() throws {
    var whole = scenario()
    whole.traceLimit = 1_000_000
    let (_, trace) = try whole.runTraced()
    #expect(trace.omitted == 0)
    let timeline = try #require(try scenario().run(watching: Self.span).timeline)
    let begin = Nanoseconds.milliseconds(100) - Self.span.lead
    let names: [Timeline.Lane: String] = [
      .walker: "walker", .lock: "lock", .hardInterrupt: "hardInterrupt", .softirq: "softirq",
      .softirqThread: "ksoftirqd", .reader: "reader", .drops: "ring",
    ]
    #expect(timeline.values(of: .lock) != nil && timeline.values(of: .reader) != nil)
    for track in timeline.tracks {
      let own = trace.records.filter { MachineTrace.tracks[$0.track] == names[track.lane] }
      for step in 0..<Self.span.count {
        let from = (begin + Self.span.step * Int64(step)).rawValue
        let to = from + Self.span.step.rawValue
        var expected = 0.0
        for record in own {
          let start = record.start.sinceStart.rawValue
          if track.lane == .reader || track.lane == .drops {
            if (from..<to).contains(start) { expected += Double(record.value) }
          } else {
            let inside = min(to, start + record.length.rawValue) - max(from, start)
            expected += Double(max(0, inside)) / Double(to - from)
          }
        }
        #expect(abs(track.values[step] - expected) < 1e-3, "\(track.lane) in step \(step)")
      }
    }
  }

  /// What begins after the stretch is not kept, what reaches over its end is.
  @Test func aTraceEndsWhereItIsTold() {
    var trace = Trace(limit: 2, until: .start + .nanoseconds(10))
    for start: Int64 in [0, 9, 10, 11] {
      trace.add(
        TraceRecord(
          track: 0,
          name: 0,
          start: .start + .nanoseconds(start),
          length: .nanoseconds(100)
        )
      )
    }
    #expect(trace.records.map(\.start.sinceStart.rawValue) == [0, 9] && trace.omitted == 0)
  }
}
