// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Quantities
import Testing

/// One GiB at 4 GiB, destroyed by a release.
struct DestroyVector: Sendable, CustomTestStringConvertible {
  let release: (Int, Int)
  let bits: Int
  let level: Int
  let walks: Int64
  let leafVisits: Int64
  let tableVisits: Int64
  let freed: Int64
  let puts: Int64

  var testDescription: String { "\(release.0).\(release.1), \(bits) bits, level \(level)" }
}

/// Release, IPA bits, level; walks, LEAF, POST, tables freed, references dropped.
private func vector(
  _ release: (Int, Int),
  _ layout: (bits: Int, level: Int),
  _ counts: (Int64, Int64, Int64, Int64, Int64)
) -> DestroyVector {
  DestroyVector(
    release: release,
    bits: layout.bits,
    level: layout.level,
    walks: counts.0,
    leafVisits: counts.1,
    tableVisits: counts.2,
    freed: counts.3,
    puts: counts.4
  )
}

private let destroyVectors: [DestroyVector] = [
  vector((5, 10), (40, 3), (1, 263_167, 513, 513, 263_170)),
  vector((6, 12), (40, 3), (1, 263_167, 513, 513, 263_170)),
  vector((6, 18), (40, 3), (1, 263_167, 513, 513, 263_170)),
  vector((6, 19), (40, 3), (1_024, 263_167, 513, 513, 263_170)),
  vector((7, 3), (40, 3), (1_024, 263_167, 513, 513, 263_170)),
  vector((7, 3), (48, 2), (262_144, 262_655, 6, 2, 516)),
]

@Suite struct DestroyTests {
  static let region = AddressRange(start: GuestAddress(rawValue: 1 << 32), size: .gibibytes(1))

  @Test(arguments: destroyVectors)
  func countsTheVector(_ vector: DestroyVector) throws {
    var tables = try StageTwo(
      bits: vector.bits,
      maps: [(Self.region.start, Self.region.size, vector.level)]
    )
    let rules = try rules(vector.release.0, vector.release.1, defers: true)
    let sequence = tables.destroy(rules)
    let total = sequence.total
    #expect(total.destroyCalls + total.destroyRangeCalls == vector.walks)
    #expect(sequence.chunkCount == vector.walks && total.breakPoints == 0)
    #expect(total.freeVisits - total.tableVisits == vector.leafVisits)
    #expect(total.tableVisits == vector.tableVisits)
    #expect(total.tablesFreed == vector.freed)
    #expect(total.putPage == vector.puts)
    #expect(total.ipaFlushes + total.rangeFlushRequests + total.vmidFlushes == 0)
    #expect(total.dcCIVAC == 0)
    #expect(tables.leafCounts == [0, 0, 0, 0])
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
    let sequence = try tables.writeProtect(slot: Self.region, rules(major, minor, defers: ranges))
    #expect(sequence.epilogue.vmidFlushes == vmid)
    #expect(sequence.epilogue.rangeFlushes == range)
  }

  /// The ring's reset ends with a VMID flush on every release.
  @Test func theRingFlushesEverything() throws {
    var tables = try StageTwo(maps: [(Self.region.start, Self.region.size, 3)])
    let sequence = try tables.harvest(
      DirtyPages(0..<64),
      of: Self.region,
      rules(6, 12, defers: true),
      flush: .ring
    )
    #expect(sequence.epilogue.vmidFlushes == 1)
    #expect(sequence.epilogue.rangeFlushRequests == 0)
  }
}
