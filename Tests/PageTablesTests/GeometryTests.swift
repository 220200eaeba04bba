// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Quantities
import Testing

/// Granule, IPA bits, start level, root pages, root entries, root-entry chunk and the number of
/// largest blocks in the space.
struct GeometryRow: Sendable {
  let granule: Granule
  let bits: Int
  let start: Int
  let pages: Int
  let entries: Int64
  let rootChunk: ByteCount
  let blocks: Int64

  init(
    _ granule: Granule,
    _ bits: Int,
    _ start: Int,
    _ pages: Int,
    _ entries: Int64,
    _ rootChunk: ByteCount,
    _ blocks: Int64
  ) {
    (self.granule, self.bits, self.start, self.pages) = (granule, bits, start, pages)
    (self.entries, self.rootChunk, self.blocks) = (entries, rootChunk, blocks)
  }
}

private let rows: [GeometryRow] = [
  .init(.size4K, 32, 2, 4, 2048, .mebibytes(2), 4),
  .init(.size4K, 34, 2, 16, 8192, .mebibytes(2), 16),
  .init(.size4K, 36, 1, 1, 64, .gibibytes(1), 64),
  .init(.size4K, 40, 1, 2, 1024, .gibibytes(1), 1_024),
  .init(.size4K, 42, 1, 8, 4096, .gibibytes(1), 4_096),
  .init(.size4K, 43, 1, 16, 8192, .gibibytes(1), 8_192),
  .init(.size4K, 44, 0, 1, 32, .gibibytes(512), 16_384),
  .init(.size4K, 48, 0, 1, 512, .gibibytes(512), 262_144),
  .init(.size4K, 52, 0, 16, 8192, .gibibytes(512), 4_194_304),
  .init(.size16K, 36, 2, 1, 2048, .mebibytes(32), 2_048),
  .init(.size16K, 40, 2, 16, 32768, .mebibytes(32), 32_768),
  .init(.size16K, 48, 1, 2, 4096, .gibibytes(64), 8_388_608),
  .init(.size16K, 52, 0, 1, 32, .tebibytes(128), 134_217_728),
  .init(.size64K, 40, 2, 1, 2048, .mebibytes(512), 2_048),
  .init(.size64K, 46, 2, 16, 131_072, .mebibytes(512), 131_072),
  .init(.size64K, 48, 1, 1, 64, .tebibytes(4), 524_288),
  .init(.size64K, 52, 1, 1, 1024, .tebibytes(4), 8_388_608),
]

@Suite struct GeometryTests {
  @Test(arguments: rows)
  func hasTheShapeKVMChooses(_ row: GeometryRow) throws {
    let geometry = try StageTwoGeometry(granule: row.granule, ipaBits: row.bits)
    #expect(geometry.startLevel == row.start)
    #expect(geometry.rootPages == row.pages)
    #expect(geometry.rootEntries == row.entries)
    #expect(row.granule.entrySize(level: geometry.startLevel) == row.rootChunk)
    let space = ByteCount(rawValue: Int64(1) << Int64(row.bits))
    #expect(space.divided(roundedUpBy: row.granule.largestBlock) == row.blocks)
  }

  @Test(arguments: [31, 53])
  func refusesAnImpossibleSpace(_ bits: Int) {
    #expect(throws: PageTableError.illegalIPASize(bits: bits, granule: .size4K, legal: 32...52)) {
      try StageTwoGeometry(granule: .size4K, ipaBits: bits)
    }
  }

  @Test func anEmptySpaceIsDestroyedInOneCallAChunk() throws {
    for row in rows {
      var tables = try StageTwo(granule: row.granule, bits: row.bits, maps: [])
      var rules = try rules(7, 3)
      rules.destroy = .chunked
      let total = tables.destroy(rules).total
      #expect(total.destroyRangeCalls == row.blocks)
    }
  }
}
