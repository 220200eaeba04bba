// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Quantities
import Testing

/// One GiB at 4 GiB with 40 bits, split eagerly with an empty cache.
struct SplitVector: Sendable, CustomTestStringConvertible {
  let level: Int
  /// Split by CLEAR of the whole GiB, word by word, instead of when logging is enabled.
  let clears: Bool
  let chunk: ByteCount
  let steps: Int64
  let drops: Int64
  let pages: Int64
  let flushes: Int64
  let visits: Int64
  let built: Int64

  init(
    _ level: Int,
    clears: Bool = false,
    _ chunk: ByteCount,
    _ steps: Int64,
    _ drops: Int64,
    _ pages: Int64,
    _ flushes: Int64,
    _ visits: Int64,
    _ built: Int64
  ) {
    (self.level, self.clears, self.chunk, self.steps) = (level, clears, chunk, steps)
    (self.drops, self.pages, self.flushes) = (drops, pages, flushes)
    (self.visits, self.built) = (visits, built)
  }

  var testDescription: String { "level \(level), chunk \(chunk)\(clears ? ", CLEAR" : "")" }
}

private let vectors: [SplitVector] = [
  .init(1, .gibibytes(1), 1, 1, 513, 1, 262_145, 262_656),
  .init(1, .mebibytes(2), 512, 512, 513, 513, 262_657, 262_656),
  .init(2, .gibibytes(1), 1, 1, 512, 512, 262_656, 262_144),
  .init(2, .mebibytes(2), 512, 512, 512, 512, 262_656, 262_144),
  .init(2, .kibibytes(4), 262_144, 513, 512, 512, 262_656, 262_144),
  .init(2, clears: true, .mebibytes(2), 4_096, 513, 512, 512, 262_656, 262_144),
  .init(1, clears: true, .mebibytes(2), 4_096, 513, 513, 513, 262_657, 262_656),
  .init(1, clears: true, .gibibytes(1), 4_096, 2, 513, 1, 262_145, 262_656),
  .init(3, .mebibytes(2), 512, 1, 0, 0, 262_144, 0),
]

@Suite struct SplitTests {
  static let slot = AddressRange(start: GuestAddress(rawValue: 1 << 32), size: .gibibytes(1))

  @Test(arguments: vectors)
  func countsTheVector(_ vector: SplitVector) throws {
    var tables = try StageTwo(maps: [(Self.slot.start, Self.slot.size, vector.level)])
    let rules = try rules(6, 12, 107, defers: true)
    var plan = try SplitPlan(chunk: vector.chunk, granule: .size4K, release: rules.release)
    var sequence = ChunkSequence()
    if vector.clears {
      var clearing: SplitPlan? = plan
      let all = DirtyPages(0..<262_144)
      sequence = try tables.harvest(all, of: Self.slot, rules, plan: &clearing)
    } else {
      sequence = try tables.split(Self.slot, rules, plan: &plan)
    }
    let total = sequence.total
    #expect(total.splitCalls == vector.steps)
    #expect(total.lockDrops == vector.drops)
    #expect(total.tablesAllocated == vector.pages)
    #expect(total.ipaFlushes == vector.flushes)
    #expect(total.splitVisits == vector.visits)
    #expect(total.entriesBuilt == vector.built)
    #expect(tables.leafCounts == [0, 0, 0, 262_144])
  }

  @Test(arguments: [
    (Granule.size4K, ByteCount.gibibytes(1), Int64(513)), (.size4K, .mebibytes(2), 2),
    (.size4K, .kibibytes(4), 2), (.size16K, .mebibytes(32), 1), (.size16K, .kibibytes(16), 1),
    (.size64K, .mebibytes(512), 1), (.size64K, .kibibytes(64), 1),
  ])
  func theCacheHoldsWhatAStepNeeds(_ granule: Granule, chunk: ByteCount, pages: Int64) throws {
    let release = try ReleaseRules.rules(for: KernelRelease(major: 6, minor: 12))
    #expect(try SplitPlan(chunk: chunk, granule: granule, release: release).capacity == pages)
  }

  @Test func refusesWhatTheCapabilityRefuses() throws {
    let release = try ReleaseRules.rules(for: KernelRelease(major: 6, minor: 12))
    let legal: [ByteCount] = [.kibibytes(4), .mebibytes(2), .gibibytes(1)]
    #expect(
      throws: PageTableError.illegalSplitChunk(.mebibytes(4), granule: .size4K, legal: legal)
    ) {
      try SplitPlan(chunk: .mebibytes(4), granule: .size4K, release: release)
    }
    let old = KernelRelease(major: 6, minor: 1)
    #expect(
      throws: PageTableError.unsupported(
        feature: "eager splitting",
        release: old,
        since: KernelRelease(major: 6, minor: 5)
      )
    ) {
      try SplitPlan(
        chunk: .mebibytes(2),
        granule: .size4K,
        release: ReleaseRules.rules(for: old)
      )
    }
  }
}
