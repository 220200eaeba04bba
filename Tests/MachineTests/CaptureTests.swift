// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
import Observations
import Operations
import PageTables
import Profiles
import Quantities
import Randomness
import Testing

/// What recorded 6.1 and 6.12 kernels did with packets inside a chunk (`captures/net`), on a host that
/// is made up here; the recordings themselves are facts (`models/facts/captures-net.yaml`).
///
/// Rates, HZ and weights are the run's. What is compared follows from the rules.
@Suite struct CaptureTests {
  /// The recording machine: one CPU, virtio-net without moderation, a ring of 256.
  static func host(tick: Double, packet: Double) -> HostProfile {
    Fixture.host {
      $0.cpus = 1
      $0.cpu.contextSwitch = .nanoseconds(15_000)
      $0.cpu.hardInterrupt = .nanoseconds(6_000)
      $0.cpu.tick = .nanoseconds(tick)
      $0.cpu.softirqEntry = .nanoseconds(5_000)
      $0.cpu.wakeup = .zero
      $0.nic.rate = .gigabits(10)
      $0.nic.ring = 256
      $0.nic.moderation = .zero
      $0.nic.poll = .nanoseconds(4_000)
      $0.nic.packet = .nanoseconds(packet)
      $0.nic.readerCall = .nanoseconds(30_000)
      $0.nic.readerKilobyte = .nanoseconds(4_300)
    }
  }

  /// Datagrams at a rate while one chunk runs.
  static func datagrams(
    _ kernel: KernelProfile,
    rate: Int,
    chunk: Nanoseconds,
    seed: UInt64
  ) throws -> MachineOutcome {
    let plan = Fixture.plan(chunk: chunk, total: chunk)
    var input = try Fixture.input(kernel, plan, seed: seed)
    let isFlood = rate > 10_000
    input.host = host(tick: isFlood ? 160_000 : 105_000, packet: isFlood ? 19_000 : 30_000)
    input.network.datagrams = rate
    input.network.datagramSize = .bytes(isFlood ? 64 : 1_000)
    return input.run()
  }

  static let old = Fixture.kernel(6, 1)
  static let new = Fixture.kernel(6, 12)
  /// CPU time of the unmap walk: the chunk of the traced TCP run on each kernel.
  static let work = Nanoseconds.milliseconds(944)

  @Test func newKernelsRunSoftirqsToTheEnd() throws {
    for seed in 1...2 as ClosedRange<UInt64> {
      let outcome = try Self.datagrams(Self.new, rate: 2_000, chunk: Self.work, seed: seed)
      let length = outcome.stageTwo.inSeconds
      #expect(abs(Double(outcome.stageTwoDatagrams) / length / 2_000 - 1) < 0.03)
      // Recorded: 5.2 ms without a softirq, 2002 packets a second inside the chunk.
      #expect(outcome.network.longestWithoutSoftirq < .milliseconds(10))
    }
  }

  @Test func oldKernelsRunNoneOnceTheThreadIsRunnable() throws {
    for seed in 1...2 as ClosedRange<UInt64> {
      let outcome = try Self.datagrams(Self.old, rate: 2_000, chunk: Self.work * 4, seed: seed)
      let wake = try #require(outcome.network.firstKsoftirqdWake)
      let rest = outcome.stageTwo - wake
      #expect(rest - outcome.network.longestWithoutSoftirq < .milliseconds(2))
      let inside = Double(outcome.stageTwoDatagrams)
      #expect(abs(inside - wake.inSeconds * 2_000) < 40 + 0.1 * inside)
    }
  }

  @Test func floodIsThrottledToOnePollATick() throws {
    let new = try Self.datagrams(Self.new, rate: 20_000, chunk: .milliseconds(1_500), seed: 3)
    let inside = Double(new.stageTwoDatagrams) / new.stageTwo.inSeconds
    // Recorded: 15.2k packets a second, runs 4.0 ms apart.
    #expect(abs(inside / 15_200 - 1) < 0.1)
    let old = try Self.datagrams(Self.old, rate: 20_000, chunk: .milliseconds(1_500), seed: 3)
    let few = Double(old.stageTwoDatagrams) / old.stageTwo.inSeconds
    #expect(few < 2_000)
    #expect(new.network.drops.ring > 0 && old.network.drops.ring > 0)
  }

  /// With the reader waiting, a TCP flow stops when its window is full, not when a ring is.
  @Test func tcpStopsWhenTheWindowIsFull() throws {
    let outcome = try Self.stream(Self.new, Fixture.plan(chunk: Self.work, total: Self.work))
    #expect(abs(Double(outcome.stageTwoSegments) / 2_708 - 1) < 0.1)
    #expect(outcome.network.drops.ring == 0)
    #expect(outcome.network.largestGap >= Self.work)
  }

  /// One TCP flow, as recorded outside the chunk: 80,900 packets a second, 24 a poll, a window of
  /// 2,708 segments.
  static func stream(_ kernel: KernelProfile, _ plan: WorkPlan) throws -> MachineOutcome {
    var input = try Fixture.input(kernel, plan, seed: 1)
    input.host = Self.host(tick: 48_000, packet: 4_800)
    input.host.cpu.hardInterrupt = .nanoseconds(3_000)
    input.host.cpu.softirqEntry = .nanoseconds(1_000)
    input.host.nic.poll = .nanoseconds(1_000)
    // 24 packets a poll, as recorded before the chunk: one interrupt in 297 us.
    input.host.nic.moderation = .microseconds(297)
    input.network.flows = 1
    input.network.offered = .megabits(900)
    input.network.frame = .bytes(1_514)
    input.network.window = .bytes(2_708 * 1_448)
    input.network.roundTrip = .microseconds(500)
    return input.run()
  }
}
