// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Scenarios
import Testing

/// What the kernel would have logged: soft lockups, RCU stalls, hung tasks.
@Suite struct WatchdogTests {
  /// 64 GiB of 4K pages at 1,146 ns each take 19.2 s; 80 GiB take 24.0 s.
  static func teardown(_ kernel: (Int, Int), _ chunk: ChunkRule, gibibytes: Int64) -> Scenario {
    let workload = Fixture.workload(gibibytes: gibibytes, quiet: true)
    return Fixture.scenario(Fixture.kernel(kernel.0, kernel.1), workload, chunk: chunk)
  }

  @Test func aWalkWithoutABreakPointForTwentySecondsIsALockup() throws {
    let long = try #require(try Self.teardown((5, 10), .rootEntry, gibibytes: 80).run().watchdogs)
    #expect(long.withoutReschedule > .seconds(23) && long.withoutReschedule < .seconds(26))
    #expect(long.warnings == [.softLockup, .stalledRCU])
    let short = try #require(try Self.teardown((5, 10), .rootEntry, gibibytes: 60).run().watchdogs)
    #expect(short.withoutReschedule > .seconds(17) && short.warnings.isEmpty)
  }

  /// The same walk in chunks, and the same without the conditional break between them.
  @Test func breakPointsKeepTheWatchdogsQuiet() throws {
    var scenario = Self.teardown((6, 1), .largestBlock, gibibytes: 80)
    let broken = try #require(try scenario.run().watchdogs)
    #expect(broken.withoutReschedule < .milliseconds(400) && broken.warnings.isEmpty)
    scenario.switches = MachineSwitches(without: [.breakPoints])
    #expect(try #require(try scenario.run().watchdogs).warnings == [.softLockup, .stalledRCU])
  }

  /// A memslot delete holds slots_lock; a munmap does not.
  @Test func whoWantsTheSlotsLockHangs() throws {
    var scenario = Self.teardown((6, 1), .largestBlock, gibibytes: 512)
    scenario.workload.teardownPath = .memslotDelete
    let held = try #require(try scenario.run().watchdogs)
    #expect(held.slotsLock > .seconds(120) && held.warnings == [.hungTask])
    scenario.workload.teardownPath = .munmap
    #expect(try #require(try scenario.run().watchdogs).warnings.isEmpty)
  }
}
