// SPDX-License-Identifier: GPL-3.0-or-later

/// What can go wrong when stage-2 work is batched or its invalidation deferred.
///
/// The numbers are those under which reports and documents name them.
public enum Hazard: Int, Hashable, Sendable, CaseIterable, Comparable, Codable {
  /// A flush that depends on something having been cleared, with chunks smaller than a leaf.
  case conditionalFlushBelowLeaf = 1
  /// A flush that is still due when the lock is dropped.
  case flushCarriedOverBreak = 2
  /// A table page freed before its walk-cache entry is gone.
  case tableFreedBeforeFlush = 3
  /// A level hint that does not describe what is to be invalidated.
  case levelHint = 4
  /// A flush whose base or extent is not that of the entries.
  case flushExtent = 5
  /// A range whose operand does not fit the instruction.
  case rangeOperand = 6
  /// A chunk that a walker cannot repeat or leave half done.
  case walkerNotIdempotent = 7
  /// Deferring the invalidation while cache maintenance goes on, on a CPU without FWB.
  case cleanBeforeFlush = 8
  /// Returning to the caller before the flush.
  case returnBeforeFlush = 9
  /// State remembered over a break point, or a break that never comes.
  case staleStateAfterBreak = 10

  /// Orders hazards by number.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// What happens, in one sentence.
  public var reason: String {
    switch self {
    case .conditionalFlushBelowLeaf:
      "the first chunk clears a leaf that reaches beyond it and flushes its own range only; the "
        + "later chunks find nothing to clear and skip their flush, so the rest of the leaf stays "
        + "translated after its pages are freed"
    case .flushCarriedOverBreak:
      "the lock is dropped with an invalidation still due, so a fault can install a new entry while "
        + "another CPU still uses the old one"
    case .tableFreedBeforeFlush:
      "a table page is freed while the walk cache still points to it, so hardware may walk a page "
        + "that is in use for something else"
    case .levelHint:
      "the invalidation carries a level that the entry does not have, so it may match nothing"
    case .flushExtent:
      "the flush begins at the walker's cursor instead of the entry's base, so it misses the front "
        + "of the entry"
    case .rangeOperand:
      "the number of pages does not fit the range instruction's operand, so pages stay translated"
    case .walkerNotIdempotent:
      "the free walker drops a reference for every visit, so a chunk that visits a leaf twice, or a "
        + "table in parts, frees pages that are still linked"
    case .cleanBeforeFlush:
      "cache lines are cleaned while the guest can still write through the old entry, so stale data "
        + "reaches the host"
    case .returnBeforeFlush:
      "the caller frees the pages, or reads the dirty log, while old entries are still in use"
    case .staleStateAfterBreak:
      "what was seen before the lock was dropped is no longer true after it, so entries made in "
        + "between are left behind"
    }
  }

  /// The rule by which kernels avoid it, or the repair of the kernel that had it.
  public var kernelRule: String {
    switch self {
    case .conditionalFlushBelowLeaf:
      "unmap flushes at the end of every call whether or not it cleared something, and chunks are "
        + "the largest block (5994bc9e05c2)"
    case .flushCarriedOverBreak:
      "every walker call ends with its flush, before the lock may be broken"
    case .tableFreedBeforeFlush:
      "the entry of a freed table is invalidated at once (f62d4c3eb687, 6.9 and 6.6.47)"
    case .levelHint:
      "a table's invalidation has no hint, a range has level unknown (36e008323926, 0f0ff097bf77)"
    case .flushExtent: "flushes of an entry start at its aligned base (4c36a1567388, 6.9)"
    case .rangeOperand: "exactly 2^21 pages are encoded with scale 3 (e3ba51ab24fd, 6.9)"
    case .walkerNotIdempotent:
      "destroy in chunks waited for a walker that looks at reference counts (156f70afcfec, 6.19)"
    case .cleanBeforeFlush: "leaves are deferred only with TLBIRANGE and FWB together"
    case .returnBeforeFlush:
      "notifiers, slot removal and the dirty log flush before they return, under slots_lock"
    case .staleStateAfterBreak: "the walk starts from the root again after every break"
    }
  }
}

/// How long a TLB entry lives.
public enum TLBModel: String, Hashable, Sendable, CaseIterable, Codable {
  /// An entry covers its leaf and dies with any flush that touches the leaf's span; how Linux
  /// reads the architecture.
  case leafSpan = "leaf"
  /// An entry is a page-sized fragment and dies only with a range flush that covers it, or with
  /// the flush of its leaf; the cautious reading.
  case fragments
}
