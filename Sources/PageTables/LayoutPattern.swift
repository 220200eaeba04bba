// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

/// A stretch of memory that is mapped with leaves of one level.
public struct Mapping: Hashable, Sendable {
  /// The stretch: guest addresses in a VM, offsets in a pattern.
  public let range: AddressRange
  /// The level of the leaves.
  public let level: Int
  /// What the leaves allow.
  public let state: LeafState

  /// Creates a mapping.
  public init(range: AddressRange, level: Int, state: LeafState = LeafState()) {
    self.range = range
    self.level = level
    self.state = state
  }
}

/// A mix of leaves and holes that repeats every so many bytes.
public struct LayoutPattern: Hashable, Sendable {
  /// The bytes after which the pattern begins again: a multiple of the page.
  public let period: ByteCount
  /// The mappings inside one period, by offset, in ascending order; holes between them.
  public let mappings: [Mapping]

  /// Creates a pattern; refuses mappings that overlap, leave the period, or are not aligned to
  /// their leaves, and a period that would shift the next turn's leaves.
  public init(
    period: ByteCount,
    mappings: [Mapping],
    granule: Granule
  ) throws(PageTableError) {
    let whole = AddressRange(start: .zero, size: period)
    var end = GuestAddress.zero
    var largest = granule.page
    for mapping in mappings {
      guard (granule.minimumBlockLevel...3).contains(mapping.level) else {
        throw .illegalLevel(
          mapping.level,
          granule: granule,
          legal: Array(granule.minimumBlockLevel...3)
        )
      }
      let size = granule.entrySize(level: mapping.level)
      largest = max(largest, size)
      guard mapping.range.start.isAligned(to: size), mapping.range.end.isAligned(to: size) else {
        throw .misaligned(mapping.range, alignment: size)
      }
      guard mapping.range.start >= end, mapping.range.end <= whole.end else {
        throw .overlap(mapping.range, level: mapping.level)
      }
      end = mapping.range.end
    }
    guard period > .zero, period.rawValue % largest.rawValue == 0 else {
      throw .misaligned(whole, alignment: largest)
    }
    self.period = period
    self.mappings = mappings
  }

  /// Bytes that are mapped in one period.
  public var mappedBytes: ByteCount { mappings.reduce(.zero) { $0 + $1.range.size } }

  /// The largest leaf, to which a place for the pattern must be aligned.
  func alignment(_ granule: Granule) -> ByteCount {
    mappings.map { granule.entrySize(level: $0.level) }.max() ?? granule.page
  }
}

extension StageTwo {
  /// Maps a free range with a pattern, from its start on; a last turn that does not fit is cut,
  /// and a leaf that the cut would divide is left out.
  ///
  /// Cost follows the pattern, not the range.
  public mutating func map(
    _ range: AddressRange,
    pattern: LayoutPattern
  ) throws(PageTableError) {
    try geometry.check(range)
    let alignment = pattern.alignment(geometry.granule)
    guard range.start.isAligned(to: alignment) else {
      throw .misaligned(range, alignment: alignment)
    }
    let painter = PatternPainter(granule: geometry.granule, pattern: pattern, range: range)
    guard let painted = painter.paint(root, base: 0) else {
      throw .overlap(range, level: geometry.startLevel)
    }
    root = painted
  }
}

/// Lays a pattern into tables, making each distinct table once.
private final class PatternPainter {
  let granule: Granule
  let mappings: [Mapping]
  let period: Int64
  let low: Int64
  let high: Int64
  private struct Key: Hashable {
    let level: Int
    let phase: Int64
  }
  private var made: [Key: Entry] = [:]

  init(granule: Granule, pattern: LayoutPattern, range: AddressRange) {
    self.granule = granule
    mappings = pattern.mappings
    period = pattern.period.rawValue
    low = Int64(range.start.rawValue)
    high = Int64(range.end.rawValue)
  }

  /// A table with the range painted in, or nil where something stands in the way.
  func paint(_ table: Table, base: Int64) -> Table? {
    let shift = Int64(granule.shift(level: table.level))
    let bytes = Int64(1) << shift
    let first = Int((max(low, base) - base) >> shift)
    let last = Int((min(high, base + Int64(table.size) << shift) - 1 - base) >> shift)
    var builder = RunBuilder()
    builder.append(table, 0..<first)
    var index = first
    while index <= last {
      let start = base + Int64(index) << shift
      let run = table.runs[table.runIndex(containing: index)]
      let isInside = start >= low && start + bytes <= high
      guard let entry = place(run.entry, table.level, start, isInside) else { return nil }
      // Entries of whole periods are all alike.
      let isUniform = isInside && bytes % period == 0 && run.entry == .hole
      let count = isUniform ? min(run.end, Int((high - base) >> shift)) - index : 1
      builder.append(entry, count: count)
      index += count
    }
    builder.append(table, (last + 1)..<table.size)
    return Table(level: table.level, runs: builder.runs)
  }

  private func place(_ entry: Entry, _ level: Int, _ base: Int64, _ isInside: Bool) -> Entry? {
    switch entry {
    case .leaf, .annotated: return nil
    case .table(let child): return paint(child, base: base).map { .table($0) }
    case .hole where isInside: return fresh(level, base)
    case .hole:
      guard level < 3 else { return .hole }
      let empty = Table(level: level + 1, entries: granule.entriesPerTable, of: .hole)
      return paint(empty, base: base).map { $0.counted == 0 ? .hole : .table($0) }
    }
  }

  /// A free entry that lies inside the range.
  private func fresh(_ level: Int, _ base: Int64) -> Entry {
    let key = Key(level: level, phase: (base - low) % period)
    if let known = made[key] { return known }
    let entry = make(level, base, key.phase)
    made[key] = entry
    return entry
  }

  private func make(_ level: Int, _ base: Int64, _ phase: Int64) -> Entry {
    let bytes = Int64(1) << Int64(granule.shift(level: level))
    if phase + bytes <= period {
      let (mapping, holeEnd) = find(phase)
      if let mapping, mapping.level == level { return .leaf(mapping.state) }
      if mapping == nil, holeEnd >= phase + bytes { return .hole }
    } else if mappings.isEmpty {
      return .hole
    }
    guard level < 3 else { return .hole }
    let below = bytes / Int64(granule.entriesPerTable)
    var builder = RunBuilder()
    var index = 0
    while index < granule.entriesPerTable {
      let entry = fresh(level + 1, base + Int64(index) * below)
      let isUniform = below % period == 0
      let count = isUniform ? granule.entriesPerTable - index : 1
      builder.append(entry, count: count)
      index += count
    }
    let table = Table(level: level + 1, runs: builder.runs)
    return table.counted == 0 ? .hole : .table(table)
  }

  /// The mapping at an offset, or where the hole there ends.
  private func find(_ phase: Int64) -> (mapping: Mapping?, holeEnd: Int64) {
    var first = 0
    var end = mappings.count
    while first < end {
      let middle = (first + end) / 2
      if Int64(mappings[middle].range.end.rawValue) <= phase {
        first = middle + 1
      } else {
        end = middle
      }
    }
    guard first < mappings.count else { return (nil, period) }
    let start = Int64(mappings[first].range.start.rawValue)
    return start <= phase ? (mappings[first], phase) : (nil, start)
  }
}
