// SPDX-License-Identifier: GPL-3.0-or-later

/// Everything about batching and deferral that decides whether an operation is safe: today's
/// kernels, kernels that were, and kernels one might think of.
struct BatchDiscipline: Hashable, Sendable {
  /// When a table page goes back to the allocator.
  enum TableFree: Hashable, Sendable {
    /// After its own flush.
    case afterOwnFlush
    /// At once, its flush left to the end of the call.
    case beforeFlush
    /// After the flush at the end of the call.
    case afterCallFlush
  }

  /// The hint that a table's own flush carries.
  enum TableHint: Hashable, Sendable {
    case none
    case tableLevel
  }

  /// Where a flush that stands for several entries begins and ends.
  enum Extent: Hashable, Sendable {
    /// At the entries' own bounds.
    case entries
    /// At the walker's cursor, for the length of the entry.
    case cursor
  }

  var rules: StageTwoRules
  var tableFree: TableFree
  var tableHint: TableHint
  var extent = Extent.entries
  /// The hint of a range flush; nil is "level unknown".
  var rangeHint: Int?
  /// Whether the flush of all calls is kept until the operation ends.
  var carriesFlush = false
  /// Whether the flush is left to the next operation.
  var flushesAfterReturn = false
  /// Whether cache lines are cleaned only after the flush of a call.
  var cleansAfterFlush = false
  /// Whether faults can install entries in the range while the lock is dropped.
  var admitsFaults = false
  /// Whether parts seen empty before the first break are skipped after it.
  var remembersEmptyParts = false
  /// Whether destroy looks at reference counts (the walker from 6.19).
  var destroyCountsReferences: Bool
  /// The chunk of destroy; nil is the largest block.
  var destroyChunk: Int64?

  /// What a kernel does under these rules.
  init(_ rules: StageTwoRules) {
    self.rules = rules
    let release = rules.release
    tableFree = rules.flushesTablesAtOnce ? .afterOwnFlush : .beforeFlush
    let isHinted = release.tableFlush != .immediate(hinted: false) && rules.features.levelHint
    tableHint = isHinted ? .tableLevel : .none
    if !release.levelUnknownIsExplicit, rules.features.levelHint { rangeHint = 0 }
    destroyCountsReferences = release.destroy == .chunked
  }
}
