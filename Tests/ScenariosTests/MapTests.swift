// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Scenarios
import Testing

/// One vCPU that faults its memory in beside a flow.
@Suite struct MapTests {
  static func scenario(_ chunk: ChunkRule, quiet: Bool) -> Scenario {
    var workload = Fixture.workload(gibibytes: 1, quiet: quiet)
    workload.operation = .map
    var scenario = Fixture.scenario(Fixture.kernel(6, 1), workload, chunk: chunk)
    scenario.host.fault.outsideLock = .nanoseconds(900)
    scenario.host.fault.insideLock = .nanoseconds(300)
    scenario.host.fault.pageAllocation = .nanoseconds(400)
    return scenario
  }

  @Test func everyPageIsFaultedIn() throws {
    let report = try Self.scenario(.largestBlock, quiet: true).run()
    #expect(report.counts.guestAborts == 262_144)
    let work = 262_144 * 1.6e-6
    #expect(abs(report.operation.whole.inSeconds / work - 1) < 0.02)
  }

  @Test func theFlowTakesItsShareAndChunksNone() throws {
    let quiet = try Self.scenario(.largestBlock, quiet: true).run()
    let large = try Self.scenario(.largestBlock, quiet: false).run()
    let small = try Self.scenario(.smallestBlock, quiet: false).run()
    #expect(large.operation.whole.inSeconds > 1.2 * quiet.operation.whole.inSeconds)
    #expect(large.operation.whole == small.operation.whole)
    #expect(try #require(large.network).retained > 0.9)
  }
}
