// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Quantities

/// What one call of the twin did, in the terms that both sides count.
struct NaiveChunk: Hashable {
  var span: Int64
  var counts: EventCounts
}

extension NaiveTwin {
  private func drop(_ table: NaiveTable) { counts.putPage += 1; table.references -= 1 }

  /// The loop of `stage2_apply_range`: one call a chunk until the range is done.
  private func chunks(
    _ low: Int64,
    _ high: Int64,
    _ rules: StageTwoRules,
    _ body: (Int64, Int64) -> Int64
  ) throws -> [NaiveChunk] {
    var result: [NaiveChunk] = []
    var address = low
    let shift = try rules.chunkShift(geometry)
    while address < high {
      var next = high
      if let shift { next = min((address >> Int64(shift) + 1) << Int64(shift), high) }
      counts = EventCounts()
      cleared = []
      let reached = body(address, next)
      var stop = next
      if rules.stretches || shift == nil { stop = min(reached, high) }
      result.append(NaiveChunk(span: stop - address, counts: counts))
      address = stop
    }
    return result
  }

  func unmap(_ low: Int64, _ high: Int64, _ rules: StageTwoRules) throws -> [NaiveChunk] {
    try chunks(low, high, rules) { [self] from, to in
      if case .visits(let visits) = rules.chunk { budget = Int64(visits) }
      defer { budget = .max }
      let reached = walk(
        from,
        to,
        Callbacks(leaf: { self.clear($0, $1) }, post: { self.freeIfEmpty($0, $1, $2) })
      )
      counts.unmapCalls = 1
      let covered =
        rules.stretches || budget != .max ? min(reached, high) - from : to - from
      flush(covered, from, rules)
      return reached
    }
  }

  /// One unmap call over `[low, high)` that ends after `visits` callbacks, as a chunk.
  func unmapCall(_ low: Int64, _ high: Int64, visits: Int64, _ rules: StageTwoRules) -> NaiveChunk {
    counts = EventCounts()
    cleared = []
    budget = visits
    defer { budget = .max }
    let reached = walk(
      low,
      high,
      Callbacks(leaf: { self.clear($0, $1) }, post: { self.freeIfEmpty($0, $1, $2) })
    )
    counts.unmapCalls = 1
    let span = min(reached, high) - low
    flush(span, low, rules)
    return NaiveChunk(span: span, counts: counts)
  }

  private func clear(_ table: NaiveTable, _ index: Int) {
    counts.unmapVisits += 1
    switch table.slots[index] {
    case .hole, .table: counts.invalidVisits += 1
    case .annotated:
      counts.invalidVisits += 1
      table.slots[index] = .hole
      drop(table)
    case .leaf(let state):
      let bytes = size(table.level)
      cleared.append((cursor / bytes * bytes, bytes))
      counts.leavesCleared += 1
      if table.level < 3 { counts.blocksCleared += 1 }
      if state.cacheable { counts.dcCIVAC += bytes }
      table.slots[index] = .hole
      drop(table)
    }
  }

  private func freeIfEmpty(_ table: NaiveTable, _ index: Int, _ child: NaiveTable) {
    counts.unmapVisits += 1
    counts.tableVisits += 1
    guard child.references == 1 else { return }
    table.slots[index] = .hole
    drop(table)
    drop(child)
    counts.tablesFreed += 1
  }

  /// The flushes of one unmap call, from the kernel's rules alone.
  private func flush(_ covered: Int64, _ from: Int64, _ rules: StageTwoRules) {
    let features = rules.features
    if features.forcedWriteBack { counts.dcCIVAC = 0 } else { counts.dcCIVAC /= 64 }
    if rules.flush != .none, rules.flushesTablesAtOnce { counts.ipaFlushes = counts.tablesFreed }
    switch rules.flush {
    case .none: break
    case .perLeaf: counts.ipaFlushes += counts.leavesCleared
    case .vmidAbove(let leaves):
      if counts.leavesCleared > Int64(leaves) {
        counts.vmidFlushes += 1
      } else {
        counts.ipaFlushes += counts.leavesCleared
      }
    case .deferredRange: range(covered, from, rules)
    case .deferredIfCleared(.call): if !cleared.isEmpty { range(covered, from, rules) }
    case .deferredIfCleared(.clearedLeaves):
      let first = cleared.map(\.address).min()
      let last = cleared.map { $0.address + $0.size }.max()
      if let first, let last { range(last - first, first, rules) }
    }
    counts.tlbiIPAS2E1IS += counts.ipaFlushes
    counts.tlbiVMALLE1IS += counts.ipaFlushes
    counts.tlbiVMALLS12E1IS += counts.vmidFlushes
    let flushes = counts.ipaFlushes + counts.rangeFlushes + counts.vmidFlushes
    counts.dsbISH = 2 * flushes - counts.vmidFlushes
    counts.dsbISHST = flushes
    counts.isb = 4 * flushes
  }

  /// One VMID flush.
  func vmidFlush() {
    counts.vmidFlushes += 1
    counts.tlbiVMALLS12E1IS += 1
    counts.dsbISH += 1
    counts.dsbISHST += 1
    counts.isb += 4
  }

  /// One call of the range helper with its barriers.
  func rangeFlush(_ bytes: Int64, _ from: Int64, _ rules: StageTwoRules) {
    let before = (counts.rangeFlushes, counts.vmidFlushes)
    range(bytes, from, rules)
    if counts.vmidFlushes > before.1 {
      counts.tlbiVMALLS12E1IS += 1
      counts.dsbISH += 1
      counts.dsbISHST += 1
      counts.isb += 4
    }
    let calls = counts.rangeFlushes - before.0
    counts.dsbISH += 2 * calls
    counts.dsbISHST += calls
    counts.isb += 4 * calls
  }

  /// One call of the range helper, its instructions counted by covering page after page.
  private func range(_ bytes: Int64, _ from: Int64, _ rules: StageTwoRules) {
    counts.rangeFlushRequests += 1
    guard rules.features.rangeTLBI, rules.release.rangeEncoding != nil else {
      counts.vmidFlushes += 1
      return
    }
    let page = granule.page.rawValue
    var base = from / page
    var left = bytes / page
    while left > 0 {
      var pages = min(left, 1 << 21)
      left -= pages
      counts.rangeFlushes += 1
      counts.tlbiVMALLE1IS += 1
      let alignment = rules.features.largeAddresses ? max(1, 0x10000 / page) : 1
      while pages > 0, base % alignment != 0 {
        counts.tlbiIPAS2E1IS += 1
        (base, pages) = (base + 1, pages - 1)
      }
      base += pages
      if pages % 2 == 1 { counts.tlbiIPAS2E1IS += 1 }
      if pages >> 16 > 0 { counts.tlbiRIPAS2E1IS += 1 }
      for scale in Int64(0)...2 where (pages >> (5 * scale + 1)) & 31 > 0 {
        counts.tlbiRIPAS2E1IS += 1
      }
    }
  }

  func protect(_ low: Int64, _ high: Int64, _ rules: StageTwoRules) throws -> [NaiveChunk] {
    try chunks(low, high, rules) { [self] from, to in
      counts.wrprotectCalls = 1
      if case .visits(let visits) = rules.chunk { budget = Int64(visits) }
      defer { budget = .max }
      return walk(
        from,
        to,
        Callbacks(leaf: { table, index in
          self.counts.attrVisits += 1
          guard case .leaf(var state) = table.slots[index] else {
            self.counts.invalidVisits += 1
            return
          }
          if table.level < 3 { self.counts.blockVisits += 1 }
          if state.writable {
            self.counts.leavesProtected += 1
            if table.level < 3 { self.counts.blocksProtected += 1 }
          }
          state.writable = false
          table.slots[index] = .leaf(state)
        })
      )
    }
  }

  /// Destroy with the walker of 6.19: leaves keep their entry and lose their reference.
  func destroyChunked(_ rules: StageTwoRules) throws -> [NaiveChunk] {
    var rules = rules
    rules.chunk = .largestBlock
    return try chunks(0, geometry.space, rules) { [self] from, to in
      counts.destroyRangeCalls = 1
      return walk(
        from,
        to,
        Callbacks(
          leaf: { table, index in
            self.counts.freeVisits += 1
            if table.slots[index].isCounted { self.drop(table) }
            if case .leaf = table.slots[index] {
              self.counts.leavesDestroyed += 1
              if table.level < 3 { self.counts.blocksCleared += 1 }
            } else {
              self.counts.invalidVisits += 1
            }
          },
          post: { table, index, child in
            self.counts.freeVisits += 1
            self.counts.tableVisits += 1
            guard child.references == 1 else { return }
            table.slots[index] = .hole
            self.drop(table)
            self.drop(child)
            self.counts.tablesFreed += 1
          }
        )
      )
    }
  }

  /// Destroy with the walker up to 6.18: one walk, every counted entry drops its references.
  func destroyAtOnce() -> NaiveChunk {
    counts = EventCounts()
    counts.destroyCalls = 1
    walk(
      0,
      geometry.space,
      Callbacks(
        leaf: { table, index in
          self.counts.freeVisits += 1
          if table.slots[index].isCounted { self.drop(table) }
          if case .leaf = table.slots[index] {
            self.counts.leavesDestroyed += 1
            if table.level < 3 { self.counts.blocksCleared += 1 }
          } else {
            self.counts.invalidVisits += 1
          }
        },
        post: { table, _, child in
          self.counts.freeVisits += 1
          self.counts.tableVisits += 1
          self.drop(table)
          self.drop(child)
          self.counts.tablesFreed += 1
        }
      )
    )
    return NaiveChunk(span: geometry.space, counts: counts)
  }
}
