// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Quantities
import Testing

/// The rules of a release on a CPU with or without deferral.
func rules(
  _ major: Int,
  _ minor: Int,
  _ patch: Int = 0,
  defers: Bool = false
) throws -> StageTwoRules {
  try StageTwoRules(
    KernelRelease(major: major, minor: minor, patch: patch),
    CPUFeatures(forcedWriteBack: defers, rangeTLBI: defers)
  )
}

extension StageTwo {
  /// Tables with the mappings of a vector.
  init(
    granule: Granule = .size4K,
    bits: Int = 40,
    maps: [(GuestAddress, ByteCount, Int)]
  ) throws {
    self.init(geometry: try StageTwoGeometry(granule: granule, ipaBits: bits))
    for (start, size, level) in maps {
      try map(AddressRange(start: start, size: size), level: level)
    }
  }
}

@Suite struct UnmapTests {
  @Test(arguments: unmapVectors)
  func countsTheVector(_ vector: UnmapVector) throws {
    for (deferral, flushes) in vector.flushes {
      var rules =
        switch deferral {
        case .none: try rules(6, 12)
        case .withTables: try rules(6, 6, defers: true)
        case .leavesOnly: try rules(6, 12, defers: true)
        }
      rules.chunk = vector.chunk
      var tables = try StageTwo(granule: vector.granule, bits: vector.bits, maps: vector.maps)
      let range = AddressRange(start: vector.range.0, size: vector.range.1)
      let sequence = try tables.unmap(range, rules)
      let total = sequence.total
      #expect(total.unmapVisits - total.tableVisits == vector.leafVisits)
      #expect(total.tableVisits == vector.tableVisits)
      #expect(total.putPage == vector.puts)
      #expect(total.ipaFlushes == flushes)
      #expect(total.rangeFlushes == (deferral == .none ? 0 : vector.chunks))
      // Every range flush of the vectors needs one instruction.
      let instructions = total.tlbiRIPAS2E1IS + total.tlbiIPAS2E1IS - total.ipaFlushes
      #expect(instructions == total.rangeFlushes)
      #expect(total.unmapCalls == vector.chunks)
      #expect(total.breakPoints == vector.chunks - 1)
      if let freed = vector.freed { #expect(total.tablesFreed == freed) }
      if let busy = vector.busy { #expect(total.tableVisits - total.tablesFreed == busy) }
      if let cleared = vector.cleared { #expect(total.leavesCleared == cleared) }
    }
  }

  @Test func oneGibibyteNeedsOneRangeInstruction() throws {
    var tables = try StageTwo(maps: [(GuestAddress(rawValue: 1 << 32), .gibibytes(1), 2)])
    let range = AddressRange(start: GuestAddress(rawValue: 1 << 32), size: .gibibytes(1))
    let total = try tables.unmap(range, rules(6, 12, defers: true)).total
    #expect(total.tlbiRIPAS2E1IS == 1)
    #expect(total.tlbiVMALLE1IS == 2)
    #expect(total.dsbISH == 4)
    #expect(total.isb == 8)
  }

  @Test func aSmallChunkThatFollowsTheMappingVisitsABigLeafOnce() throws {
    let range = AddressRange(start: GuestAddress(rawValue: 1 << 32), size: .gibibytes(1))
    var rules = try rules(6, 12, defers: true)
    rules.chunk = .mappingAware(.mebibytes(2))
    var tables = try StageTwo(maps: [(range.start, range.size, 1)])
    let sequence = try tables.unmap(range, rules)
    #expect(sequence.chunkCount == 1)
    #expect(sequence.inOrder.map(\.chunk.span) == [.gibibytes(1)])
    var pages = try StageTwo(maps: [(range.start, range.size, 3)])
    #expect(try pages.unmap(range, rules).chunkCount == 512)
  }

  @Test func theThirdCutIsWhereTheChunkEndsInTheAddressSpace() throws {
    let range = AddressRange(start: GuestAddress(rawValue: 0x6000_0000), size: .gibibytes(2))
    var tables = try StageTwo(maps: [(range.start, range.size, 3)])
    let sequence = try tables.unmap(range, rules(6, 12, defers: true))
    #expect(
      sequence.inOrder.map(\.chunk.span) == [.mebibytes(512), .gibibytes(1), .mebibytes(512)]
    )
    #expect(sequence.total.breakPoints == 2)
  }

  @Test func refusesRangesItCannotHold() throws {
    var tables = try StageTwo(maps: [])
    let rules = try rules(6, 12)
    let outside = AddressRange(start: GuestAddress(rawValue: 1 << 40), size: .gibibytes(1))
    #expect(throws: PageTableError.outsideSpace(outside, bits: 40)) {
      try tables.unmap(outside, rules)
    }
    let odd = AddressRange(start: GuestAddress(rawValue: 0x800), size: .kibibytes(4))
    #expect(throws: PageTableError.misaligned(odd, alignment: .kibibytes(4))) {
      try tables.unmap(odd, rules)
    }
  }
}
