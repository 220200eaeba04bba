// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// What a series of faults did, before flushes become instructions.
struct FaultEvents: Hashable, Sendable {
  /// Faults that were handled by mapping, by the level of the leaf.
  var maps = SIMD4<Int64>.zero
  /// Faults that were handled by relaxing a permission, by the level of the leaf.
  var relaxes = SIMD4<Int64>.zero
  /// Blocks broken because a page was wanted: one IPA flush and one reference each.
  var breaks: Int64 = 0
  /// Bytes of leaves that were mapped after a permission fault.
  var permissionBytes: Int64 = 0
  /// Tables replaced by a block.
  var rebuilds: Int64 = 0
  /// Bytes of those blocks.
  var rebuiltBytes: Int64 = 0
  /// Counted entries of tables that a block replaced, tables below included.
  var detached: Int64 = 0
  /// Entries of tables that a block replaced, whatever they hold.
  var detachedEntries: Int64 = 0
  /// Tables that a block replaced, all levels.
  var detachedTables: Int64 = 0
  var tablesAllocated: Int64 = 0

  static func + (left: Self, right: Self) -> Self {
    var sum = left
    sum.add(right, 1)
    return sum
  }

  mutating func add(_ other: Self, _ count: Int64) {
    let factor = SIMD4(repeating: count)
    maps &+= other.maps &* factor
    relaxes &+= other.relaxes &* factor
    breaks += other.breaks * count
    permissionBytes += other.permissionBytes * count
    rebuilds += other.rebuilds * count
    rebuiltBytes += other.rebuiltBytes * count
    detached += other.detached * count
    detachedEntries += other.detachedEntries * count
    detachedTables += other.detachedTables * count
    tablesAllocated += other.tablesAllocated * count
  }
}

/// Handles a guest's touches in ascending order, a run of equal entries at a time.
struct FaultWalker {
  let geometry: StageTwoGeometry
  let slot: MemorySlot
  let access: GuestAccess
  let rules: StageTwoRules

  private var granule: Granule { geometry.granule }
  private var stride: Int64 { access.stride.rawValue }
  private var origin: Int64 { Int64(access.range.start.rawValue) }

  /// What stands in a leaf after a fault.
  private var state: LeafState {
    LeafState(writable: access.isWrite || (!slot.isLogging && access.isHostWritable))
  }

  /// Touches in `[low, high)`, absolute addresses.
  private func touches(_ low: Int64, _ high: Int64) -> Int64 {
    let first = (max(low - origin, 0) + stride - 1) / stride
    let end = (max(high - origin, 0) + stride - 1) / stride
    return max(0, end - first)
  }

  /// Whether a fault in this entry installs a block at this level.
  private func takesBlock(_ level: Int, _ base: Int64) -> Bool {
    guard !slot.isLogging, slot.isCongruent, level < 3, geometry.leafLevels.contains(level),
      level >= slot.hostLevel
    else { return false }
    let end = base + Int64(1) << Int64(granule.shift(level: level))
    return base >= Int64(slot.range.start.rawValue) && end <= Int64(slot.range.end.rawValue)
  }

  /// Touches `[low, high)` of a table that begins at `base`; addresses are relative to it.
  func touch(
    _ table: Table,
    base: Int64,
    _ low: Int64,
    _ high: Int64
  ) -> (events: FaultEvents, after: Table) {
    let shift = Int64(granule.shift(level: table.level))
    let bytes = Int64(1) << shift
    let first = Int(low >> shift)
    let last = Int((high - 1) >> shift)
    var events = FaultEvents()
    var builder = RunBuilder()
    builder.append(table, 0..<first)
    var index = first
    while index <= last {
      let run = table.runs[table.runIndex(containing: index)]
      let start = Int64(index) << shift
      let from = max(low - start, 0)
      let to = min(high - start, bytes)
      let count = repeats(run, index, base + start, from, to, high: high, shift: shift)
      let (one, entry) = touch(run.entry, table.level, base + start, from, to)
      events.add(one, Int64(count))
      builder.append(entry, count: count)
      index += count
    }
    builder.append(table, (last + 1)..<table.size)
    return (events, Table(level: table.level, runs: builder.runs))
  }

  /// How many entries from `index` on fare alike.
  private func repeats(
    _ run: Run,
    _ index: Int,
    _ base: Int64,
    _ from: Int64,
    _ to: Int64,
    high: Int64,
    shift: Int64
  ) -> Int {
    let bytes = Int64(1) << shift
    guard from == 0, to == bytes, bytes % stride == 0 || touches(base, base + bytes) == 0
    else { return 1 }
    let whole = min(run.end, Int(high >> shift)) - index
    guard bytes % stride != 0 else {
      // Blocks are possible only inside the slot, so entries that leave it stand alone.
      let slotEnd = (Int64(slot.range.end.rawValue) - base) >> shift
      let inside = base >= Int64(slot.range.start.rawValue) ? Int(slotEnd) : 0
      return max(1, min(whole, inside))
    }
    // A wide stride misses entries; the next touch ends the stretch that fares alike.
    let next = ((max(base - origin, 0) + stride - 1) / stride) * stride + origin
    return max(1, min(whole, Int((next - base) >> shift)))
  }

  private func touch(
    _ entry: Entry,
    _ level: Int,
    _ base: Int64,
    _ low: Int64,
    _ high: Int64
  ) -> (events: FaultEvents, after: Entry) {
    let count = touches(base + low, base + high)
    guard count > 0 else { return (FaultEvents(), entry) }
    switch entry {
    case .table(let child):
      if level >= geometry.startLevel, takesBlock(level, base),
        let fault = firstFault(child, base, low, high)
      {
        return rebuild(child, level, after: fault)
      }
      let (events, after) = touch(child, base: base, low, high)
      return (events, .table(after))
    case .hole, .annotated: return fill(level, base, low, high)
    case .leaf(let leaf):
      guard access.isWrite, !leaf.writable else { return (FaultEvents(), entry) }
      return write(leaf, level, base, low, high)
    }
  }

  /// A translation fault on a hole.
  private func fill(
    _ level: Int,
    _ base: Int64,
    _ low: Int64,
    _ high: Int64
  ) -> (events: FaultEvents, after: Entry) {
    var events = FaultEvents()
    if level == 3 || takesBlock(level, base) {
      events.maps[level] = 1
      return (events, .leaf(state))
    }
    let empty = Table(level: level + 1, entries: granule.entriesPerTable, of: .hole)
    let (below, after) = touch(empty, base: base, low, high)
    events.tablesAllocated = 1
    return (events + below, .table(after))
  }

  /// A write to a read-only leaf.
  private func write(
    _ leaf: LeafState,
    _ level: Int,
    _ base: Int64,
    _ low: Int64,
    _ high: Int64
  ) -> (events: FaultEvents, after: Entry) {
    var events = FaultEvents()
    guard level < 3, slot.isLogging else {
      events.relaxes[level] = 1
      var writable = leaf
      writable.writable = true
      return (events, .leaf(writable))
    }
    events.breaks = 1
    events.permissionBytes = granule.page.rawValue
    let (below, after) = fill(level, base, low, high)
    return (events + below, after)
  }

  private enum Fault { case translation, permission }

  /// The first fault that touches of `[low, high)` of a table would take, if any.
  private func firstFault(_ table: Table, _ base: Int64, _ low: Int64, _ high: Int64) -> Fault? {
    let shift = Int64(granule.shift(level: table.level))
    for run in table.runs {
      let from = max(low, Int64(run.start) << shift)
      let to = min(high, Int64(run.end) << shift)
      guard from < to, touches(base + from, base + to) > 0 else { continue }
      switch run.entry {
      case .hole, .annotated: return .translation
      case .leaf(let leaf): if access.isWrite, !leaf.writable { return .permission }
      case .table(let child):
        for index in (from >> shift)...((to - 1) >> shift) {
          let start = index << shift
          let end = min(to - start, Int64(1) << shift)
          if let fault = firstFault(child, base + start, max(from - start, 0), end) { return fault }
        }
      }
    }
    return nil
  }

  /// A fault under a table where a block fits: the block takes the table's place.
  private func rebuild(
    _ child: Table,
    _ level: Int,
    after fault: Fault
  ) -> (events: FaultEvents, after: Entry) {
    var events = FaultEvents()
    events.maps[level] = 1
    events.rebuilds = 1
    events.rebuiltBytes = Int64(1) << Int64(granule.shift(level: level))
    if fault == .permission { events.permissionBytes = events.rebuiltBytes }
    events.detachedTables = child.tables + 1
    events.detachedEntries = child.visits - child.tables
    events.detached = child.countedBelow
    return (events, .leaf(state))
  }
}

extension Table {
  /// Entries that are not zero in this table and all below it.
  var countedBelow: Int64 {
    runs.reduce(0) { sum, run in
      guard run.entry.isCounted else { return sum }
      return sum + Int64(run.count) * (1 + (run.entry.child?.countedBelow ?? 0))
    }
  }
}

extension FaultEvents {
  /// The events that a kernel on a CPU executes for these faults.
  func counts(_ rules: StageTwoRules, _ geometry: StageTwoGeometry) -> EventCounts {
    var counts = EventCounts()
    for level in 0...3 {
      let depth = Int64(level - geometry.startLevel)
      counts.mapCalls += maps[level]
      counts.relaxCalls += relaxes[level]
      counts.tableLoops += (maps[level] + relaxes[level]) * (depth + 1)
      counts.mapVisits += maps[level] * (depth + 1)
      if rules.release.mapVisitsTablesAfter { counts.mapVisits += maps[level] * depth }
    }
    counts.attrVisits = counts.relaxCalls
    counts.leavesProtected = counts.relaxCalls
    counts.blockVisits = counts.relaxCalls - relaxes[3]
    counts.blocksProtected = counts.blockVisits
    counts.walkCalls = counts.mapCalls + counts.relaxCalls
    counts.guestAborts = counts.walkCalls
    counts.putPage = breaks
    counts.tablesAllocated = tablesAllocated
    addCleans(rules, geometry, into: &counts)
    let sequences = rules.sequences(geometry.granule)
    // Every map call ends with a barrier that publishes the entries.
    counts.dsbISHST += counts.mapCalls
    sequences.ipa(breaks, into: &counts)
    if rules.release.relaxesLocally {
      sequences.localIPA(counts.relaxCalls, into: &counts)
    } else {
      sequences.ipa(counts.relaxCalls, into: &counts)
    }
    addRebuilds(rules, sequences, into: &counts)
    return counts
  }

  private func addCleans(
    _ rules: StageTwoRules,
    _ geometry: StageTwoGeometry,
    into counts: inout EventCounts
  ) {
    guard !rules.features.forcedWriteBack else { return }
    var bytes: Int64 = 0
    for level in 0...3 {
      bytes += maps[level] << Int64(geometry.granule.shift(level: level))
    }
    if !rules.release.cleansOnPermissionMap {
      bytes -= permissionBytes
    }
    counts.dcCIVAC = bytes / rules.features.cacheLine.rawValue
  }

  /// A table that a block replaces: one flush of everything below, then its references go.
  ///
  /// Up to 6.1 the map walker itself goes through the detached table; from 6.2 the free walker
  /// does, after a grace period.
  private func addRebuilds(
    _ rules: StageTwoRules,
    _ sequences: FlushSequences,
    into counts: inout EventCounts
  ) {
    guard rebuilds > 0 else { return }
    switch rules.release.blockFlush {
    case .vmid: sequences.vmid(rebuilds, into: &counts)
    case .range:
      var one = EventCounts()
      sequences.range(bytes: rebuiltBytes / rebuilds, residue: 0, into: &one)
      counts += one * rebuilds
    }
    let below = detachedTables - rebuilds
    counts.tableLoops += detachedTables
    counts.tablesFreed += detachedTables
    counts.putPage += detached + 2 * rebuilds + below
    if rules.release.mapVisitsTablesAfter {
      // Each level's PRE, all entries' LEAF, each table's POST.
      counts.mapVisits += detachedEntries + 2 * below + rebuilds
    } else {
      counts.freeVisits += detachedEntries + below
    }
  }
}
