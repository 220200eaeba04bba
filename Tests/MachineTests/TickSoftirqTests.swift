// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
import Observations
import Operations
import Profiles
import Quantities
import Testing

/// When ksoftirqd becomes runnable inside a chunk whose softirqs keep up with a flow: a tick that
/// meets a softirq run and raises another softirq ends the run with work left.
@Suite struct TickSoftirqTests {
  /// One long chunk beside a flow at line rate whose reader is elsewhere.
  static func run(oneTickIn ticks: Int, seed: UInt64, major: Int = 6, minor: Int = 1) throws
    -> MachineOutcome
  {
    let chunk = Nanoseconds.milliseconds(600)
    var input = try Fixture.input(
      Fixture.kernel(major, minor),
      Fixture.plan(chunk: chunk, total: chunk),
      network: Fixture.bulk(reader: .elsewhere),
      seed: seed
    )
    input.host = Fixture.host {
      $0.nic.moderation = .microseconds(20)
      $0.nic.packet = .nanoseconds(2_600)
      $0.cpu.ticksPerSoftirq = ticks
    }
    return input.run()
  }

  static func mean(_ ticks: Int, _ value: (MachineOutcome) -> Double) throws -> Double {
    let seeds: ClosedRange<UInt64> = 1...30
    return try seeds.map { value(try run(oneTickIn: ticks, seed: $0)) }.reduce(0, +) / 30
  }

  /// A tick in so many raises a softirq, and that share of them meets softirqs that takes the CPU.
  @Test func theFirstWakeComesAfterSoManyTicksOverTheShareOfSoftirqs() throws {
    let undisturbed = try Self.run(oneTickIn: 1_000_000, seed: 1, minor: 12)
    let share = undisturbed.cpu.softirq.inSeconds / undisturbed.stageTwo.inSeconds
    #expect((0.35...0.6).contains(share), "softirqs take \(share) of the CPU")
    for ticks in [3, 9] {
      let expected = Double(ticks) * 0.004 / share
      let wake = try Self.mean(ticks) { $0.network.firstKsoftirqdWake?.inSeconds ?? 0.6 }
      #expect((0.6...1.4).contains(wake / expected), "\(ticks): \(wake) s, not \(expected) s")
    }
  }

  @Test func theMoreTicksRaiseTheLessOfAFlowIsKeptUnderTheOldRule() throws {
    let kept = try [3, 9, 100].map { ticks in try Self.mean(ticks, \.retained) }
    #expect(kept[0] < 0.75 * kept[1] && kept[1] < 0.75 * kept[2], "\(kept)")
  }
}
