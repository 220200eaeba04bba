// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

@testable import PageTables

extension NaiveTwin {
  /// Splits step by step as `kvm_mmu_split_huge_pages` does; `cached` are the pages at hand.
  func split(
    _ low: Int64,
    _ high: Int64,
    chunk: Int64,
    capacity: Int64,
    cached: inout Int64
  ) -> [NaiveChunk] {
    var result: [NaiveChunk] = []
    var address = low
    while address < high {
      let next = min((address / chunk + 1) * chunk, high)
      counts = EventCounts()
      if cached < capacity {
        counts.lockDrops = 1
        cached = capacity
      }
      counts.splitCalls = 1
      var pages = cached
      walk(
        address,
        next,
        Callbacks(leaf: { self.splitLeaf($0, $1, &pages) })
      )
      cached = pages
      counts.dsbISHST += 1
      result.append(NaiveChunk(span: next - address, counts: counts))
      address = next
    }
    return result
  }

  private func splitLeaf(_ table: NaiveTable, _ index: Int, _ pages: inout Int64) {
    counts.splitVisits += 1
    guard case .leaf(let state) = table.slots[index] else {
      counts.invalidVisits += 1
      return
    }
    guard table.level < 3 else { return }
    let entries = Int64(granule.entriesPerTable)
    let needed = table.level == 2 ? 1 : 1 + entries
    let isWhole = pages >= needed
    pages -= isWhole ? needed : 1
    let child = build(table.level + 1, state, to: isWhole ? 3 : table.level + 1)
    counts.putPage += 1
    flushOne()
    table.slots[index] = .table(child)
  }

  /// Builds a table of leaves, off line, and those below it.
  private func build(_ level: Int, _ state: LeafState, to last: Int) -> NaiveTable {
    counts.tableLoops += 1
    counts.tablesAllocated += 1
    let table = NaiveTable(level: level, size: granule.entriesPerTable)
    for index in table.slots.indices {
      counts.mapVisits += 1
      counts.entriesBuilt += 1
      table.references += 1
      table.slots[index] = level == last ? .leaf(state) : .table(build(level + 1, state, to: last))
    }
    return table
  }

  /// GET or CLEAR: the pages' words one by one, each protected and then split where asked.
  func harvest(
    _ pages: [Int64],
    of slot: AddressRange,
    _ rules: StageTwoRules,
    split plan: (chunk: Int64, capacity: Int64)? = nil,
    cached: inout Int64
  ) throws -> [NaiveChunk] {
    var result: [NaiveChunk] = []
    let page = granule.page.rawValue
    let words = Dictionary(grouping: pages) { $0 / 64 }.sorted { $0.key < $1.key }
    for (_, bits) in words {
      guard let first = bits.min(), let last = bits.max() else { continue }
      let start = Int64(slot.start.rawValue)
      let (low, high) = (start + first * page, start + (last + 1) * page)
      var calls = try protect(low, high, rules)
      if rules.mayYield {
        for index in calls.indices.dropLast() { calls[index].counts.breakPoints += 1 }
      }
      result += calls
      guard let plan else { continue }
      result += split(low, high, chunk: plan.chunk, capacity: plan.capacity, cached: &cached)
    }
    return result
  }
}
