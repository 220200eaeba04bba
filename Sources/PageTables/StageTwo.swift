// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

/// A VM's stage-2 tables: which addresses are mapped, by leaves of which level.
///
/// A value: copies share what they have in common, and an operation replaces the root. Memory and
/// time follow the runs of equal mappings, not pages: 256 GiB of 4K pages are three objects.
public struct StageTwo: Hashable, Sendable {
  /// The shape of the tables.
  public let geometry: StageTwoGeometry
  /// The list of root pages, one level above the root.
  var root: Table

  /// Creates tables that map nothing.
  public init(geometry: StageTwoGeometry) {
    self.geometry = geometry
    let page = Table(
      level: geometry.startLevel,
      entries: geometry.granule.entriesPerTable,
      of: .hole
    )
    root = Table(
      level: geometry.startLevel - 1,
      entries: geometry.rootPages,
      of: .table(page)
    )
  }

  /// Valid leaves by level, 0 to 3.
  public var leafCounts: [Int64] { (0...3).map { root.leaves[$0] } }

  /// Tables below the root.
  public var tableCount: Int64 { root.tables - Int64(geometry.rootPages) }

  /// Bytes that are mapped.
  public var mappedBytes: ByteCount {
    let granule = geometry.granule
    let sizes = (0...3).map { root.leaves[$0] << Int64(granule.shift(level: $0)) }
    return ByteCount(rawValue: sizes.reduce(0, +))
  }

  /// Maps a range with leaves of one level, all of which must be free and aligned.
  ///
  /// No faults are counted; this is how a layout is laid out. A range that meets a leaf or a
  /// non-empty table where a leaf should go is refused, and the tables stay as they were.
  public mutating func map(
    _ range: AddressRange,
    level: Int,
    state: LeafState = LeafState()
  ) throws(PageTableError) {
    try geometry.check(range)
    let granule = geometry.granule
    guard geometry.leafLevels.contains(level) else {
      throw .illegalLevel(level, granule: granule, legal: geometry.leafLevels)
    }
    let size = granule.entrySize(level: level)
    guard range.start.isAligned(to: size), range.end.isAligned(to: size) else {
      throw .misaligned(range, alignment: size)
    }
    let mapper = LayoutMapper(granule: granule, level: level, leaf: .leaf(state))
    guard
      let mapped = mapper.map(root, Int64(range.start.rawValue), Int64(range.end.rawValue))
    else { throw .overlap(range, level: level) }
    root = mapped
  }
}

/// Puts equal leaves into free entries, sharing the tables it makes.
private final class LayoutMapper {
  let granule: Granule
  let level: Int
  let leaf: Entry
  private var full: [Int: Table] = [:]
  private var mapped: [Table: Table] = [:]

  init(granule: Granule, level: Int, leaf: Entry) {
    self.granule = granule
    self.level = level
    self.leaf = leaf
  }

  /// The table with `[low, high)` mapped, or nil where something stands in the way.
  func map(_ table: Table, _ low: Int64, _ high: Int64) -> Table? {
    let shift = Int64(granule.shift(level: table.level))
    let whole = low == 0 && high == Int64(table.size) << shift
    if whole, let known = mapped[table] { return known }
    let first = Int(low >> shift)
    let last = Int((high - 1) >> shift)
    var builder = RunBuilder()
    builder.append(table, 0..<first)
    var index = first
    while index <= last {
      let base = Int64(index) << shift
      let start = max(low - base, 0)
      let end = min(high - base, 1 << shift)
      let run = table.runs[table.runIndex(containing: index)]
      let isWhole = start == 0 && end == 1 << shift
      let count = isWhole ? min(run.end, Int(high >> shift)) - index : 1
      guard let entry = place(run.entry, table.level, start, end) else { return nil }
      builder.append(entry, count: count)
      index += count
    }
    builder.append(table, (last + 1)..<table.size)
    let result = Table(level: table.level, runs: builder.runs)
    if whole { mapped[table] = result }
    return result
  }

  private func place(_ entry: Entry, _ at: Int, _ low: Int64, _ high: Int64) -> Entry? {
    switch entry {
    case .leaf, .annotated: return nil
    case .table(let child): return at < level ? map(child, low, high).map { .table($0) } : nil
    case .hole:
      if at == level { return leaf }
      if low == 0, high == 1 << Int64(granule.shift(level: at)) {
        return .table(fullTable(at + 1))
      }
      let empty = Table(level: at + 1, entries: granule.entriesPerTable, of: .hole)
      return map(empty, low, high).map { .table($0) }
    }
  }

  /// A table at `level` whose whole span is mapped.
  private func fullTable(_ at: Int) -> Table {
    if let known = full[at] { return known }
    let entry = at == level ? leaf : .table(fullTable(at + 1))
    let table = Table(level: at, entries: granule.entriesPerTable, of: entry)
    full[at] = table
    return table
  }
}
