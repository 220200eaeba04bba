// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Scenarios
import Testing

/// Operations other than a teardown: storms of first touches, reclaim, live migration.
@Suite struct OperationTests {
  /// The storm of the thread: 64 vCPUs on 8 GiB.
  static func storm(_ flush: FlushRule, vcpus: Int = 64) throws -> RunReport {
    var workload = Fixture.workload(gibibytes: 8, quiet: true)
    workload.operation = .mapCreate
    workload.memory.vcpus = vcpus
    var scenario = Fixture.scenario(Fixture.kernel(6, 6), workload, chunk: .largestBlock)
    scenario.host.features.rangeTLBI = true
    scenario.policy.flush = flush
    return try scenario.run()
  }

  @Test func unconditionalFlushSlowsAStorm() throws {
    let perLeaf = try Self.storm(.perLeaf)
    let deferred = try Self.storm(.deferredRange)
    let conditional = try Self.storm(.deferredIfCleared(.clearedLeaves))
    let base = perLeaf.operation.whole.inSeconds
    #expect(deferred.operation.whole.inSeconds > 1.05 * base)
    #expect(abs(conditional.operation.whole.inSeconds / base - 1) < 0.03)
    let faults = try #require(deferred.faults)
    // Every second vCPU writes and finds the zero page: the page is unmapped up to 32 times.
    let perPage = Double(faults.notifierCalls) / 1_024
    #expect((8...32).contains(perPage))
    #expect(faults.notifierCalls > 0 && faults.retries > 0)
  }

  @Test func oneThreadNeverCopies() throws {
    let alone = try Self.storm(.deferredRange, vcpus: 1)
    #expect(alone.faults?.notifierCalls == 0)
    #expect(alone.faults?.retries == 0)
  }

  @Test func reclaimCallsANotifierForEveryLeaf() throws {
    var workload = Fixture.workload(gibibytes: 1, quiet: true)
    workload.operation = .reclaim
    workload.memory.blockShare = 0.5
    var scenario = Fixture.scenario(Fixture.kernel(6, 1), workload, chunk: .largestBlock)
    scenario.extent = .window(Window())
    let report = try scenario.run()
    #expect(report.counts.leavesCleared == 256 + 256 * 512)
    #expect(report.counts.unmapCalls == report.counts.leavesCleared)
    #expect(report.counts.breakPoints == 0)
    let hold = try #require(report.locks?.holds.max)
    #expect(hold < .microseconds(20))
  }

  static func migration(_ change: (inout Scenario) -> Void = { _ in }) throws -> RunReport {
    var workload = Fixture.workload(gibibytes: 16, quiet: true)
    workload.operation = .migration
    workload.memory.vcpus = 16
    workload.migration.dirtyPagesPerSecond = 100_000
    workload.migration.workingSet = .gibibytes(4)
    var scenario = Fixture.scenario(Fixture.kernel(6, 12), workload, chunk: .largestBlock)
    scenario.extent = .window(Window())
    change(&scenario)
    return try scenario.run()
  }

  @Test func migrationConvergesAndFasterLinksConvergeFaster() throws {
    let slow = try #require(try Self.migration().migration)
    let fast = try #require(
      try Self.migration { $0.workload.migration.link = .gigabits(40) }.migration
    )
    #expect(slow.converged && fast.converged)
    #expect(fast.time < slow.time)
    #expect(slow.rounds[0].pages == 16 * 262_144)
    #expect(slow.downtime <= .milliseconds(400))
    for (before, after) in zip(slow.rounds, slow.rounds.dropFirst()) {
      #expect(after.pages < before.pages)
    }
  }

  /// A window that ends inside the only CLEAR of a slot knows no call that ended.
  @Test func aWindowInsideOneClearKnowsTheCallsLength() throws {
    let whole = try #require(try Self.migration { $0.workload.network.flows = 0 }.writeProtect)
    let cut = try Self.migration {
      $0.workload.network.flows = 0
      var window = Window()
      window.stageTwo = .milliseconds(5)
      $0.extent = .window(window)
    }
    let part = try #require(cut.writeProtect)
    let call = try #require(whole.callP99)
    #expect(call > .milliseconds(5))
    #expect((try #require(part.callP99).inSeconds / call.inSeconds - 1).magnitude < 0.05)
  }

  @Test func migrationThatCannotConvergeSaysSo() throws {
    let report = try Self.migration {
      $0.workload.migration.dirtyPagesPerSecond = 2_000_000
      $0.workload.migration.maximumRounds = 5
    }
    let outcome = try #require(report.migration)
    #expect(!outcome.converged)
    #expect(outcome.rounds.count == 6)
    #expect(outcome.downtime > .milliseconds(300))
  }

  @Test func smallerClearRangesStallLess() throws {
    let whole = try #require(try Self.migration().writeProtect)
    let pieces = try #require(
      try Self.migration { $0.policy.clearRange = .mebibytes(64) }.writeProtect
    )
    #expect(pieces.worstStall.rawValue * 100 < whole.worstStall.rawValue)
    #expect(pieces.calls > whole.calls)
  }

  @Test func eagerSplitSparesTheGuest() throws {
    func speed(split: ByteCount) throws -> Double {
      let report = try Self.migration {
        $0.workload.memory.blockShare = 1
        $0.policy.clearRange = .mebibytes(256)
        $0.policy.eagerSplit = split
      }
      return try #require(report.migration).guestSpeed
    }
    #expect(try speed(split: .mebibytes(2)) > speed(split: .zero))
  }

  @Test func operationsRefuseWhatTheyCannotDo() {
    func refusal(_ change: @escaping (inout Scenario) -> Void) -> String? {
      do {
        _ = try Self.migration(change)
        return nil
      } catch { return "\(error)" }
    }
    #expect(refusal { $0.workload.migration.link = .zero }?.contains("migration.link") == true)
    #expect(refusal { $0.workload.migration.maximumRounds = 0 }?.contains("rounds") == true)
    #expect(
      refusal {
        $0.workload.operation = .mapCreate
        $0.workload.memory.vcpus = 5_000
      }?.contains("vm.vcpus 5000") == true
    )
  }
}
