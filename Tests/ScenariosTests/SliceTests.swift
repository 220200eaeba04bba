// SPDX-License-Identifier: GPL-3.0-or-later

import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness
import TestSupport
import Testing

@testable import Scenarios

/// Slices are walked in one go and cut; here are the naive twins that unmap slice by slice.
@Suite struct SliceTests {
  @Test(arguments: [ByteCount.kibibytes(256), .mebibytes(2), .mebibytes(64)])
  func oneGoCountsWhatSliceBySliceCounts(slice: ByteCount) throws {
    var scenario = Fixture.scenario(
      Fixture.kernel(6, 1),
      Fixture.workload(gibibytes: 1, quiet: true),
      chunk: .largestBlock
    )
    scenario.policy.slice = slice
    let memory = scenario.workload.memory
    var tables = StageTwo(
      geometry: try StageTwoGeometry(granule: .size4K, ipaBits: memory.ipaBits)
    )
    try tables.map(AddressRange(start: memory.base, size: memory.size), level: 3)
    let rules = try StageTwoRules(scenario.kernel.release, scenario.host.features)
    var expected = EventCounts.zero
    var start = memory.base
    while start < memory.base + memory.size {
      expected += try tables.unmap(AddressRange(start: start, size: slice), rules).total
      start = start + slice
    }
    #expect(try scenario.counts() == expected)
  }

  /// The plan of chunks that end anywhere, group for group: equal stretches are unmapped three times.
  @Test func stretchesPlanWhatSliceBySlicePlans() throws {
    for seed in Property.seeds(60) {
      var random = Seed(seed).stream("stretches")
      func one<Value>(of values: [Value]) -> Value { Self.one(of: values, &random) }
      var scenario = Fixture.scenario(
        one(of: [Fixture.kernel(6, 1), Fixture.kernel(6, 12)]),
        Fixture.workload(gibibytes: 1, quiet: true),
        chunk: one(of: [
          .visits(1), .visits(7), .visits(513), .visits(1500), .mappingAware(.kibibytes(64)),
          .fixed(.kibibytes(64)), .smallestBlock,
        ])
      )
      scenario.workload.memory.size = .mebibytes(one(of: [98, 128, 192]))
      scenario.policy.slice = .kibibytes(one(of: [16, 20, 64, 1536, 3072, 4096, 5 << 10]))
      let hasLPA2 = scenario.kernel.release >= KernelRelease(major: 6, minor: 8)
      scenario.host.features.largeAddresses = hasLPA2 && one(of: [false, true])
      scenario.layout = .tables(
        try Self.tables(of: scenario, tile: one(of: [1, 2, 5]), &random)
      )
      try Self.comparesWithSliceBySlice(scenario, seed)
    }
  }

  /// Eight million slices of one page in calls of one visit are a few thousand walks.
  @Test(.timeLimit(.minutes(1))) func slicesOfOnePageByVisits() throws {
    var scenario = Fixture.scenario(
      Fixture.kernel(6, 12),
      Fixture.workload(gibibytes: 32, quiet: true),
      chunk: .visits(1)
    )
    let whole = try scenario.operation.exactPlan()
    scenario.policy.slice = .kibibytes(4)
    let exact = try scenario.operation.exactPlan()
    #expect(exact.counts.leavesCleared == 32 << 18)
    #expect(exact.counts.tablesFreed == whole.counts.tablesFreed)
    #expect(exact.plan.groups.count < 1 << 16)
  }

  /// The plan, group for group, on random guests, chunk rules, controllers and slices.
  @Test func oneGoPlansWhatSliceBySlicePlans() throws {
    for seed in Property.seeds(60) {
      var random = Seed(seed).stream("slices")
      try Self.comparesWithSliceBySlice(try Self.randomScenario(&random), seed)
    }
  }

  /// Expects the plan of a scenario to be that of its naive twin, group for group.
  private static func comparesWithSliceBySlice(_ scenario: Scenario, _ seed: UInt64) throws {
    let operation = scenario.operation
    let calls = try #require(try operation.callPlan())
    let slice = try #require(scenario.policy.slice)
    let fast = try operation.exactPlan()
    let naive = try operation.slicedOneByOne(try operation.layOut(), calls, slice)
    #expect(fast.counts == naive.counts, "seed \(seed): \(scenario.policy)")
    #expect(fast.plan == naive.plan, "seed \(seed): \(scenario.policy)")
  }

  /// One value of several.
  private static func one<Value>(of values: [Value], _ random: inout Stream) -> Value {
    values[Int(random.uniform(below: UInt64(values.count)))]
  }

  /// A guest of up to 2 GiB with holes and leaves of all sizes, in a tile that repeats or not.
  private static func randomScenario(_ random: inout Stream) throws -> Scenario {
    func one<Value>(of values: [Value]) -> Value { Self.one(of: values, &random) }
    let gibibytes: Int64 = one(of: [1, 2])
    var scenario = Fixture.scenario(
      one(of: [Fixture.kernel(6, 1), Fixture.kernel(6, 12)]),
      Fixture.workload(gibibytes: gibibytes, quiet: true),
      chunk: one(of: [
        .rootEntry, .largestBlock, .smallestBlock, .fixed(.kibibytes(64)),
        .mappingAware(.kibibytes(64)), .mappingAware(.gibibytes(1)),
      ])
    )
    scenario.policy.slice = one(of: [
      .kibibytes(64), .mebibytes(2), .mebibytes(8), .mebibytes(12), .gibibytes(1), .gibibytes(2),
    ])
    scenario.policy.pause = one(of: [.zero, .microseconds(50)])
    if random.uniform() < 0.1 {
      scenario.policy.controller = .feedback(floor: .kibibytes(64), patience: 2)
    }
    scenario.host.features.rangeTLBI = true
    scenario.policy.flush = one(of: [.perLeaf, .deferredRange, .vmidAbove(leaves: 100)])
    scenario.layout = .tables(
      try tables(of: scenario, tile: one(of: [1, 2, 7]), &random)
    )
    return scenario
  }

  private static func tables(
    of scenario: Scenario,
    tile: Int,
    _ random: inout Stream
  ) throws -> StageTwo {
    let memory = scenario.workload.memory
    var tables = StageTwo(
      geometry: try StageTwoGeometry(granule: .size4K, ipaBits: memory.ipaBits)
    )
    let levels = (0..<tile).map { _ in [3, 3, 2, 0, 3, 2][Int(random.uniform(below: 6))] }
    let unit = ByteCount.mebibytes(8)
    var start = memory.base
    var index = 0
    if random.uniform() < 0.3, memory.size >= .gibibytes(1) {
      try tables.map(AddressRange(start: start, size: .gibibytes(1)), level: 1)
      start = start + ByteCount.gibibytes(1)
    }
    while start < memory.base + memory.size {
      let level = levels[index % tile]
      let size = min(unit, memory.base + memory.size - start)
      if level > 0 { try tables.map(AddressRange(start: start, size: size), level: level) }
      start = start + unit
      index += 1
    }
    return tables
  }
}
