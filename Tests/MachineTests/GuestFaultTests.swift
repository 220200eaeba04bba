// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Quantities
import Randomness
import TestSupport
import Testing

@testable import Machine
@testable import Operations

/// Faults of a running guest beside notifier calls, against their definition.
@Suite struct GuestFaultTests {
  private struct Times: Equatable {
    var attempts: Int64 = 0
    var sum = Nanoseconds.zero
    var longest = Nanoseconds.zero
  }

  private static func window(
    _ began: Int64,
    _ unlocked: Int64,
    _ ended: Int64
  ) -> GuestFaults.Window {
    func at(_ time: Int64) -> Instant { .start + .nanoseconds(time) }
    return GuestFaults.Window(began: at(began), unlocked: at(unlocked), ended: at(ended))
  }

  private static let call = NotifierCall(
    tail: .zero,
    faults: 150,
    outside: .nanoseconds(600),
    population: .nanoseconds(800),
    inside: .nanoseconds(300)
  )

  private static let guest = RunningGuest(
    vcpus: 1_000,
    retry: .nanoseconds(1_000),
    sharesLock: true,
    turnsBack: true,
    refill: .zero
  )

  /// One fault, attempt by attempt, each held against every call.
  private static func naive(
    _ began: Int64,
    _ windows: [[Int64]]
  ) -> (time: Int64, attempts: Int64) {
    var (exit, attempts) = (began, Int64(1))
    while true {
      let lock = exit + 600 + (attempts == 1 ? 800 : 0)
      let read = exit + 300
      guard windows.contains(where: { lock > $0[0] && read < $0[2] }) else {
        return (lock + 300 - began, attempts)
      }
      let held = windows.first { lock > $0[0] && lock < $0[1] }
      exit = (held?[1] ?? lock) + 1_000
      attempts += 1
    }
  }

  @Test(arguments: Property.seeds(30))
  func faultsAreTakenAgainAsTheirDefinitionSays(seed: UInt64) {
    var chance = Seed(seed).stream("windows")
    var windows: [[Int64]] = []
    var time = Int64(0)
    for _ in 0..<60 {
      let began = time + 200 + Int64(chance.uniform(below: 6_000))
      let unlocked = began + 100 + Int64(chance.uniform(below: 3_000))
      time = unlocked + Int64(chance.uniform(below: 9_000))
      windows.append([began, unlocked, time])
    }
    var faults = GuestFaults(Self.guest, from: .start, Seed(seed).stream("guest"))
    for window in windows {
      faults.passed(Self.window(window[0], window[1], window[2]), Self.call, flushes: 1)
    }
    let measured = faults.finished()
    // The same draws: what is due after each call comes between its end and that of the next.
    var draws = Seed(seed).stream("guest")
    var (due, wanting, expected) = (0.0, 0.0, Times())
    for (before, window) in zip(windows, windows.dropFirst()) {
      due += Self.call.faults
      let wanted = due * (1 - exp(-Double(window[2] - before[2]) / 1e6))
      (due, wanting) = (due - wanted, wanting + wanted)
      while wanting >= 1 {
        wanting -= 1
        let offset = draws.uniform(below: Nanoseconds(rawValue: window[2] - before[2]))
        let found = Self.naive(before[2] + offset.rawValue, windows)
        expected.attempts += found.attempts
        expected.sum += Nanoseconds(rawValue: found.time)
        expected.longest = max(expected.longest, Nanoseconds(rawValue: found.time))
      }
    }
    let got = Times(
      attempts: measured.faults.faults,
      sum: measured.faultTime,
      longest: measured.faults.latency.max ?? .zero
    )
    #expect(got == expected, "S2TUNE_SEED=\(seed)")
    #expect(measured.calls == 60 && measured.flushes == 60)
    #expect(measured.faults.retries > 0)
  }

  /// Before 6.2 a fault has mmu_lock alone: many at once wait for each other.
  @Test func faultsThatDoNotShareTheLockQueue() {
    func longest(sharing: Bool) -> Nanoseconds? {
      var guest = Self.guest
      guest.sharesLock = sharing
      var call = Self.call
      call.faults = 100
      call.inside = .microseconds(500)
      var faults = GuestFaults(guest, from: .start, Seed(1).stream("guest"))
      for start in [Int64(0), 20_000_000] {
        faults.passed(Self.window(start, start + 500, start + 1_000), call, flushes: 1)
      }
      return faults.finished().faults.latency.max
    }
    #expect((longest(sharing: true) ?? .zero) < .microseconds(505))
    #expect((longest(sharing: false) ?? .zero) > .microseconds(5_000))
  }

  /// A burst that the lock carries waits for nothing else, in whatever order its faults are drawn.
  @Test func aBurstTakesWhatItsLockHoldsTake() throws {
    var guest = Self.guest
    guest.sharesLock = false
    var call = Self.call
    call.faults = 200
    var faults = GuestFaults(guest, from: .start, Seed(3).stream("guest"))
    // 200 faults of 300 ns in twenty milliseconds: the lock is free for most of the time.
    for start in [Int64(0), 20_000_000] {
      faults.passed(Self.window(start, start + 10, start + 20), call, flushes: 1)
    }
    let measured = faults.finished()
    let mean = try #require(measured.faults.latency.mean)
    #expect((199...200).contains(measured.faults.latency.count))
    #expect(mean >= .nanoseconds(1_700) && mean < .nanoseconds(1_800))
  }

  /// A vCPU has one fault at a time.
  @Test func aGuestHasNoMoreFaultsThanVCPUs() {
    var guest = Self.guest
    guest.vcpus = 2
    var call = Self.call
    call.faults = 50_000
    var faults = GuestFaults(guest, from: .start, Seed(1).stream("guest"))
    for start in [Int64(0), 1_000, 2_000] {
      faults.passed(Self.window(start, start + 900, start + 990), call, flushes: 1)
    }
    let measured = faults.finished()
    #expect(measured.faults.latency.count == 2)
  }
}
