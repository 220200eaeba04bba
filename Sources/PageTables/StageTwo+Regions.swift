// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

/// Spans of the smallest block that hold the same, side by side.
public struct EqualBlocks: Hashable, Sendable {
  /// How many, at least one.
  public let count: Int64
  let entry: Entry
  let level: Int

  /// Whether the spans of both hold the same.
  public func holdsTheSame(as other: Self) -> Bool { entry == other.entry && level == other.level }
}

extension StageTwo {
  /// The spans of the smallest block from an address on that hold the same, under one table.
  ///
  /// - Parameter address: Inside the space.
  /// - Returns: Nil where the address is inside of a span or a larger block stands there.
  public func equalBlocks(from address: GuestAddress) -> EqualBlocks? {
    guard address.isAligned(to: geometry.granule.smallestBlock) else { return nil }
    var (table, offset) = (root, Int64(address.rawValue))
    while true {
      let shift = Int64(geometry.granule.shift(level: table.level))
      let run = table.runs[table.runIndex(containing: Int(offset >> shift))]
      if table.level < 2, let child = run.entry.child {
        offset &= (1 << shift) - 1
        table = child
        continue
      }
      guard table.level == 2 || run.entry == .hole else { return nil }
      let bytes = Int64(run.end) << shift - offset
      let count = bytes >> Int64(geometry.granule.shift(level: 2))
      return EqualBlocks(count: count, entry: run.entry, level: table.level)
    }
  }

  /// Makes the spans of the smallest block in a range hold what another one holds: for what is done to
  /// one of equal spans and to the others alike.
  public mutating func repeatBlock(at source: GuestAddress, over range: AddressRange) {
    let (entry, level) = entry(at: Int64(source.rawValue), level: 2)
    guard level == 2, !range.isEmpty else { return }
    let count = range.size.divided(roundedDownBy: geometry.granule.smallestBlock)
    put(entry, count, at: Int64(range.start.rawValue), level: 2)
  }

  /// The entry that stands for an address at a level, or the hole or leaf above it, with where it
  /// was found.
  private func entry(at address: Int64, level: Int) -> (entry: Entry, level: Int) {
    var table = root
    var offset = address
    while true {
      let shift = Int64(geometry.granule.shift(level: table.level))
      let entry = table.entry(at: Int(offset >> shift))
      guard table.level < level, let child = entry.child else { return (entry, table.level) }
      offset &= (1 << shift) - 1
      table = child
    }
  }

  /// Puts equal entries of a level side by side, from an address on; tables are made where a hole
  /// stands above.
  private mutating func put(_ entry: Entry, _ count: Int64, at address: Int64, level: Int) {
    let size = count << Int64(geometry.granule.shift(level: level))
    root = replacing(root, address, address + size, level, entry)
  }

  private func replacing(
    _ table: Table,
    _ low: Int64,
    _ high: Int64,
    _ level: Int,
    _ entry: Entry
  ) -> Table {
    let shift = Int64(geometry.granule.shift(level: table.level))
    let (first, last) = (Int(low >> shift), Int((high - 1) >> shift))
    var builder = RunBuilder()
    builder.append(table, 0..<first)
    if table.level == level {
      builder.append(entry, count: last - first + 1)
    } else {
      for index in first...last {
        let base = Int64(index) << shift
        let entries = geometry.granule.entriesPerTable
        let child =
          table.entry(at: index).child
          ?? Table(level: table.level + 1, entries: entries, of: .hole)
        let below = replacing(
          child,
          max(low - base, 0),
          min(high - base, 1 << shift),
          level,
          entry
        )
        builder.append(.table(below), count: 1)
      }
    }
    builder.append(table, (last + 1)..<table.size)
    return Table(level: table.level, runs: builder.runs)
  }

  /// What protecting and splitting every word of one largest block's span does.
  private struct Region: Hashable {
    let chunks: RunTree<Chunk>
    let after: Entry
    let cached: Int64
  }

  private struct RegionKey: Hashable {
    let entry: Entry
    let level: Int
    let cached: Int64
  }

  /// Protects and splits full words of a range, looking once at each distinct largest block and
  /// state of the cache; both ends of the range are multiples of a word.
  mutating func harvestRegions(
    _ range: Range<Int64>,
    _ rules: StageTwoRules,
    _ plan: inout SplitPlan?,
    into chunks: inout RunTree<Chunk>
  ) throws(PageTableError) {
    let granule = geometry.granule
    let level = granule.minimumBlockLevel
    let bytes = granule.largestBlock.rawValue
    let word = granule.page.rawValue * DirtyPages.wordPages
    var known: [RegionKey: Region] = [:]
    var address = range.lowerBound
    while address < range.upperBound {
      guard address % bytes == 0, range.upperBound - address >= bytes, let given = plan else {
        try harvestWord(AddressRange(at: address, word), rules, &plan, into: &chunks)
        address += word
        continue
      }
      let found = entry(at: address, level: level)
      let key = RegionKey(entry: found.entry, level: found.level, cached: given.cached)
      if known[key] == nil { known[key] = try harvestRegion(found, rules, given) }
      guard let region = known[key] else { preconditionFailure("just made") }
      // Regions of the same content that leave the cache as they found it are alike.
      let isSteady = region.cached == given.cached
      let limit = (range.upperBound - address) / bytes
      let count = isSteady ? equalEntries(from: address, level, limit) : 1
      chunks.append(region.chunks, count)
      if region.after != found.entry { put(region.after, count, at: address, level: level) }
      plan?.cached = region.cached
      address += count * bytes
    }
  }

  /// How many entries of a level from an address on, at most `limit`, are equal and in one table.
  private func equalEntries(from address: Int64, _ level: Int, _ limit: Int64) -> Int64 {
    var table = root
    var offset = address
    while true {
      let shift = Int64(geometry.granule.shift(level: table.level))
      let index = Int(offset >> shift)
      let run = table.runs[table.runIndex(containing: index)]
      offset &= (1 << shift) - 1
      guard table.level < level, let child = run.entry.child else {
        guard table.level < level else { return min(limit, Int64(run.end - index)) }
        let left = (Int64(run.end - index) << shift) - offset
        return max(1, min(limit, left >> Int64(geometry.granule.shift(level: level))))
      }
      table = child
    }
  }

  /// One region by itself: its entry alone in tables of the same shape, word by word.
  private func harvestRegion(
    _ found: (entry: Entry, level: Int),
    _ rules: StageTwoRules,
    _ plan: SplitPlan
  ) throws(PageTableError) -> Region {
    let word = geometry.granule.page.rawValue * DirtyPages.wordPages
    var alone = StageTwo(geometry: geometry)
    alone.put(found.entry, 1, at: 0, level: found.level)
    var filling: SplitPlan? = plan
    var chunks = RunTree<Chunk>()
    var address: Int64 = 0
    while address < geometry.granule.largestBlock.rawValue {
      try alone.harvestWord(AddressRange(at: address, word), rules, &filling, into: &chunks)
      address += word
    }
    return Region(
      chunks: chunks,
      after: alone.entry(at: 0, level: found.level).entry,
      cached: filling?.cached ?? plan.cached
    )
  }
}

extension AddressRange {
  /// So many bytes from an address on.
  fileprivate init(at address: Int64, _ bytes: Int64) {
    self.init(
      start: GuestAddress(rawValue: UInt64(address)),
      size: ByteCount(rawValue: bytes)
    )
  }
}
