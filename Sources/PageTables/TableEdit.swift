// SPDX-License-Identifier: GPL-3.0-or-later

/// Entries of one table that a range covers alike: one partly covered, or many covered whole.
struct Piece {
  let entry: Entry
  /// Index of the first entry.
  let index: Int
  /// Number of entries; one where the cover is partial.
  let count: Int
  /// Covered bytes of each entry, relative to the entry's start.
  let low: Int64
  let high: Int64
}

/// Rewrites a stretch of a table's entries and leaves the rest as it was.
struct Edit {
  let table: Table
  let last: Int
  var builder = RunBuilder()

  init(_ table: Table, first: Int, last: Int) {
    self.table = table
    self.last = last
    builder.append(table, 0..<first)
  }

  mutating func append(_ entry: Entry, count: Int) { builder.append(entry, count: count) }

  /// Appends the last entry so many times more.
  mutating func repeatLast(_ count: Int) {
    guard let last = builder.runs.last else { return }
    builder.append(last.entry, count: count)
  }

  mutating func finish() -> [Run] { finish(at: last + 1) }

  /// Keeps the entries from `next` on.
  mutating func finish(at next: Int) -> [Run] {
    builder.append(table, next..<table.size)
    return builder.runs
  }
}
