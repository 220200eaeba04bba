// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Policies
import Profiles
import Quantities
import Scenarios
import Testing

/// Slices of a guest with leaves of one size are counted in one go; here is the naive twin.
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
}
