// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
import Observations
import Operations
import PageTables
import Policies
import Profiles
import Scenarios
import Testing

/// A run that somebody watches.
@Suite struct WatchTests {
  private static func scenario() -> Scenario {
    var workload = Fixture.workload(gibibytes: 4, quiet: false)
    workload.teardownPath = .munmap
    return Fixture.scenario(Fixture.kernel(6, 1), workload, chunk: .smallestBlock)
  }

  @Test func aWatchChangesNothing() throws {
    var scenario = Self.scenario()
    let alone = try scenario.run()
    let watch = RunWatch()
    scenario.watch = watch
    let watched = try scenario.run()
    #expect(watched == alone)
    #expect(watch.events > 0 && watch.events <= alone.events)
    #expect((1...1_000).contains(watch.permille))
  }

  @Test func aStoppedRunEndsAtItsNextLook() throws {
    var scenario = Self.scenario()
    let watch = RunWatch()
    watch.stop()
    scenario.watch = watch
    let report = try scenario.run()
    #expect(report.stop == .eventLimit && report.events <= 1)
    #expect(watch.isStopped)
  }
}
