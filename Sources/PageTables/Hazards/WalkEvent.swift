// SPDX-License-Identifier: GPL-3.0-or-later

/// One step of an operation, as far as hardware can see it.
enum WalkEvent: Hashable, Sendable {
  /// A valid leaf became invalid.
  case cleared(Range<Int64>, level: Int)
  /// A leaf lost its write permission.
  case protected(Range<Int64>, level: Int)
  /// A new leaf or table took over a span.
  case installed(Range<Int64>)
  /// A table was unlinked from its parent.
  case unlinked(table: Int, Range<Int64>)
  /// A table page went back to the allocator.
  case freed(table: Int)
  /// A flush by one address, with the level it claims; of a leaf, or of a table.
  case flushEntry(at: Int64, hint: Int?, isLeaf: Bool)
  /// A flush by range: what the instructions cover, and what they were meant to cover.
  case flushRange(Range<Int64>, meant: Range<Int64>, hint: Int?)
  /// A flush of the VMID.
  case flushAll
  /// A leaf's memory was cleaned to the point of coherency.
  case cleaned(Range<Int64>)
  /// A reference was dropped for an entry that had already lost its own.
  case droppedTwice
  /// A table was freed with entries that still count.
  case freedInUse
  /// The lock was dropped; the part of the range that was dealt with, and whether faults can
  /// install entries there.
  case lockDropped(Range<Int64>, admitsFaults: Bool)
  /// The operation is over, its caller reuses the pages of the range (or reads its dirty log);
  /// whether it had left a valid leaf in the range.
  case returned(Range<Int64>, leftLeaf: Bool)
}

/// Follows an operation's events and reports every moment at which an old entry could still be
/// used.
///
/// At the start every leaf is assumed to be in some TLB and every table in some walk cache. An
/// entry that was changed is stale until a flush removes it. One flush by address removes the
/// leaf it was issued for, in both models: that is what kernels rely on when they clear a block.
/// The flush of a table's entry removes that, and of fragments the one at its address.
struct StaleEntryOracle {
  private enum Kind: Hashable {
    case leaf(level: Int)
    case writable(level: Int)
    case table(Int)
  }

  private struct Stale: Hashable {
    /// What is left of the entry.
    let span: Range<Int64>
    /// The leaf or table that the entry stood for.
    let origin: Range<Int64>
    let kind: Kind
    /// Whether a flush meant to remove it and could not: the hazard that stands for it then.
    var cause: Hazard?

    var isTable: Bool { if case .table = kind { true } else { false } }

    /// The level a hint must name; tables have none that fits.
    var level: Int? {
      switch kind {
      case .leaf(let level), .writable(let level): level
      case .table: nil
      }
    }
  }

  let model: TLBModel
  private var stale: [Stale] = []
  /// What was found, by number.
  private(set) var found: Set<Hazard> = []

  init(model: TLBModel) { self.model = model }

  mutating func apply(_ event: WalkEvent) {
    switch event {
    case .cleared(let span, let level): add(span, .leaf(level: level))
    case .protected(let span, let level): add(span, .writable(level: level))
    case .unlinked(let table, let span): add(span, .table(table))
    case .installed(let span): check(.flushExtent) { $0.span.overlaps(span) && !$0.isTable }
    case .freed(let table): check(.tableFreedBeforeFlush) { $0.kind == .table(table) }
    case .flushEntry(let address, let hint, let isLeaf):
      let page = address..<address + 4096
      flush(
        hint: hint,
        meant: { (isLeaf ? $0.origin : $0.span).contains(address) },
        covers: { isLeaf || $0.isTable ? nil : page }
      )
    case .flushRange(let range, let meant, let hint):
      flush(hint: hint, meant: { $0.span.overlaps(meant) }, covers: { _ in range })
    case .flushAll: stale = []
    case .cleaned(let span):
      check(.cleanBeforeFlush) { $0.span.overlaps(span) && !$0.isTable }
    case .droppedTwice, .freedInUse: found.insert(.walkerNotIdempotent)
    case .lockDropped(let done, let admitsFaults):
      guard admitsFaults else { return }
      check(.flushCarriedOverBreak) { $0.span.overlaps(done) && !$0.isTable }
    case .returned(let range, let leftLeaf):
      if leftLeaf { found.insert(.staleStateAfterBreak) }
      check(.returnBeforeFlush) { $0.span.overlaps(range) && !$0.isTable }
    }
  }

  private mutating func add(_ span: Range<Int64>, _ kind: Kind) {
    stale.append(Stale(span: span, origin: span, kind: kind, cause: nil))
  }

  /// Reports entries that are still there; the cause is a flush that failed, where one did.
  private mutating func check(_ hazard: Hazard, _ isHarmful: (Stale) -> Bool) {
    for entry in stale where isHarmful(entry) { found.insert(entry.cause ?? hazard) }
  }

  /// Removes what a flush reaches.
  ///
  /// `covers` is nil for a flush by address.
  private mutating func flush(
    hint: Int?,
    meant: (Stale) -> Bool,
    covers: (Stale) -> Range<Int64>?
  ) {
    var left: [Stale] = []
    for var entry in stale {
      guard meant(entry) else {
        left.append(entry)
        continue
      }
      if let hint, hint != entry.level {
        entry.cause = .levelHint
        left.append(entry)
        continue
      }
      guard let range = covers(entry) else { continue }
      left += rest(of: entry, after: range)
    }
    stale = left
  }

  /// What remains of an entry after a range flush.
  private func rest(of entry: Stale, after range: Range<Int64>) -> [Stale] {
    guard model == .fragments || !entry.span.overlaps(range) else { return [] }
    guard entry.span.overlaps(range) else {
      var entry = entry
      entry.cause = .rangeOperand
      return [entry]
    }
    // A walk-cache entry is one entry in both models.
    guard !entry.isTable else { return [] }
    let before = entry.span.lowerBound..<max(entry.span.lowerBound, range.lowerBound)
    let after = min(entry.span.upperBound, range.upperBound)..<entry.span.upperBound
    let cause = entry.cause ?? .conditionalFlushBelowLeaf
    return [before, after].filter { !$0.isEmpty }.map {
      Stale(span: $0, origin: entry.origin, kind: entry.kind, cause: cause)
    }
  }
}
