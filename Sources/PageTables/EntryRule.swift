// SPDX-License-Identifier: GPL-3.0-or-later

/// What an operation's callback does with one entry.
///
/// The walker itself is the same for all operations and all releases; an operation is this rule.
protocol EntryRule {
  /// Whether the walker calls back after it descended into a table (TABLE_POST).
  var visitsTables: Bool { get }
  /// The LEAF callback: what stands in the entry afterwards and what it cost. The extent is
  /// relative to the entry's own start. Where a table stands there afterwards, the walker
  /// descends into it.
  func leaf(_ entry: Entry, level: Int) -> (after: Entry, tally: Tally)
  /// The POST callback on a table that is still in use, or freed by it.
  func post(freed: Bool) -> Tally
}

extension EntryRule {
  func post(freed: Bool) -> Tally { Tally() }
}

extension Tally {
  /// One LEAF callback.
  static func leafVisit(invalid: Bool) -> Self {
    var tally = Self()
    tally.leafVisits = 1
    tally.invalidVisits = invalid ? 1 : 0
    return tally
  }

  /// One POST callback on a table; a freed one drops its own reference and its parent entry's.
  static func tableVisit(freed: Bool) -> Self {
    var tally = Self()
    tally.postVisits = 1
    if freed {
      tally.puts = 2
      tally.tablesFreed = 1
    }
    return tally
  }
}

/// Unmap: a valid leaf is cleared whole, a table left empty is freed.
struct UnmapEntries: EntryRule {
  let granule: Granule

  var visitsTables: Bool { true }

  func leaf(_ entry: Entry, level: Int) -> (after: Entry, tally: Tally) {
    guard case .leaf(let state) = entry else {
      var tally = Tally.leafVisit(invalid: true)
      if entry == .annotated { tally.puts = 1 }
      return (.hole, tally)
    }
    let size = Int64(1) << Int64(granule.shift(level: level))
    var tally = Tally.leafVisit(invalid: false)
    tally.changed = 1
    tally.changedBlocks = level < 3 ? 1 : 0
    tally.puts = 1
    tally.cleanBytes = state.cacheable ? size : 0
    tally.extent = ClearedExtent(low: 0, high: size)
    return (.hole, tally)
  }

  func post(freed: Bool) -> Tally { .tableVisit(freed: freed) }
}

/// Write-protect: a valid leaf loses its write permission, nothing else changes.
struct ProtectEntries: EntryRule {
  var visitsTables: Bool { false }

  func leaf(_ entry: Entry, level: Int) -> (after: Entry, tally: Tally) {
    guard case .leaf(var state) = entry else { return (entry, .leafVisit(invalid: true)) }
    var tally = Tally.leafVisit(invalid: false)
    tally.changed = state.writable ? 1 : 0
    tally.blockVisits = level < 3 ? 1 : 0
    tally.changedBlocks = state.writable && level < 3 ? 1 : 0
    state.writable = false
    return (.leaf(state), tally)
  }
}

/// Destroy: every counted entry drops its reference, a table left without references is freed.
///
/// No TLBI and no cache maintenance. From 6.19 a leaf is not cleared when its reference is
/// dropped, so this rule stands only for chunks that hold whole leaves (hazard 7).
struct DestroyEntries: EntryRule {
  var visitsTables: Bool { true }

  func leaf(_ entry: Entry, level: Int) -> (after: Entry, tally: Tally) {
    var tally = Tally.leafVisit(invalid: true)
    guard entry.isCounted else { return (.hole, tally) }
    tally.puts = 1
    if case .leaf = entry {
      tally.invalidVisits = 0
      tally.changed = 1
      tally.changedBlocks = level < 3 ? 1 : 0
    }
    return (.hole, tally)
  }

  func post(freed: Bool) -> Tally { .tableVisit(freed: freed) }
}
