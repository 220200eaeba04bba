// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
import Randomness
import TestSupport
import Testing

@testable import PageTables

/// Chunks that end on work, found in closed form, are those that single calls make.
@Suite struct VisitTrainTests {
  /// Gibibytes of equal tables, with a few odd ones among them, and some room to either side.
  private struct Guest {
    var random: Stream
    var tables: StageTwo
    let low: Int64
    let high: Int64

    init(seed: UInt64) throws {
      var random = Seed(seed).stream("guest")
      let granule = Granule.allCases[Int(random.uniform() * 3)]
      tables = StageTwo(geometry: try StageTwoGeometry(granule: granule, ipaBits: 44))
      let (page, block) = (granule.page.rawValue, granule.entrySize(level: 2).rawValue)
      let count = granule == .size4K ? 1_300 : 40
      let start = Int64(random.uniform() * 30) * block
      // Every second pattern keeps only two stretches of each table.
      let slots: Int64 = block / page
      let cuts: [Int64] = (0..<4).map { _ in Int64(random.uniform() * Double(slots + 1)) }.sorted()
      let two = [(cuts[0], cuts[1]), (cuts[2], cuts[3])]
      let parts: [(Int64, Int64)] = seed % 2 == 0 ? [(Int64(0), slots)] : two
      for index in 0..<Int64(count) {
        let base = start + index * block
        let odd = random.uniform()
        if odd < 0.002 { continue }
        if odd < 0.004 {
          try tables.map(AddressRange(base, base + block), level: 2)
          continue
        }
        for (first, end) in parts where first < end {
          let range = AddressRange(base + first * page, base + end * page)
          try tables.map(range, level: 3)
        }
      }
      let ragged = random.uniform() < 0.5 ? Int64(random.uniform() * 100) * page : 0
      self.random = random
      (low, high) = (start + ragged, start + Int64(count) * block - ragged)
    }
  }

  @Test(arguments: Property.seeds(12))
  func theTrainIsThatOfSingleCalls(seed: UInt64) throws {
    var guest = try Guest(seed: seed)
    let budgets = [7, 64, 100, 513, 2_000, 16_384]
    let release = KernelRelease(major: 6, minor: seed % 3 == 0 ? 1 : 12)
    var rules = try StageTwoRules(release, CPUFeatures())
    let visits = budgets[Int(guest.random.uniform() * Double(budgets.count))]
    rules.chunk = .visits(visits)
    let range = AddressRange(guest.low, guest.high)
    var single = guest.tables
    let sequence = try guest.tables.unmap(range, rules)
    var cursor = UnmapCursor(range: range, rules: rules)
    var naive = ChunkSequence()
    while !cursor.isDone { naive.append(try single.advance(&cursor, visits: Int64(visits))) }
    let isSame = sequence.inOrder == naive.inOrder
    #expect(isSame, "S2TUNE_SEED=\(seed) visits \(visits)")
    let isLeftAlike = guest.tables.layout() == single.layout()
    #expect(isLeftAlike, "S2TUNE_SEED=\(seed)")
    let (gathered, chunks) = (sequence.gathered, sequence.tally)
    #expect(gathered.tally == chunks && gathered.inOrder.count <= chunks.count)
    #expect(gathered.total == sequence.total && gathered.chunkCount == sequence.chunkCount)
  }

  @Test("A million calls over 64 GiB of pages are found in a moment")
  func millions() throws {
    var tables = StageTwo(geometry: try StageTwoGeometry(granule: .size4K, ipaBits: 44))
    try tables.map(AddressRange(0, 64 << 30), level: 3)
    var rules = try StageTwoRules(KernelRelease(major: 6, minor: 12), CPUFeatures())
    rules.chunk = .visits(16)
    let clock = ContinuousClock()
    let begun = clock.now
    let sequence = try tables.unmap(AddressRange(0, 64 << 30), rules)
    #expect(clock.now - begun < .seconds(8))
    let total = sequence.total
    #expect(total.leavesCleared == 64 << 18)
    // A table for each 2 MiB, one for each gibibyte, and the one above them.
    #expect(total.tablesFreed == 64 * (512 + 1) + 1)
    #expect(sequence.chunkCount > 1_000_000)
  }
}
