// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// Walks a small layout entry by entry and says what hardware would see: slow, literal, and apart
/// from the counting engine.
final class EventWalker {
  private enum Slot {
    case leaf
    /// A leaf whose reference was dropped without clearing it (destroy from 6.19).
    case droppedLeaf
    case table(Node)
  }

  private final class Node {
    let identity: Int
    let level: Int
    let base: Int64
    var slots: [Int: Slot] = [:]
    var references = 1

    init(identity: Int, level: Int, base: Int64) {
      (self.identity, self.level, self.base) = (identity, level, base)
    }
  }

  let geometry: StageTwoGeometry
  let discipline: BatchDiscipline
  private(set) var events: [WalkEvent] = []
  private let root: Node
  private var tables = 0
  private var cursor: Int64 = 0
  /// What the call cleared, and what waits for its flush.
  private var cleared: [(span: Range<Int64>, cursor: Int64)] = []
  private var waitingCleans: [Range<Int64>] = []
  private var waitingTables: [Int] = []
  private var isFlushDue = false
  /// Where an outside fault puts a page at the first break, if anywhere.
  var faultAtBreak: Int64?
  private var emptyParts: [Range<Int64>] = []

  init(geometry: StageTwoGeometry, discipline: BatchDiscipline, mappings: [Mapping]) {
    self.geometry = geometry
    self.discipline = discipline
    // One node for all root pages: nothing here depends on where they are divided.
    root = Node(identity: 0, level: geometry.startLevel, base: 0)
    for mapping in mappings {
      let size = span(mapping.level)
      var address = Int64(mapping.range.start.rawValue)
      while address < Int64(mapping.range.end.rawValue) {
        install(address, level: mapping.level)
        address += size
      }
    }
  }

  private func span(_ level: Int) -> Int64 {
    Int64(1) << Int64(geometry.granule.shift(level: level))
  }

  private func install(_ address: Int64, level: Int) {
    var node = root
    while node.level < level {
      let index = Int((address - node.base) / span(node.level))
      if case .table(let child)? = node.slots[index] {
        node = child
        continue
      }
      tables += 1
      let base = address / span(node.level) * span(node.level)
      let child = Node(identity: tables, level: node.level + 1, base: base)
      node.slots[index] = .table(child)
      node.references += 1
      node = child
    }
    node.slots[Int((address - node.base) / span(level))] = .leaf
    node.references += 1
  }

  // MARK: - Operations

  /// Unmaps a range that the caller frees afterwards.
  func unmap(_ range: Range<Int64>) {
    chunks(range) { self.visitUnmap(self.root, $0) }
  }

  /// Write-protects a range and flushes as the release does after the lock was dropped.
  func protect(_ range: Range<Int64>) {
    visitLeaves(root, range) { node, index, span in
      self.events.append(.protected(span, level: node.level))
    }
    if !discipline.flushesAfterReturn { flushSlot(range) }
    events.append(.returned(range, leftLeaf: false))
    if discipline.flushesAfterReturn { flushSlot(range) }
  }

  /// Replaces the table over an address by a block, as a fault does after logging was turned off.
  func rebuildBlock(at address: Int64) {
    let size = span(2)
    let block = address / size * size..<address / size * size + size
    cursor = address
    visitLeaves(root, block) { node, _, span in
      self.events.append(.cleared(span, level: node.level))
    }
    let start = discipline.extent == .cursor ? address : block.lowerBound
    flushRange(start..<start + size)
    events.append(.installed(block))
  }

  /// Frees the tables of a range chunk by chunk, or at once.
  func destroy(_ range: Range<Int64>) {
    let whole = range.upperBound - range.lowerBound
    let chunk =
      discipline.rules.destroy == .chunked
      ? discipline.destroyChunk ?? geometry.granule.largestBlock.rawValue : whole
    var start = range.lowerBound
    while start < range.upperBound {
      let end = min(start + chunk, range.upperBound)
      visitDestroy(root, start..<end)
      start = end
    }
  }

  // MARK: - Chunks

  private func chunks(_ range: Range<Int64>, _ call: (Range<Int64>) -> Void) {
    if discipline.remembersEmptyParts { emptyParts = parts(of: range).filter { isEmpty($0) } }
    var start = range.lowerBound
    while start < range.upperBound {
      let limit = chunkEnd(start, range.upperBound)
      var end = limit
      if start == range.lowerBound || !emptyParts.contains(where: { $0.lowerBound == start }) {
        cursor = start
        cleared = []
        call(start..<limit)
        if discipline.rules.stretches { end = min(max(limit, cursor), range.upperBound) }
        endOfCall(start..<end)
      }
      start = end
      if start < range.upperBound { breakLock(range.lowerBound..<start) }
    }
    finish(range)
  }

  private func chunkEnd(_ start: Int64, _ end: Int64) -> Int64 {
    guard let shift = (try? discipline.rules.chunkShift(geometry)) ?? nil else { return end }
    return min(((start >> Int64(shift)) + 1) << Int64(shift), end)
  }

  private func parts(of range: Range<Int64>) -> [Range<Int64>] {
    var parts: [Range<Int64>] = []
    var start = range.lowerBound
    while start < range.upperBound {
      let end = chunkEnd(start, range.upperBound)
      parts.append(start..<end)
      start = end
    }
    return parts
  }

  private func isEmpty(_ range: Range<Int64>) -> Bool {
    var isEmpty = true
    visitLeaves(root, range) { _, _, _ in isEmpty = false }
    return isEmpty
  }

  private func breakLock(_ done: Range<Int64>) {
    events.append(.lockDropped(done, admitsFaults: discipline.admitsFaults))
    guard let address = faultAtBreak else { return }
    faultAtBreak = nil
    install(address, level: 3)
  }

  private func endOfCall(_ call: Range<Int64>) {
    isFlushDue = isFlushDue || !cleared.isEmpty
    if discipline.carriesFlush {
      carried += cleared.map(\.span)
    } else if !discipline.flushesAfterReturn {
      flushCall(call)
      release()
    }
  }

  private var carried: [Range<Int64>] = []

  private func finish(_ range: Range<Int64>) {
    let leftLeaf = !isEmpty(range)
    if discipline.flushesAfterReturn {
      events.append(.returned(range, leftLeaf: leftLeaf))
      flushRange(range)
      return release()
    }
    if discipline.carriesFlush, !carried.isEmpty {
      flushRange(range)
      carried = []
      release()
    }
    events.append(.returned(range, leftLeaf: leftLeaf))
  }

  /// What waited for the flush: cleans and table pages.
  private func release() {
    events += waitingCleans.map { .cleaned($0) } + waitingTables.map { .freed(table: $0) }
    waitingCleans = []
    waitingTables = []
  }

  // MARK: - Flushes

  private func flushCall(_ call: Range<Int64>) {
    switch discipline.rules.flush {
    case .none, .perLeaf: break
    case .deferredRange: flushRange(call)
    case .deferredIfCleared(.call): if !cleared.isEmpty { flushRange(call) }
    case .deferredIfCleared(.clearedLeaves): flushCleared()
    case .vmidAbove(let leaves):
      guard cleared.count > leaves else {
        for entry in cleared {
          events.append(.flushEntry(at: entry.span.lowerBound, hint: nil, isLeaf: true))
        }
        return
      }
      events.append(.flushAll)
    }
  }

  private func flushCleared() {
    let low = cleared.map { discipline.extent == .cursor ? $0.cursor : $0.span.lowerBound }.min()
    let high = cleared.map {
      discipline.extent == .cursor
        ? $0.cursor + Int64($0.span.count) : $0.span.upperBound
    }.max()
    if let low, let high { flushRange(low..<high) }
  }

  private func flushSlot(_ range: Range<Int64>) {
    switch discipline.rules.release.slotFlush {
    case .vmid: events.append(.flushAll)
    case .range: flushRange(range)
    }
  }

  /// A range flush as the release encodes it; a VMID flush without FEAT_TLBIRANGE.
  private func flushRange(_ range: Range<Int64>) {
    guard discipline.rules.features.rangeTLBI,
      let encoding = discipline.rules.release.rangeEncoding
    else { return events.append(.flushAll) }
    let page = geometry.granule.page.rawValue
    var start = range.lowerBound
    while start < range.upperBound {
      let end = min(start + RangeEncoding.pageLimit * page, range.upperBound)
      let pages = (end - start) / page
      let covered = pages - encoding.operations(pages: pages).uncovered
      // Zero was "no hint" up to 6.7; from 6.8 to 6.9-rc2 a flush of unknown level named level 0.
      events.append(
        .flushRange(
          start..<start + covered * page,
          meant: start..<end,
          hint: discipline.rangeHint
        )
      )
      start = end
    }
  }

  // MARK: - Visits

  /// Calls back for every leaf that a range meets.
  private func visitLeaves(
    _ node: Node,
    _ range: Range<Int64>,
    _ body: (Node, Int, Range<Int64>) -> Void
  ) {
    for (index, slot) in node.slots.sorted(by: { $0.key < $1.key }) {
      let base = node.base + Int64(index) * span(node.level)
      let entry = base..<base + span(node.level)
      guard entry.overlaps(range) else { continue }
      switch slot {
      case .leaf: body(node, index, entry)
      case .droppedLeaf: break
      case .table(let child): visitLeaves(child, range, body)
      }
    }
  }

  private func visitUnmap(_ node: Node, _ range: Range<Int64>) {
    let size = span(node.level)
    var index = Int((max(cursor, node.base) - node.base) / size)
    let count = node.level == geometry.startLevel ? Int.max : geometry.granule.entriesPerTable
    while index < count, cursor < range.upperBound {
      let base = node.base + Int64(index) * size
      let met = cursor
      switch node.slots[index] {
      case .table(let child):
        visitUnmap(child, range)
        if child.references == 1 { free(child, in: node, index, met) }
      case .leaf, .droppedLeaf:
        clear(node, index, base..<base + size)
        cursor = base + size
      case nil: cursor = base + size
      }
      index += 1
    }
  }

  private func clear(_ node: Node, _ index: Int, _ span: Range<Int64>) {
    events.append(.cleared(span, level: node.level))
    cleared.append((span, cursor))
    node.slots[index] = nil
    node.references -= 1
    let isPerLeaf = discipline.rules.flush == .perLeaf
    if isPerLeaf, !discipline.carriesFlush, !discipline.flushesAfterReturn {
      let hint = discipline.rules.features.levelHint ? node.level : nil
      events.append(.flushEntry(at: cursor, hint: hint, isLeaf: true))
    }
    guard !discipline.rules.features.forcedWriteBack else { return }
    if discipline.cleansAfterFlush {
      waitingCleans.append(span)
    } else {
      events.append(.cleaned(span))
    }
  }

  private func free(_ child: Node, in node: Node, _ index: Int, _ address: Int64) {
    let base = node.base + Int64(index) * span(node.level)
    events.append(.unlinked(table: child.identity, base..<base + span(node.level)))
    node.slots[index] = nil
    node.references -= 1
    switch discipline.tableFree {
    case .afterOwnFlush:
      if discipline.rules.flush != .none {
        let hint = discipline.tableHint == .tableLevel ? node.level : nil
        events.append(.flushEntry(at: address, hint: hint, isLeaf: false))
      }
      events.append(.freed(table: child.identity))
    case .beforeFlush: events.append(.freed(table: child.identity))
    case .afterCallFlush: waitingTables.append(child.identity)
    }
  }

  private func visitDestroy(_ node: Node, _ range: Range<Int64>) {
    for (index, slot) in node.slots.sorted(by: { $0.key < $1.key }) {
      let base = node.base + Int64(index) * span(node.level)
      guard (base..<base + span(node.level)).overlaps(range) else { continue }
      switch slot {
      case .leaf:
        node.references -= 1
        node.slots[index] = .droppedLeaf
      case .droppedLeaf: events.append(.droppedTwice)
      case .table(let child):
        visitDestroy(child, range)
        guard child.references == 1 || !discipline.destroyCountsReferences else { continue }
        if child.references > 1 { events.append(.freedInUse) }
        node.references -= 1
        node.slots[index] = nil
      }
    }
  }
}
