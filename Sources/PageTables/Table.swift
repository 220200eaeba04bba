// SPDX-License-Identifier: GPL-3.0-or-later

/// What a valid leaf allows and how its memory is typed.
public struct LeafState: Hashable, Sendable {
  /// The guest may write without a fault.
  public var writable: Bool
  /// Normal cacheable memory, which needs cache maintenance on a CPU without FWB.
  public var cacheable: Bool

  /// Creates a state; ordinary memory is cacheable.
  public init(writable: Bool = true, cacheable: Bool = true) {
    self.writable = writable
    self.cacheable = cacheable
  }
}

/// What one slot of a table holds.
enum Entry: Hashable, Sendable {
  /// Zero.
  case hole
  /// Invalid but not zero, such as an owner annotation; it is counted by its table.
  case annotated
  /// A valid block or page.
  case leaf(LeafState)
  /// The next level.
  case table(Table)

  /// Whether the entry holds a reference on its table.
  var isCounted: Bool { self != .hole }

  /// The table below, if any.
  var child: Table? {
    if case .table(let child) = self { child } else { nil }
  }
}

/// Equal entries side by side in one table.
struct Run: Hashable, Sendable {
  /// Index of the first entry.
  let start: Int
  /// Number of entries, at least one.
  let count: Int
  /// The entry that repeats; a table stands for `count` separate tables of the same content.
  let entry: Entry

  /// Index after the last entry.
  var end: Int { start + count }
}

/// One table: immutable, run-length encoded and shared wherever the content is the same.
///
/// A table never changes; operations build new ones and keep what they did not touch. So 256 GiB
/// of pages are three objects, and an operation looks at each object once. The sums below are
/// computed when the table is made.
final class Table: Hashable, Sendable {
  /// The level of the table's entries, -1 to 3; the level above the root is the list of root
  /// pages.
  let level: Int
  /// Runs in order of index, without gaps, neighbours differing.
  let runs: [Run]
  /// Entries that are not zero: the references the table's page holds beyond its own.
  let counted: Int
  /// Valid leaves below, by level 0 to 3.
  let leaves: SIMD4<Int64>
  /// Tables below, this one not included.
  let tables: Int64
  /// LEAF and POST callbacks of a walk over the whole table.
  let visits: Int64
  private let digest: Int

  init(level: Int, runs: [Run]) {
    self.level = level
    self.runs = runs
    var counted = 0
    var leaves = SIMD4<Int64>.zero
    var tables: Int64 = 0
    var visits: Int64 = 0
    for run in runs {
      let count = Int64(run.count)
      if run.entry.isCounted { counted += run.count }
      switch run.entry {
      case .leaf: leaves[level] += count
      case .table(let child):
        leaves &+= child.leaves &* SIMD4(repeating: count)
        tables += (child.tables + 1) * count
        visits += child.visits * count
      case .hole, .annotated: break
      }
      visits += count
    }
    self.counted = counted
    self.leaves = leaves
    self.tables = tables
    self.visits = visits
    var hasher = Hasher()
    hasher.combine(level)
    hasher.combine(runs)
    digest = hasher.finalize()
  }

  /// A table of equal entries.
  convenience init(level: Int, entries: Int, of entry: Entry) {
    self.init(level: level, runs: [Run(start: 0, count: entries, entry: entry)])
  }

  static func == (left: Table, right: Table) -> Bool {
    left === right
      || (left.digest == right.digest && left.level == right.level && left.runs == right.runs)
  }

  func hash(into hasher: inout Hasher) { hasher.combine(digest) }

  /// Number of entries.
  var size: Int { runs.last?.end ?? 0 }

  /// The entry at an index.
  func entry(at index: Int) -> Entry { runs[runIndex(containing: index)].entry }

  /// The position in `runs` of the run that holds an entry's index.
  func runIndex(containing index: Int) -> Int {
    var low = 0
    var high = runs.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if runs[middle].start <= index { low = middle } else { high = middle - 1 }
    }
    return low
  }
}

/// Collects runs from left to right, merging equal neighbours.
struct RunBuilder {
  private(set) var runs: [Run] = []

  /// Adds `count` equal entries at the end.
  mutating func append(_ entry: Entry, count: Int) {
    guard count > 0 else { return }
    if let last = runs.last, last.entry == entry {
      runs[runs.count - 1] = Run(start: last.start, count: last.count + count, entry: entry)
    } else {
      runs.append(Run(start: runs.last?.end ?? 0, count: count, entry: entry))
    }
  }

  /// Adds a table's entries with indices in `range` unchanged.
  mutating func append(_ table: Table, _ range: Range<Int>) {
    guard !range.isEmpty else { return }
    var position = table.runIndex(containing: range.lowerBound)
    var index = range.lowerBound
    while index < range.upperBound {
      let run = table.runs[position]
      let end = min(run.end, range.upperBound)
      append(run.entry, count: end - index)
      index = end
      position += 1
    }
  }
}
