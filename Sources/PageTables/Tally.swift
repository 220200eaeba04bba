// SPDX-License-Identifier: GPL-3.0-or-later

/// The IPA that cleared leaves spanned in one walker call, relative to the call's start.
struct ClearedExtent: Hashable, Sendable {
  /// First byte; above `high` when nothing was cleared.
  var low = Int64.max
  /// Byte after the last.
  var high = Int64.min

  /// Whether nothing was cleared.
  var isEmpty: Bool { low >= high }

  /// The extent as seen from a point that lies `distance` before the present one.
  func shifted(_ distance: Int64) -> Self {
    isEmpty ? self : Self(low: low + distance, high: high + distance)
  }

  mutating func formUnion(_ other: Self) {
    low = min(low, other.low)
    high = max(high, other.high)
  }
}

/// What one walker call did so far, before flushes are counted: as the sweep adds it up.
struct Tally: Hashable, Sendable {
  /// Bytes of the range that were covered.
  var span: Int64 = 0
  /// Tables looped over.
  var tableLoops: Int64 = 0
  /// LEAF callbacks.
  var leafVisits: Int64 = 0
  /// LEAF callbacks on invalid entries.
  var invalidVisits: Int64 = 0
  /// POST callbacks.
  var postVisits: Int64 = 0
  /// Valid leaves cleared, write-protected or split: the rule says which.
  var changed: Int64 = 0
  /// Of those, leaves above the last level.
  var changedBlocks: Int64 = 0
  /// Callbacks on valid leaves above the last level.
  var blockVisits: Int64 = 0
  /// References dropped.
  var puts: Int64 = 0
  /// Tables freed.
  var tablesFreed: Int64 = 0
  /// Entries written by off-line builds of a split.
  var built: Int64 = 0
  /// Tables put in place of a block.
  var tablesAdded: Int64 = 0
  /// Bytes of cacheable leaves cleared, which a CPU without FWB must clean.
  var cleanBytes: Int64 = 0
  /// What the cleared leaves spanned.
  var extent = ClearedExtent()
  /// The call's start modulo 64 KiB, where LPA2 makes the range flush depend on it.
  var residue: Int64 = 0

  /// Hashes what tells most tallies apart; hashing all of it would cost more than comparing.
  func hash(into hasher: inout Hasher) {
    hasher.combine(span)
    hasher.combine(leafVisits)
    hasher.combine(postVisits)
    hasher.combine(extent.low)
  }

  /// Adds another tally whose extent is relative to a point `distance` after this one's.
  mutating func add(_ other: Self, at distance: Int64 = 0) {
    span += other.span
    tableLoops += other.tableLoops
    leafVisits += other.leafVisits
    invalidVisits += other.invalidVisits
    postVisits += other.postVisits
    changed += other.changed
    changedBlocks += other.changedBlocks
    blockVisits += other.blockVisits
    puts += other.puts
    tablesFreed += other.tablesFreed
    tablesAdded += other.tablesAdded
    built += other.built
    cleanBytes += other.cleanBytes
    extent.formUnion(other.extent.shifted(distance))
  }

  /// The tally of `count` equal entries side by side, `stride` bytes apart.
  func repeated(_ count: Int64, stride: Int64) -> Self {
    guard count != 1 else { return self }
    var all = self
    all.span *= count
    all.tableLoops *= count
    all.leafVisits *= count
    all.invalidVisits *= count
    all.postVisits *= count
    all.changed *= count
    all.changedBlocks *= count
    all.blockVisits *= count
    all.puts *= count
    all.tablesFreed *= count
    all.tablesAdded *= count
    all.built *= count
    all.cleanBytes *= count
    all.extent.formUnion(extent.shifted((count - 1) * stride))
    return all
  }
}
