// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

@testable import PageTables

extension NaiveTwin {
  /// Touches one address after the other and handles each fault as `user_mem_abort` does.
  func touch(
    _ access: GuestAccess,
    _ slot: MemorySlot,
    _ rules: StageTwoRules
  ) -> EventCounts {
    counts = EventCounts()
    cleared = []
    var address = Int64(access.range.start.rawValue)
    while address < Int64(access.range.end.rawValue) {
      let (table, index) = entry(at: address)
      switch table.slots[index] {
      case .leaf(let state) where !access.isWrite || state.writable: break
      case .leaf: fault(address, access, slot, rules, permission: table.level)
      default: fault(address, access, slot, rules, permission: nil)
      }
      address += access.stride.rawValue
    }
    return counts
  }

  /// The entry that translates an address, or the hole that does not.
  private func entry(at address: Int64) -> (NaiveTable, Int) {
    var table = roots[Int(address / size(geometry.startLevel - 1))]
    var index = Int(address / size(table.level)) % table.slots.count
    while let child = table.slots[index].child {
      table = child
      index = Int(address / size(table.level)) % table.slots.count
    }
    return (table, index)
  }

  /// One abort; `permission` is the level of the read-only leaf that caused it.
  private func fault(
    _ address: Int64,
    _ access: GuestAccess,
    _ slot: MemorySlot,
    _ rules: StageTwoRules,
    permission: Int?
  ) {
    counts.guestAborts += 1
    var level = installed(address, slot)
    // A read-only block outside logging keeps its size, whatever the host's mapping.
    if let permission, !slot.isLogging, permission < level { level = permission }
    if let permission, permission == level { return relax(address, rules) }
    map(address, level, access, slot, rules, isPermission: permission != nil)
  }

  /// The level at which a fault installs a leaf.
  private func installed(_ address: Int64, _ slot: MemorySlot) -> Int {
    guard !slot.isLogging, slot.isCongruent else { return 3 }
    for level in geometry.leafLevels where level < 3 && level >= slot.hostLevel {
      let base = address / size(level) * size(level)
      if base >= Int64(slot.range.start.rawValue),
        base + size(level) <= Int64(slot.range.end.rawValue)
      {
        return level
      }
    }
    return 3
  }

  private func relax(_ address: Int64, _ rules: StageTwoRules) {
    counts.relaxCalls += 1
    walk(
      address,
      address + granule.page.rawValue,
      Callbacks(leaf: { table, index in
        self.counts.attrVisits += 1
        guard case .leaf(var state) = table.slots[index] else { return }
        self.counts.leavesProtected += 1
        if table.level < 3 {
          self.counts.blockVisits += 1
          self.counts.blocksProtected += 1
        }
        state.writable = true
        table.slots[index] = .leaf(state)
      })
    )
    if rules.release.relaxesLocally {
      counts.ipaFlushesLocal += 1
      counts.tlbiIPAS2E1 += 1
      counts.tlbiVMALLE1 += 1
      counts.dsbNSH += 2
      counts.dsbNSHST += 1
      counts.isb += 4
    } else {
      flushOne()
    }
  }

  /// One broadcast IPA flush.
  func flushOne() {
    counts.ipaFlushes += 1
    counts.tlbiIPAS2E1IS += 1
    counts.tlbiVMALLE1IS += 1
    counts.dsbISH += 2
    counts.dsbISHST += 1
    counts.isb += 4
  }

  private func map(
    _ address: Int64,
    _ level: Int,
    _ access: GuestAccess,
    _ slot: MemorySlot,
    _ rules: StageTwoRules,
    isPermission: Bool
  ) {
    counts.mapCalls += 1
    counts.dsbISHST += 1
    let bytes = size(level)
    if !rules.features.forcedWriteBack, !isPermission || rules.release.cleansOnPermissionMap {
      counts.dcCIVAC += bytes / rules.features.cacheLine.rawValue
    }
    let leaf = NaiveTable.Slot.leaf(
      LeafState(writable: access.isWrite || (!slot.isLogging && access.isHostWritable))
    )
    let visitsAfter = rules.release.mapVisitsTablesAfter
    walk(
      address / bytes * bytes,
      address / bytes * bytes + bytes,
      Callbacks(
        pre: { table, index in
          self.counts.mapVisits += 1
          guard table.level == level, let child = table.slots[index].child else { return }
          self.replace(child, rules, bytes)
          table.slots[index] = leaf
        },
        leaf: { table, index in
          self.counts.mapVisits += 1
          self.install(leaf, in: table, index, level)
        },
        post: visitsAfter ? { _, _, _ in self.counts.mapVisits += 1 } : nil
      )
    )
  }

  /// A LEAF callback of the map walker: the leaf goes in, or a table on the way to it.
  private func install(_ leaf: NaiveTable.Slot, in table: NaiveTable, _ index: Int, _ level: Int) {
    let before = table.slots[index]
    if case .leaf = before, table.level < level {
      counts.putPage += 1
      table.references -= 1
      table.slots[index] = .hole
      flushOne()
    }
    if !table.slots[index].isCounted { table.references += 1 }
    if table.level == level {
      table.slots[index] = leaf
    } else {
      counts.tablesAllocated += 1
      table.slots[index] = .table(
        NaiveTable(level: table.level + 1, size: granule.entriesPerTable)
      )
    }
  }

  /// A table that a block replaces: one flush of its span, then every entry below is dropped.
  private func replace(_ child: NaiveTable, _ rules: StageTwoRules, _ bytes: Int64) {
    switch rules.release.blockFlush {
    case .vmid: vmidFlush()
    case .range: rangeFlush(bytes, 0, rules)
    }
    // The reference of the parent's entry and the page's own.
    counts.putPage += 2
    counts.tablesFreed += 1
    if rules.release.mapVisitsTablesAfter { counts.mapVisits += 1 }
    discard(child, rules)
  }

  private func discard(_ table: NaiveTable, _ rules: StageTwoRules) {
    counts.tableLoops += 1
    for slot in table.slots {
      if slot.isCounted { counts.putPage += 1 }
      let child = slot.child
      // Up to 6.1 the map walker goes through: PRE and POST of tables, LEAF of the others.
      if rules.release.mapVisitsTablesAfter {
        counts.mapVisits += child == nil ? 1 : 2
      } else {
        counts.freeVisits += 1
      }
      guard let child else { continue }
      counts.putPage += 1
      counts.tablesFreed += 1
      discard(child, rules)
    }
  }
}
