// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Quantities

/// One table of the twin: every entry is an object of its own place.
final class NaiveTable {
  enum Slot {
    case hole
    case annotated
    case leaf(LeafState)
    case table(NaiveTable)

    var isCounted: Bool { if case .hole = self { false } else { true } }

    var child: NaiveTable? { if case .table(let child) = self { child } else { nil } }
  }

  let level: Int
  var slots: [Slot]
  /// References on the table's page: one for itself and one for each entry that is not zero.
  var references = 1

  init(level: Int, size: Int) {
    self.level = level
    slots = Array(repeating: .hole, count: size)
  }
}

/// Stage-2 tables that are walked entry by entry, as the kernel does, to check the fast ones.
///
/// Slow on purpose: no run, no memo, no arithmetic over repeats. A benchmark builds this file and the
/// operations' as well, in release, so they need no inside of the room.
final class NaiveTwin {
  let geometry: StageTwoGeometry
  var roots: [NaiveTable]
  /// What the walker counted since the last reset.
  var counts = EventCounts()
  /// Flush operations since the last reset.
  var cleared: [(address: Int64, size: Int64)] = []
  /// Callbacks that may still be made; the walk's end moves to the cursor when it is used up.
  var budget = Int64.max
  var cursor: Int64 = 0
  var end: Int64 = 0

  var granule: Granule { geometry.granule }

  init(geometry: StageTwoGeometry) {
    self.geometry = geometry
    roots = (0..<geometry.rootPages).map { _ in
      NaiveTable(level: geometry.startLevel, size: geometry.granule.entriesPerTable)
    }
  }

  func size(_ level: Int) -> Int64 { Int64(1) << Int64(granule.shift(level: level)) }

  // MARK: - The walker

  struct Callbacks {
    var pre: ((NaiveTable, Int) -> Void)?
    var leaf: (NaiveTable, Int) -> Void
    var post: ((NaiveTable, Int, NaiveTable) -> Void)?
    var rereadsAfterPre = true
  }

  /// One walker call; returns where the cursor came to stand.
  @discardableResult
  func walk(_ low: Int64, _ high: Int64, _ callbacks: Callbacks) -> Int64 {
    counts.walkCalls += 1
    cursor = low
    end = high
    let pageSpan = size(geometry.startLevel - 1)
    while cursor < end {
      let root = roots[Int(cursor / pageSpan)]
      walk(root, Int(cursor / size(root.level)) % root.slots.count, callbacks)
    }
    return cursor
  }

  private func walk(_ table: NaiveTable, _ first: Int, _ callbacks: Callbacks) {
    counts.tableLoops += 1
    let bytes = size(table.level)
    var index = first
    while index < table.slots.count, cursor < end {
      if table.slots[index].child != nil {
        callbacks.pre?(table, index)
      } else {
        callbacks.leaf(table, index)
        spend()
      }
      guard let child = table.slots[index].child else {
        cursor = cursor / bytes * bytes + bytes
        if budget <= 0 { end = min(end, cursor) }
        index += 1
        continue
      }
      let bytesBelow = size(child.level)
      walk(child, Int(cursor / bytesBelow) % child.slots.count, callbacks)
      if let post = callbacks.post {
        post(table, index, child)
        spend()
        if budget <= 0 { end = min(end, cursor) }
      }
      index += 1
    }
  }

  private func spend() { if budget != Int64.max { budget -= 1 } }

  // MARK: - Layouts

  /// Puts leaves of one level over a range that is known to be free.
  func map(_ low: Int64, _ high: Int64, level: Int, state: LeafState = LeafState()) {
    let bytes = size(level)
    var address = low
    while address < high {
      var table = roots[Int(address / size(geometry.startLevel - 1))]
      while table.level < level {
        let index = Int(address / size(table.level)) % table.slots.count
        if table.slots[index].child == nil {
          table.slots[index] = .table(
            NaiveTable(level: table.level + 1, size: granule.entriesPerTable)
          )
          table.references += 1
        }
        guard let child = table.slots[index].child else { return }
        table = child
      }
      table.slots[Int(address / bytes) % table.slots.count] = .leaf(state)
      table.references += 1
      address += bytes
    }
  }

  /// Every run of equal entries as the walk of the whole space would meet it.
  func layout() -> [LayoutRun] {
    var runs: [LayoutRun] = []
    for (index, root) in roots.enumerated() {
      describe(root, Int64(index) * size(geometry.startLevel - 1), into: &runs)
    }
    return runs
  }

  private func describe(_ table: NaiveTable, _ base: Int64, into runs: inout [LayoutRun]) {
    let bytes = size(table.level)
    var counted = 0
    for (index, slot) in table.slots.enumerated() where slot.isCounted {
      counted += 1
      let address = base + Int64(index) * bytes
      runs.add(LayoutRun(address: address, level: table.level, kind: slot.kind), bytes)
      if let child = slot.child { describe(child, address, into: &runs) }
    }
    // The references must say what is there; a table that lies is as wrong as a layout.
    if table.references != counted + 1 {
      runs.append(LayoutRun(address: base, level: table.level, kind: -1, count: counted))
    }
  }
}

/// Equal entries side by side in one table.
struct LayoutRun: Hashable {
  let address: Int64
  let level: Int
  /// 0 annotated, 1 table, from 2 on leaves by state; -1 a wrong reference count.
  let kind: Int
  var count = 1

  static func kind(_ state: LeafState) -> Int {
    2 + (state.writable ? 1 : 0) + (state.cacheable ? 2 : 0)
  }
}

extension [LayoutRun] {
  /// Adds an entry of so many bytes, to the run before it where it continues that.
  mutating func add(_ run: LayoutRun, _ bytes: Int64) {
    if let last, run.kind > 1, last.kind == run.kind, last.level == run.level,
      last.address + Int64(last.count) * bytes == run.address
    {
      self[count - 1].count += run.count
    } else {
      append(run)
    }
  }
}

extension NaiveTable.Slot {
  fileprivate var kind: Int {
    switch self {
    case .hole, .annotated: 0
    case .leaf(let state): LayoutRun.kind(state)
    case .table: 1
    }
  }
}
