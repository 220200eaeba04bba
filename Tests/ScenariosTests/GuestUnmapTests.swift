// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Scenarios
import Testing

/// What a running guest loses while the host unmaps its memory.
@Suite struct GuestUnmapTests {
  /// A quiet guest of 64 MiB whose vCPUs touch again all that is unmapped, a call every millisecond.
  private static func scenario(
    _ kernel: KernelProfile = Fixture.kernel(6, 6),
    _ change: (inout Scenario) throws -> Void = { _ in }
  ) rethrows -> Scenario {
    var workload = Fixture.workload(gibibytes: 1, quiet: true)
    workload.operation = .reclaim
    workload.memory.size = .mebibytes(64)
    workload.memory.vcpus = 4
    workload.unmap.touch = 1
    workload.unmap.rate = 1_000
    var scenario = Fixture.scenario(kernel, workload, chunk: .largestBlock)
    try change(&scenario)
    return scenario
  }

  private static func run(
    _ scenario: Scenario
  ) throws -> (guest: GuestOutcome, faults: FaultOutcome) {
    let report = try scenario.run()
    return (try #require(report.guest), try #require(report.faults))
  }

  /// A hint of 4 KiB in a block of 2 MiB unmaps the block, and every page of it faults by itself; one of
  /// the whole block faults once.
  @Test func aHintInsideABlockCostsAFaultAPage() throws {
    func faults(_ range: ByteCount) throws -> Int64 {
      let found = try Self.run(
        Self.scenario {
          $0.workload.memory.blockShare = 1
          $0.workload.unmap.range = range
          $0.workload.unmap.stride = .mebibytes(2)
        }
      )
      #expect(found.guest.calls == 32)
      return found.faults.faults - found.faults.retries
    }
    // Some of what the last calls unmap is touched after the operation.
    #expect((29...32).contains(try faults(.mebibytes(2))))
    #expect((29 * 512...32 * 512).contains(try faults(.kibibytes(4))))
  }

  /// Hints side by side find the block gone after the first; calls and events are those of PageTables.
  @Test func laterHintsInABlockFindNothing() throws {
    let scenario = Self.scenario {
      $0.workload.memory.blockShare = 1
      $0.workload.unmap.range = .kibibytes(64)
      $0.workload.unmap.rate = nil
    }
    let report = try scenario.run()
    #expect(try #require(report.guest).calls == 1_024)
    #expect(report.counts.blocksCleared == 32 && report.counts.leavesCleared == 32)
    var tables = try scenario.operation.layOut()
    let rules = try scenario.operation.rules()
    var counts = EventCounts.zero
    for call in 0..<Int64(1_024) {
      let start = scenario.workload.memory.base + ByteCount.kibibytes(64) * call
      counts += try tables.unmap(AddressRange(start: start, size: .kibibytes(64)), rules).total
    }
    #expect(report.counts.unmapCalls == counts.unmapCalls)
    // The last call also frees the upper tables, which a large guest keeps.
    #expect((0...2).contains(counts.ipaFlushes - report.counts.ipaFlushes))
    #expect(report.counts.leavesCleared == counts.leavesCleared)
  }

  /// The rate is kept, and what the guest loses follows it.
  @Test func moreCallsASecondTakeMore() throws {
    func run(_ rate: Int) throws -> RunReport {
      try Self.scenario { $0.workload.unmap.rate = rate }.run()
    }
    let (slow, fast) = (try run(2_000), try run(20_000))
    #expect(abs(slow.operation.whole.inSeconds / (16_384 / 2_000.0) - 1) < 0.01)
    #expect(abs(fast.operation.whole.inSeconds / (16_384 / 20_000.0) - 1) < 0.05)
    let losses = try [slow, fast].map { try #require($0.guest).lost }
    #expect(losses[0] > 0 && losses[1] > 2 * losses[0] && losses[1] < 1)
    #expect(slow.value(of: .guestLost) == losses[0])
  }

  /// A fault waits for the rest of the notifier's window, then maps; without turning back it does not.
  @Test func aStallIsTheRestOfTheWindow() throws {
    func stall(_ call: Nanoseconds, without mechanism: Mechanism? = nil) throws -> Nanoseconds {
      let found = try Self.run(
        Self.scenario {
          $0.host.hostFree.call = .nanoseconds(Double(2 * call.rawValue))
          if let mechanism { $0.operation.switches.off.insert(mechanism) }
        }
      )
      return found.guest.worstStall
    }
    // Half of a call's own cost lies between its two ends.
    let long = try stall(.microseconds(300))
    #expect(long > .microseconds(290) && long < .microseconds(315))
    #expect(try stall(.microseconds(100)) < .microseconds(110))
    #expect(try stall(.microseconds(300), without: .faultRetry) < .microseconds(8))
  }

  /// Where calls leave no time between two, faults wait for their end; nobody waits longer.
  @Test func callsWithoutAPauseLeaveFaultsWaiting() throws {
    let found = try Self.scenario {
      $0.workload.unmap.rate = nil
      $0.host.hostFree.page = .zero
      $0.host.hostFree.call = .nanoseconds(400)
    }.run()
    let guest = try #require(found.guest)
    #expect(guest.lost > 0.9 && guest.turningBack > 0.8)
    #expect(guest.worstStall <= found.operation.whole + .microseconds(10))
  }

  @Test func refillsFollowFlushesAndCanBeSwitchedOff() throws {
    let with = try Self.run(Self.scenario()).guest
    let without = try Self.run(Self.scenario { $0.operation.switches.off.insert(.refill) }).guest
    // A flush for each page, and one for each table that empties, two upper ones at the end.
    #expect(with.refills == 4 * (16_384 + 32 + 2))
    #expect(with.refilling > 0.02 && with.refilling < 0.05 && without.refilling == 0)
    #expect(with.lost > without.lost)
  }

  /// Refills approach their whole price where flushes are rare, and a bound where they are not.
  @Test func refillsOfRareFlushesAreWhole() throws {
    let guest = try #require(try Self.scenario().operation.runningGuest())
    #expect(abs(guest.refilling(every: .seconds(1)) / 30e-6 - 1) < 0.001)
    #expect(guest.refilling(every: .nanoseconds(10)) < 30.0 / 130 + 0.001)
  }

  @Test func onlyRunningGuestsHaveAGuestPart() throws {
    for operation in StageTwoOperation.allCases {
      let report = try Self.scenario {
        $0.workload.operation = operation
        $0.workload.migration.dirtyPagesPerSecond = 1_000
      }.run()
      #expect((report.guest != nil) == (operation == .reclaim), "\(operation)")
    }
  }

  @Test func rangesAreRefusedThatNoCallHas() {
    func refusal(_ change: @escaping (inout Scenario) -> Void) -> String? {
      do {
        _ = try Self.scenario(Fixture.kernel(6, 6), change).run()
        return nil
      } catch { return "\(error)" }
    }
    #expect(refusal { $0.workload.unmap.range = .kibibytes(12) }?.contains("power of two") == true)
    #expect(
      refusal {
        $0.workload.unmap.range = .mebibytes(2)
        $0.workload.unmap.stride = .kibibytes(4)
      }?.contains("unmap.stride 4KiB") == true
    )
  }

  /// A window of a paced operation says the same of the guest as all of it.
  @Test func aWindowKnowsWhatTheWholeKnows() throws {
    let whole = try Self.run(Self.scenario())
    let part = try Self.run(Self.scenario { $0.extent = .window(Window()) })
    #expect(abs(part.guest.lost / whole.guest.lost - 1) < 0.1)
    #expect(part.guest.calls == whole.guest.calls)
    #expect(abs(Double(part.faults.faults) / Double(whole.faults.faults) - 1) < 0.1)
  }
}
