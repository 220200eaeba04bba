// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Testing

@testable import Scenarios

/// Fast runs against exact ones: what they leave out must lie within what they state.
@Suite struct FastTests {
  @Test(
    arguments: [
      (ChunkRule.largestBlock, Fixture.kernel(6, 1)), (.smallestBlock, Fixture.kernel(6, 12)),
    ]
  )
  func fastLiesWithinItsError(_ chunk: ChunkRule, _ kernel: KernelProfile) throws {
    var scenario = Fixture.scenario(kernel, Fixture.workload(gibibytes: 18), chunk: chunk)
    let exact = try scenario.run()
    scenario.extent = .fast(FastRun())
    let fast = try scenario.run()
    #expect(fast.fidelity == .fast && fast.events * 2 < exact.events)
    let bound = fast.operation.errorBound
    #expect(bound > 0 && bound <= FastRun().target)
    // The bound is of 95 %; three of them and the millisecond of the ends hold for every seed here.
    let off = abs(fast.operation.whole.inSeconds / exact.operation.whole.inSeconds - 1)
    #expect(off < 3 * bound + 0.002, "\(off) against \(bound)")
    let kept = (try #require(exact.network).retained, try #require(fast.network).retained)
    #expect(abs(kept.0 - kept.1) < 0.03)
  }

  @Test func aSmallOperationIsRunWhole() throws {
    var scenario = Fixture.scenario(
      Fixture.kernel(6, 1),
      Fixture.workload(gibibytes: 1),
      chunk: .smallestBlock
    )
    let exact = try scenario.run()
    scenario.extent = .fast(FastRun())
    #expect(try scenario.run().operation == exact.operation)
  }

  @Test func divisionKeepsTheSum() {
    let step = WorkStep(.stageTwo, unit: .microseconds(10), units: 100_000, holdsLock: true)
    let free = WorkStep(.hostSide, unit: .microseconds(7), units: 50)
    var short = step
    short.units = 10
    let round = WorkGroup([short, WorkStep(.yield, unit: .zero)], repeats: 3_700)
    let plan = WorkPlan([WorkGroup([step, free]), round])
    var window = Window()
    window.stageTwo = .milliseconds(200)
    let whole = ScaledPlan(plan, window: window)
    let parts = whole.divided(into: 16)
    #expect(parts.plan.work(.stageTwo) == whole.plan.work(.stageTwo))
    #expect(parts.plan.work(.hostSide) == whole.plan.work(.hostSide))
    #expect(parts.plan.groups.count > whole.plan.groups.count)
    #expect(parts.scales.count == parts.plan.groups.count)
  }

  /// Batches whose error is known: times 1 and 3 beside equal work.
  @Test func halfWidthIsThatOfTheMean() {
    var means = BatchMeans()
    means.add([(1, 1), (3, 1), (1, 1), (3, 1)], scale: 2)
    // Variance of one batch 4/3, four of them left out for four seen: 2.309 of a whole of 16.
    let expected = BatchMeans.student(3) * (16.0 / 3).squareRoot() / 16
    #expect(abs(means.halfWidth(of: 16) - expected) < 1e-12)
    #expect(abs(BatchMeans.student(3) - 3.182) < 0.02)
    #expect(abs(BatchMeans.student(15) - 2.131) < 0.001)
    var one = BatchMeans()
    one.add([(1, 1)], scale: 5)
    #expect(one.halfWidth(of: 5) == 1)
    #expect(BatchMeans().halfWidth(of: 5) == 0)
  }
}
