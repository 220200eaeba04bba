// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import Profiles
import Quantities
import Testing

@testable import Machine

/// Datagrams that come in bursts, and what a completing poll does not see.
@Suite struct BurstTests {
  /// A flood of 20,000 a second in bursts, beside one chunk of 1.5 s, as in run L1.
  static func flood(
    _ kernel: KernelProfile,
    burst: Nanoseconds,
    seed: UInt64
  ) throws -> MachineOutcome {
    let work = Nanoseconds.milliseconds(1_500)
    var input = try Fixture.input(kernel, Fixture.plan(chunk: work, total: work), seed: seed)
    input.host = CaptureTests.host(tick: 160_000, packet: 15_000)
    input.network.datagrams = 20_000
    input.network.datagramSize = .bytes(64)
    input.network.burst = burst
    return input.run()
  }

  @Test func burstsKeepTheRate() throws {
    let alone = try Self.flood(Fixture.kernel(6, 12), burst: .zero, seed: 1)
    let bursts = try Self.flood(Fixture.kernel(6, 12), burst: .microseconds(325), seed: 1)
    for outcome in [alone, bursts] {
      let seen = outcome.stageTwoDatagrams + outcome.stageTwoDrops
      #expect(abs(Double(seen) / outcome.stageTwo.inSeconds / 20_000 - 1) < 0.03)
    }
  }

  /// Recorded: ksoftirqd runnable 0.7 ms before the chunk on 6.1, woken 13.4 ms into it on 6.12,
  /// and about every third tick before it.
  @Test func aFloodInBurstsWakesKsoftirqdSoon() throws {
    var waits: [Double] = []
    for seed in 1...8 as ClosedRange<UInt64> {
      let outcome = try Self.flood(Fixture.kernel(6, 1), burst: .microseconds(325), seed: seed)
      waits.append(try #require(outcome.network.firstKsoftirqdWake).inSeconds)
    }
    #expect(waits.reduce(0, +) / 8 < 0.04)
  }

  /// What arrives while the last packets go up the stack is not of this poll.
  @Test func aCompletingPollMissesWhatArrives() throws {
    let costs = MachineCosts(try Fixture.input(Fixture.kernel(6, 1), WorkPlan(), seed: 1))
    #expect(costs.completing[0] == .zero)
    #expect(costs.completing[8] == .nanoseconds(900 * 16 / 3))
    #expect(costs.completing[64] == costs.completing[8])
  }
}
