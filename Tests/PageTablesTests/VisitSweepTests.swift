// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
import TestSupport
import Testing

@testable import PageTables

/// Chunks that end on work, counted by distinct tables, against the same chunks taken one by one.
@Suite struct VisitSweepTests {
  /// The chunks in order, one by one.
  private func flat(_ sequence: ChunkSequence) -> [Chunk] {
    sequence.inOrder.flatMap { [Chunk](repeating: $0.chunk, count: Int($0.repeats)) }
  }

  /// The chunks of an unmap that is done step by step, and the tables afterwards.
  private func steps(
    _ tables: StageTwo,
    _ range: AddressRange,
    _ rules: StageTwoRules,
    visits: Int
  ) throws -> (chunks: [Chunk], after: StageTwo) {
    var tables = tables
    var cursor = UnmapCursor(range: range, rules: rules)
    var chunks: [Chunk] = []
    while !cursor.isDone {
      chunks.append(try tables.advance(&cursor, visits: Int64(visits)))
    }
    return (chunks, tables)
  }

  @Test(arguments: Property.seeds(400))
  func takesTheStepsOfTheCursor(seed: UInt64) throws {
    var world = try RandomWorld(seed: seed)
    for most in [12, 300, 5_000] {
      var rules = try world.rules()
      let visits = 1 + world.below(most)
      rules.chunk = .visits(visits)
      let (low, high) = world.range(1 << 30)
      let range = AddressRange(low, high)
      let slow = try steps(world.tables, range, rules, visits: visits)
      let fast = flat(try world.tables.unmap(range, rules))
      #expect(fast == slow.chunks, "S2TUNE_SEED=\(seed) visits \(visits) \(rules.flush)")
      #expect(world.tables == slow.after, "S2TUNE_SEED=\(seed) visits \(visits)")
    }
  }

  /// Protection frees no table and posts none; the twin says what its calls are.
  @Test(arguments: Property.seeds(200))
  func protectsLikeTheTwin(seed: UInt64) throws {
    var world = try RandomWorld(seed: seed)
    var rules = try world.rules()
    rules.chunk = .visits(1 + world.below(900))
    let (low, high) = world.range(1 << 30)
    let sequence = try world.tables.writeProtect(slot: AddressRange(low, high), rules)
    let found = TwinTests().differences(sequence, try world.twin.protect(low, high, rules))
    #expect(found.isEmpty, "S2TUNE_SEED=\(seed) \(rules.chunk): \(found)")
    #expect(world.tables.layout() == world.twin.layout(), "S2TUNE_SEED=\(seed)")
  }

  /// Several GiB of pages, blocks and holes, so that calls come round to equal tables and repeat.
  @Test(arguments: [64, 513, 1_000, 4_096, 70_000])
  func repeatsOverEqualTables(visits: Int) throws {
    let geometry = try StageTwoGeometry(granule: .size4K, ipaBits: 40)
    var rules = try StageTwoRules(
      KernelRelease(major: 6, minor: 12),
      CPUFeatures(forcedWriteBack: true)
    )
    rules.chunk = .visits(visits)
    var tables = StageTwo(geometry: geometry)
    let gibibyte = Int64(1) << 30
    try tables.map(AddressRange(gibibyte, 3 * gibibyte), level: 3)
    try tables.map(AddressRange(3 * gibibyte, 4 * gibibyte), level: 2)
    try tables.map(AddressRange(4 * gibibyte + (5 << 21), 5 * gibibyte), level: 3)
    let range = AddressRange(gibibyte + (7 << 12), 6 * gibibyte)
    let slow = try steps(tables, range, rules, visits: visits)
    let sequence = try tables.unmap(range, rules)
    #expect(flat(sequence) == slow.chunks)
    #expect(tables == slow.after)
  }

  /// The largest guest is counted without laying out its chunks.
  @Test func countsAQuarterTebibyte() throws {
    let geometry = try StageTwoGeometry(granule: .size4K, ipaBits: 48)
    var rules = try StageTwoRules(
      KernelRelease(major: 6, minor: 1),
      CPUFeatures(forcedWriteBack: true)
    )
    rules.chunk = .visits(64)
    let range = AddressRange(1 << 30, 257 << 30)
    var tables = StageTwo(geometry: geometry)
    try tables.map(range, level: 3)
    let sequence = try tables.unmap(range, rules)
    #expect(tables.mappedBytes == .zero)
    #expect(sequence.total.leavesCleared == 1 << 26)
    #expect(sequence.total.tablesFreed == 131_072 + 256 + 1)
    #expect(sequence.chunkCount >= (1 << 26) / 64)
    #expect(sequence.tally.count < 64)
  }
}
