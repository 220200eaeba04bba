// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Quantities
import Testing

@Suite struct DestroyTests {
  static let region = AddressRange(start: GuestAddress(rawValue: 1 << 32), size: .gibibytes(1))

  @Test(arguments: [(6, 12, Int64(1)), (6, 18, 1), (6, 19, 1_024), (7, 3, 1_024)])
  func countsOneGibibyteOfPages(_ major: Int, minor: Int, walks: Int64) throws {
    var tables = try StageTwo(maps: [(Self.region.start, Self.region.size, 3)])
    let total = tables.destroy(try rules(major, minor, defers: true)).total
    #expect(total.freeVisits - total.tableVisits == 263_167)
    #expect(total.tableVisits == 513)
    #expect(total.putPage == 263_170)
    #expect(total.destroyCalls + total.destroyRangeCalls == walks)
    #expect(total.ipaFlushes + total.rangeFlushRequests + total.vmidFlushes == 0)
    #expect(tables.leafCounts == [0, 0, 0, 0])
  }

  @Test func countsBlocksInAWideSpace() throws {
    var tables = try StageTwo(bits: 48, maps: [(Self.region.start, Self.region.size, 2)])
    let total = tables.destroy(try rules(7, 3, defers: true)).total
    #expect(total.destroyRangeCalls == 262_144)
    #expect(total.freeVisits - total.tableVisits == 262_655)
    #expect(total.tableVisits == 6)
    #expect(total.tableVisits - total.tablesFreed == 4)
    #expect(total.tablesFreed == 2)
    #expect(total.putPage == 516)
  }
}

@Suite struct ProtectTests {
  static let region = DestroyTests.region

  @Test func protectsOneGibibyteInOneWalk() throws {
    var tables = try StageTwo(maps: [(Self.region.start, Self.region.size, 3)])
    let total = try tables.writeProtect(slot: Self.region, rules(6, 12)).total
    #expect(total.attrVisits == 262_144)
    #expect(total.walkCalls == 1)
    #expect(total.leavesProtected == 262_144)
    let again = try tables.writeProtect(slot: Self.region, rules(6, 12)).total
    #expect(again.leavesProtected == 0)
  }

  @Test(arguments: [(3, Int64(64)), (2, 1)])
  func protectsAFullWord(_ level: Int, visits: Int64) throws {
    var tables = try StageTwo(maps: [(Self.region.start, Self.region.size, level)])
    let total = try tables.harvest(DirtyPages(128..<192), of: Self.region, rules(6, 12)).total
    #expect(total.attrVisits == visits)
    #expect(total.wrprotectCalls == 1)
  }

  @Test func protectsWhatLiesBetweenTwoDirtyPages() throws {
    var tables = try StageTwo(maps: [(Self.region.start, Self.region.size, 3)])
    var dirty = DirtyPages(10..<11)
    dirty.insert(50..<51)
    dirty.insert(70..<71)
    let total = try tables.harvest(dirty, of: Self.region, rules(6, 12)).total
    #expect(total.wrprotectCalls == 2)
    #expect(total.attrVisits == 41 + 1)
  }

  @Test func harvestsNothingWithoutAFlush() throws {
    var tables = try StageTwo(maps: [(Self.region.start, Self.region.size, 3)])
    #expect(try tables.harvest(DirtyPages(), of: Self.region, rules(6, 12)).total == .zero)
  }

  /// A slot that does not begin on a word's boundary, and a word that crosses a chunk's end.
  @Test func aWordAcrossAChunkBoundaryBreaksOnce() throws {
    let slot = AddressRange(
      start: GuestAddress(rawValue: (1 << 32) - 0x8000),
      size: .mebibytes(1)
    )
    var tables = try StageTwo(maps: [(slot.start, slot.size, 3)])
    let total = try tables.harvest(DirtyPages(0..<256), of: slot, rules(6, 12)).total
    #expect(total.wrprotectCalls == 5)
    #expect(total.breakPoints == 1)
    #expect(total.attrVisits == 256)
  }

  @Test(arguments: [(6, 5, false, Int64(1), Int64(0)), (6, 6, true, 0, 1), (6, 6, false, 1, 0)])
  func theSlotFlushFollowsTheRelease(
    _ major: Int,
    minor: Int,
    ranges: Bool,
    vmid: Int64,
    range: Int64
  ) throws {
    var tables = try StageTwo(maps: [(Self.region.start, Self.region.size, 2)])
    let train = try tables.writeProtect(slot: Self.region, rules(major, minor, defers: ranges))
    #expect(train.epilogue.vmidFlushes == vmid)
    #expect(train.epilogue.rangeFlushes == range)
  }

  /// The ring's reset ends with a VMID flush on every release.
  @Test func theRingFlushesEverything() throws {
    var tables = try StageTwo(maps: [(Self.region.start, Self.region.size, 3)])
    let train = try tables.harvest(
      DirtyPages(0..<64),
      of: Self.region,
      rules(6, 12, defers: true),
      flush: .ring
    )
    #expect(train.epilogue.vmidFlushes == 1)
    #expect(train.epilogue.rangeFlushRequests == 0)
  }
}
