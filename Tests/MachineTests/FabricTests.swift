// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
import Observations
import Operations
import PageTables
import Profiles
import Quantities
import Randomness
import Testing

/// The fabric that carries broadcast invalidations: the closed form against the simulated queue.
@Suite struct FabricTests {
  static func costs(_ occupancy: Double, reach: Double = 0) -> InvalidationCosts {
    var costs = InvalidationCosts()
    costs.occupancy = occupancy
    costs.reach = reach
    return costs
  }

  /// Mean time of a fault, flush included, where `vcpus` flush after `outside` nanoseconds.
  static func simulated(_ vcpus: Int, outside: Int64, issue: Int64, carried: Int64) -> Double {
    var storm = PrivateStorm(vcpus: vcpus, accesses: 4_000, memory: .pages, seed: Seed(7))
    storm.relax.outside = .nanoseconds(outside)
    storm.relax.issue = .nanoseconds(issue)
    storm.relax.carried = .nanoseconds(carried)
    return storm.run().time.inSeconds * 1e9 / 4_000
  }

  @Test(arguments: [1, 2, 3, 4, 6, 8, 16, 64])
  func closedFormFollowsTheQueue(_ invalidators: Int) {
    for outside: Int64 in [200, 1_000, 4_000, 20_000] {
      let queue = Self.simulated(invalidators, outside: outside, issue: 420, carried: 480)
      let share = FabricShare(invalidators: invalidators)
      let flush = Self.costs(480.0 / 900).flushTime(900, after: Double(outside), share)
      #expect(abs((Double(outside) + flush) / queue - 1) < 0.09)
    }
  }

  @Test func aFullFabricCarriesOneFlushAfterTheOther() {
    let share = FabricShare(invalidators: 64)
    let flush = Self.costs(0.5).flushTime(1_000, after: 0, share)
    #expect(abs(flush - 32_000) < 1)
  }

  @Test func nobodyElseOrNoFabricLeavesAFlushAlone() {
    #expect(Self.costs(0.5).flushTime(900, after: 10, FabricShare()) == 900)
    #expect(Self.costs(0).flushTime(900, after: 10, FabricShare(invalidators: 9)) == 900)
    let far = FabricShare(invalidators: 1, cpus: 65)
    #expect(abs(Self.costs(0.5, reach: 0.01).flushTime(900, after: 10, far) - 1_476) < 1e-9)
  }

  /// The more invalidate, the longer each flush, and the fabric never carries more than it can.
  @Test func flushesGrowWithInvalidatorsAndThroughputIsBounded() {
    let costs = Self.costs(0.3)
    var last = 0.0
    for invalidators in 1...200 {
      let flush = costs.flushTime(1_000, after: 3_000, FabricShare(invalidators: invalidators))
      #expect(flush >= last)
      #expect(Double(invalidators) / (3_000 + flush) <= 1 / 300 * (1 + 1e-12))
      last = flush
    }
  }

  /// Under the exclusive lock only one vCPU flushes at a time: the lock decides, not the fabric.
  @Test func anExclusiveLockSerialisesWholeFaults() throws {
    var storm = PrivateStorm(vcpus: 8, accesses: 1_000, memory: .pages, seed: Seed(1))
    storm.relax.outside = .nanoseconds(500)
    storm.relax.inside = .nanoseconds(300)
    storm.relax.issue = .nanoseconds(400)
    storm.relax.carried = .nanoseconds(500)
    storm.relax.sharesLock = false
    let outcome = storm.run()
    let each = 8 * 1_000 * Nanoseconds.nanoseconds(1_200).inSeconds
    #expect(abs(outcome.time.inSeconds / each - 1) < 0.01)
    #expect(outcome.faults.faults == 8_000 && outcome.holds.count == 8_000)
    #expect(try #require(outcome.holds.max) <= .nanoseconds(1_210))
  }
}

/// Where a step's flushes have interrupts off.
@Suite struct MaskedFlushTests {
  /// The rest of the window at a point, by going through all windows of the unit.
  static func naive(_ step: WorkStep, _ place: Int64) -> Int64 {
    let unit = step.unit.rawValue
    let point = place % unit
    for part in 1...step.flushes {
      let end = Int64((Double(part) * Double(unit) / Double(step.flushes) + 1e-9).rounded(.down))
      if point < end, point >= end - step.flush.rawValue { return end - point }
    }
    return 0
  }

  @Test func windowsEndTheEqualPartsOfAUnit() {
    var chance = Seed(11).stream("steps")
    for _ in 0..<200 {
      let unit = Int64(chance.uniform(below: .nanoseconds(5_000)).rawValue + 1)
      let flushes = Int64(chance.uniform(below: .nanoseconds(40)).rawValue + 1)
      let longest = max(1, unit / flushes)
      var step = WorkStep(.stageTwo, unit: .nanoseconds(unit), units: 3)
      step.flushes = flushes
      step.flush = chance.uniform(below: .nanoseconds(longest)) + .nanoseconds(1)
      for place in stride(from: Int64(0), to: 3 * unit, by: Int(max(1, unit / 37))) {
        let rest = step.maskedRest(after: .nanoseconds(place)).rawValue
        #expect(rest == Self.naive(step, place))
      }
    }
  }

  /// A tebibyte of leaves in one unit does not overflow.
  @Test func aUnitOfAllLeavesOfATebibyteHasItsWindows() {
    var step = WorkStep(.stageTwo, unit: .nanoseconds(1_000 << 28))
    step.flushes = 1 << 28
    step.flush = .nanoseconds(800)
    #expect(step.maskedRest(after: .nanoseconds((1_000 << 28) - 500)) == .nanoseconds(500))
    #expect(step.maskedRest(after: .nanoseconds((1_000 << 27) + 100)) == .zero)
  }
}
