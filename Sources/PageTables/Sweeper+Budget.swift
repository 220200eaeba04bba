// SPDX-License-Identifier: GPL-3.0-or-later

// One walker call that ends on work.

extension Sweeper {
  /// One walker call from `low` on that goes no further than `high` and ends after `budget`
  /// callbacks; the tables it stands in then are still called back, so none is left empty.
  func walk(
    _ table: Table,
    _ low: Int64,
    _ high: Int64,
    budget: inout Int64
  ) -> (tally: Tally, after: Table?, reached: Int64) {
    let size = shift(table)
    var tally = Tally()
    if table.level >= startLevel { tally.tableLoops = 1 }
    let last = Int((high - 1) >> size)
    var index = Int(low >> size)
    var edit = Edit(table, first: index, last: index - 1)
    var reached = low
    while index <= last, budget > 0 {
      let base = Int64(index) << size
      let start = max(low - base, 0)
      let end = min(high - base, 1 << size)
      let run = table.runs[table.runIndex(containing: index)]
      let whole = start == 0 && end == 1 << size
      let cost = visits(run.entry)
      let fitting = whole ? min(min(run.end, Int(high >> size)) - index, Int(budget / cost)) : 0
      let count = max(1, fitting)
      let isEntered = run.entry.child != nil && fitting == 0
      let step =
        isEntered
        ? enter(run.entry, start, end, budget: &budget)
        : finishWhole(run.entry, table.level, start, end, count, cost, budget: &budget)
      tally.add(step.tally.repeated(Int64(count), stride: 1 << size), at: base)
      edit.append(step.after, count: count)
      reached = isEntered ? base + step.reached : base + Int64(count - 1) << size + end
      index += count
      if isEntered, step.reached < end { break }
    }
    return (tally, settle(table, edit.finish(at: index)), reached)
  }

  private func finishWhole(
    _ entry: Entry,
    _ level: Int,
    _ low: Int64,
    _ high: Int64,
    _ count: Int,
    _ cost: Int64,
    budget: inout Int64
  ) -> (tally: Tally, after: Entry, reached: Int64) {
    budget -= cost * Int64(count)
    let (tally, after) = visit(entry, level, low, high)
    return (tally, after, high)
  }

  private func enter(
    _ entry: Entry,
    _ low: Int64,
    _ high: Int64,
    budget: inout Int64
  ) -> (tally: Tally, after: Entry, reached: Int64) {
    guard let child = entry.child else { return (Tally(), entry, high) }
    var (tally, after, reached) = walk(child, low, high, budget: &budget)
    if isPosted(child) {
      budget -= 1
      tally.add(rule.post(freed: after == nil))
    }
    return (tally, after.map { .table($0) } ?? .hole, reached)
  }

  /// Callbacks of this rule on a whole entry and everything below it.
  func visits(_ entry: Entry) -> Int64 {
    guard let child = entry.child else { return 1 }
    guard rule.visitsTables else { return child.visits - child.tables }
    return child.visits + (isPosted(child) ? 1 : 0)
  }
}
