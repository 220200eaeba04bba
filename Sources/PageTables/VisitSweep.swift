// SPDX-License-Identifier: GPL-3.0-or-later

/// Walks tables in calls that end after so many callbacks, looking once at each distinct table and
/// number of callbacks that are left where a call comes to it.
///
/// It does what a loop of `Sweeper.walk(_:_:_:budget:)` does, call by call. Addresses are relative to
/// the table at hand.
final class VisitSweep<Rule: EntryRule> {
  private struct Key: Hashable {
    let table: ObjectIdentifier
    let left: Int64
  }

  private let sweeper: Sweeper<Rule>
  private let visits: Int64
  private let tracksResidue: Bool
  private var known: [Key: VisitPart] = [:]
  /// What the tables above add to a call that begins and ends in a table, by its level.
  private var above: [Int: Tally] = [:]

  /// Creates a sweep of calls of at least one callback each.
  init(sweeper: Sweeper<Rule>, visits: Int64, tracksResidue: Bool) {
    precondition(visits > 0, "a call visits something")
    (self.sweeper, self.visits, self.tracksResidue) = (sweeper, visits, tracksResidue)
  }

  /// The calls over a range of the list of root pages, one tally each, and the list afterwards.
  func sweep(
    _ root: Table,
    _ low: Int64,
    _ high: Int64
  ) -> (calls: RunTree<Tally>, after: Table?) {
    let part = walk(root, low, high, left: visits)
    var calls = RunTree<Tally>()
    var first = part.first
    if tracksResidue { first.residue = low & 0xFFFF }
    calls.append(first)
    calls.append(part.calls)
    if let last = part.last { calls.append(last) }
    return (calls, part.after)
  }

  private func walk(_ table: Table, _ low: Int64, _ high: Int64, left: Int64) -> VisitPart {
    let size = sweeper.shift(table)
    var flow = VisitFlow(
      table,
      entryShift: size,
      first: Int(low >> size),
      last: Int((high - 1) >> size),
      loops: table.level >= sweeper.startLevel ? 1 : 0,
      canVanish: sweeper.isPosted(table)
    )
    (flow.visits, flow.left, flow.tracksResidue) = (visits, left, tracksResidue)
    flow.above = added(above: table)
    while flow.isOpen {
      let base = Int64(flow.index) << size
      let (start, end) = (max(low - base, 0), min(high - base, 1 << size))
      let run = table.runs[table.runIndex(containing: flow.index)]
      let isWhole = start == 0 && end == 1 << size
      let count = isWhole ? min(run.end, Int(high >> size)) - flow.index : 1
      let piece = Piece(
        entry: run.entry,
        index: flow.index,
        count: count,
        low: start,
        high: end
      )
      if run.entry.child == nil {
        visitLeaves(piece, table.level, &flow)
      } else if isWhole {
        visitTables(piece, table.level, &flow)
      } else if let child = run.entry.child {
        var part = walk(child, start, end, left: flow.left)
        dress(&part, child)
        enter(part, end, table.level, &flow)
      }
    }
    return flow.part(end: high) { sweeper.settle(table, $0) }
  }

  /// Equal leaves or holes: calls of as many as each has callbacks left.
  private func visitLeaves(_ piece: Piece, _ level: Int, _ flow: inout VisitFlow) {
    let (tally, after) = sweeper.visit(piece.entry, level, piece.low, piece.high)
    var rest = Int64(piece.count)
    while rest > 0, flow.vanishedAt == nil {
      if flow.open.span == 0, flow.hasEnded, rest > visits {
        let whole = (rest - 1) / visits
        flow.appendCalls(of: tally, after, whole)
        rest -= whole * visits
      }
      let taken = min(rest, flow.left)
      flow.take(tally, taken, skipping: piece.low)
      flow.left -= taken
      rest -= taken
      flow.pass(Int(taken), after)
    }
  }

  /// Equal tables that are covered whole; where calls meet them alike again, they repeat.
  private func visitTables(_ piece: Piece, _ level: Int, _ flow: inout VisitFlow) {
    let cost = sweeper.visits(piece.entry)
    let goal = piece.index + piece.count
    var cycle = VisitCycle()
    while flow.index < goal, flow.vanishedAt == nil {
      if flow.hasEnded, let period = cycle.period(flow) {
        let times = (goal - flow.index - 1) / period.entries
        flow.repeatLastCalls(period.calls, period.entries, times)
      }
      if flow.left >= cost {
        let fitting = min(Int64(goal - flow.index), flow.left / cost)
        let (tally, after) = sweeper.visit(piece.entry, level, 0, piece.high)
        flow.take(tally, fitting)
        flow.left -= fitting * cost
        flow.pass(Int(fitting), after)
      } else if let child = piece.entry.child {
        enter(entered(child, left: flow.left), piece.high, level, &flow)
      }
    }
  }

  /// One table that the open call comes to and does not get past.
  private func enter(_ part: VisitPart, _ end: Int64, _ level: Int, _ flow: inout VisitFlow) {
    flow.compose(part)
    guard part.reached < end else { return flow.pass(1, part.after.map { .table($0) } ?? .hole) }
    // The table vanished under a call that ended; the next one meets a hole in its place.
    flow.endCall(at: Int64(flow.index) << flow.entryShift + part.reached, next: flow.index + 1)
    guard flow.vanishedAt == nil else { return flow.keep(.hole, 1) }
    let hole = sweeper.visit(.hole, level, part.reached, end)
    flow.take(hole.tally, 1, skipping: part.reached)
    flow.left -= 1
    flow.pass(1, hole.after)
  }

  private func entered(_ child: Table, left: Int64) -> VisitPart {
    let key = Key(table: ObjectIdentifier(child), left: left)
    if let found = known[key] { return found }
    var part = walk(child, 0, Int64(child.size) << sweeper.shift(child), left: left)
    dress(&part, child)
    known[key] = part
    return part
  }

  /// Adds what the table above does for the calls that are open at either end: a loop, and a
  /// callback after the descent.
  private func dress(_ part: inout VisitPart, _ child: Table) {
    let isPosted = sweeper.isPosted(child)
    let end = isPosted ? sweeper.rule.post(freed: part.after == nil) : Tally()
    if part.last == nil {
      part.first.add(end)
    } else {
      if isPosted { part.first.add(sweeper.rule.post(freed: false)) }
      part.last?.add(end)
      part.last?.tableLoops += child.level > sweeper.startLevel ? 1 : 0
    }
    if isPosted { part.left -= 1 }
  }

  /// What all tables above one add to a call that begins and ends in it: a loop each, and a
  /// callback where the call leaves them in use.
  private func added(above table: Table) -> Tally {
    if let known = above[table.level] { return known }
    var tally = sweeper.rule.visitsTables ? sweeper.rule.post(freed: false) : Tally()
    tally.tableLoops += 1
    let tables = max(0, table.level - sweeper.startLevel)
    tally = tally.repeated(Int64(tables), stride: 0)
    above[table.level] = tally
    return tally
  }
}

/// What calls did to a table that an open call came to.
struct VisitPart {
  /// What the open call did, up to its end or the table's; relative to where it came in.
  var first: Tally
  /// Calls begun and ended inside of the table, with what the tables above it add to them.
  let calls: RunTree<Tally>
  /// What the call did that is open at the end; nil where that is `first`.
  var last: Tally?
  /// Callbacks that are left to the open call; zero or less where it ends here.
  var left: Int64
  /// Where the calls stand: before the end only where the table vanished on the way.
  let reached: Int64
  /// The table afterwards, nil where it vanished.
  let after: Table?
}

/// Where calls are inside of one table, and what they did there.
private struct VisitFlow {
  let entryShift: Int64
  private let last: Int
  /// One where a call that works in the table loops over it.
  private let loops: Int64
  private let canVanish: Bool
  /// The last entry that held a reference before the walk.
  private let lastCounted: Int
  /// Callbacks of a call.
  var visits: Int64 = 1
  /// Callbacks that are left to the open call.
  var left: Int64 = 1
  var tracksResidue = false
  /// What the tables above add to each call that begins and ends here.
  var above = Tally()
  /// The next entry.
  private(set) var index: Int
  /// What the open call did so far.
  private(set) var open = Tally()
  /// What the call did that was open at the start, once it has ended.
  private var first: Tally?
  /// The calls that began and ended here.
  private(set) var calls = RunTree<Tally>()
  private var edit: Edit
  /// Whether some entry that the calls are past holds a reference still.
  private var survives: Bool
  /// Where the table was freed before its end.
  private(set) var vanishedAt: Int64?

  init(
    _ table: Table,
    entryShift: Int64,
    first: Int,
    last: Int,
    loops: Int64,
    canVanish: Bool
  ) {
    (self.entryShift, self.last, self.loops) = (entryShift, last, loops)
    self.canVanish = canVanish
    lastCounted = table.runs.last { $0.entry.isCounted }.map { $0.end - 1 } ?? -1
    survives = table.runs.contains { $0.start < first && $0.entry.isCounted }
    index = first
    edit = Edit(table, first: first, last: last)
    open.tableLoops = loops
  }

  var isOpen: Bool { index <= last && vanishedAt == nil }

  /// Whether the call that was open at the start has ended.
  var hasEnded: Bool { first != nil }

  /// Adds equal entries to the open call; of the first, `skipping` bytes lie before it.
  mutating func take(_ tally: Tally, _ count: Int64, skipping: Int64 = 0) {
    open.add(tally.repeated(count, stride: 1 << entryShift), at: open.span - skipping)
  }

  /// Adds what the open call, and those after it, did in a table below.
  mutating func compose(_ part: VisitPart) {
    open.add(part.first, at: open.span)
    left = part.left
    guard let last = part.last else { return }
    close()
    calls.appendShared(part.calls)
    open = last
  }

  /// Goes past entries; ends the call where it has nothing left.
  mutating func pass(_ count: Int, _ after: Entry) {
    keep(after, count)
    index += count
    if left <= 0, index <= last { endCall(at: Int64(index) << entryShift, next: index) }
  }

  mutating func keep(_ after: Entry, _ count: Int) {
    edit.append(after, count: count)
    if after.isCounted { survives = true }
  }

  /// Ends the open call at a place before the table's end; `next` is the first entry that may
  /// still hold a reference.
  mutating func endCall(at place: Int64, next: Int) {
    if canVanish, !survives, next > lastCounted {
      vanishedAt = place
    } else {
      close()
      open = fresh(at: place)
      left = visits
    }
  }

  private mutating func close() {
    if first == nil { first = open } else { calls.append(open.plus(above)) }
  }

  private func fresh(at place: Int64) -> Tally {
    var tally = Tally()
    tally.tableLoops = loops
    if tracksResidue { tally.residue = place & 0xFFFF }
    return tally
  }

  /// Whole calls over equal leaves, from where the open one has done nothing yet.
  mutating func appendCalls(of tally: Tally, _ after: Entry, _ count: Int64) {
    let span = visits << entryShift
    // Where a call starts modulo 64 KiB comes round again after so many calls.
    let cycled = Int64(0x10000) >> Int64(span.trailingZeroBitCount)
    let period = tracksResidue ? max(1, cycled) : 1
    var cycle = RunTree<Tally>()
    for step in 0..<period {
      var call = fresh(at: Int64(index) << entryShift + step * span)
      call.add(tally.repeated(visits, stride: 1 << entryShift))
      cycle.append(call.plus(above))
    }
    calls.append(cycle, count / period)
    calls.append(cycle.prefix(count % period))
    keep(after, Int(count * visits))
    index += Int(count * visits)
    open = fresh(at: Int64(index) << entryShift)
  }

  /// The last calls, over so many entries, again, `times` times: they come to all of them alike.
  mutating func repeatLastCalls(_ count: Int64, _ entries: Int, _ times: Int) {
    guard times > 0 else { return }
    calls.append(calls.suffix(count), Int64(times))
    edit.repeatLast(times * entries)
    index += times * entries
  }

  /// What came out; `settle` makes the table of its entries, or nil where it is freed.
  func part(end: Int64, _ settle: ([Run]) -> Table?) -> VisitPart {
    var edit = edit
    return VisitPart(
      first: first ?? open,
      calls: calls,
      last: first == nil ? nil : open,
      left: vanishedAt == nil ? left : 0,
      reached: vanishedAt ?? end,
      after: vanishedAt == nil ? settle(edit.finish()) : nil
    )
  }
}

/// Finds out when calls come to equal tables as they did before.
private struct VisitCycle {
  /// What was so when an open call last came to a table with so many callbacks left.
  private struct Mark {
    let open: Tally
    let index: Int
    let calls: Int64
  }

  private var marks: [Int64: Mark] = [:]
  private var isFound = false

  /// The calls and entries since the flow stood as it does now, the first time that it does.
  mutating func period(_ flow: VisitFlow) -> (calls: Int64, entries: Int)? {
    guard !isFound else { return nil }
    let mark = Mark(open: flow.open, index: flow.index, calls: flow.calls.count)
    guard let before = marks.updateValue(mark, forKey: flow.left), before.open == mark.open else {
      return nil
    }
    isFound = true
    return (mark.calls - before.calls, mark.index - before.index)
  }
}
