// SPDX-License-Identifier: GPL-3.0-or-later

/// Walks a tree of tables chunk by chunk, looking at each distinct table once.
///
/// Addresses are relative to the table at hand. Chunks are cut at multiples of a power of two,
/// so a chunk either lies inside one entry or is made of whole entries (and of the partly
/// covered ones at the range's two ends).
final class Sweeper<Rule: EntryRule> {
  let granule: Granule
  let startLevel: Int
  let rule: Rule
  /// Base-two logarithm of the chunk in bytes; 62 for one call over everything.
  let chunkShift: Int
  /// Whether a chunk that ends in a leaf or hole goes on to its end.
  let stretches: Bool
  /// Whether a chunk's start is recorded modulo 64 KiB, as LPA2 needs.
  let tracksResidue: Bool

  private var walked: [ObjectIdentifier: (tally: Tally, after: Table?)] = [:]
  private var swept: [ObjectIdentifier: Sweep] = [:]
  /// Keeps tables alive that were made on the way, so that their identity is not reused.
  private var kept: [Table] = []

  /// What a walk in chunks did to a table.
  struct Sweep {
    /// One tally a chunk; ends with the chunk in which the table vanished.
    var trail: RunTree<Tally>
    /// Whether the table was freed at the trail's end.
    var vanished: Bool
    /// The table afterwards, nil when it vanished.
    var after: Table?
  }

  init(
    geometry: StageTwoGeometry,
    rule: Rule,
    chunkShift: Int = 62,
    stretches: Bool = false,
    tracksResidue: Bool = false
  ) {
    granule = geometry.granule
    startLevel = geometry.startLevel
    self.rule = rule
    self.chunkShift = chunkShift
    self.stretches = stretches
    self.tracksResidue = tracksResidue
  }

  func shift(_ table: Table) -> Int64 { Int64(granule.shift(level: table.level)) }

  private func span(_ table: Table) -> Int64 { Int64(table.size) << shift(table) }

  /// Whether a table can be freed, and is reported after the walker left it.
  func isPosted(_ table: Table) -> Bool {
    rule.visitsTables && table.level > startLevel
  }

  // MARK: - One walker call

  /// One walker call over `[low, high)` of a table; `after` is nil when the table vanished.
  func walk(_ table: Table, _ low: Int64, _ high: Int64) -> (tally: Tally, after: Table?) {
    let whole = low == 0 && high == span(table)
    if whole, let known = walked[ObjectIdentifier(table)] { return known }
    let size = shift(table)
    var tally = Tally()
    if table.level >= startLevel { tally.tableLoops = 1 }
    var edit = Edit(table, first: Int(low >> size), last: Int((high - 1) >> size))
    forEachPiece(table, low, high) { piece in
      let (visited, entry) = visit(piece.entry, table.level, piece.low, piece.high)
      tally.add(
        visited.repeated(Int64(piece.count), stride: 1 << size),
        at: Int64(piece.index) << size
      )
      edit.append(entry, count: piece.count)
    }
    let result = (tally, settle(table, edit.finish()))
    if whole {
      kept.append(table)
      walked[ObjectIdentifier(table)] = result
    }
    return result
  }

  /// Visits one entry inside one walker call; the extent is relative to the entry's start.
  func visit(
    _ entry: Entry,
    _ level: Int,
    _ low: Int64,
    _ high: Int64
  ) -> (tally: Tally, after: Entry) {
    guard let child = entry.child else {
      var (after, tally) = rule.leaf(entry, level: level)
      guard after.child == nil else {
        let (below, last) = visit(after, level, low, high)
        tally.add(below)
        return (tally, last)
      }
      tally.span = high - low
      return (tally, after)
    }
    var (tally, after) = walk(child, low, high)
    if isPosted(child) { tally.add(rule.post(freed: after == nil)) }
    return (tally, after.map { .table($0) } ?? .hole)
  }

  /// The table after an edit: the same object where nothing changed, nil where nothing is left.
  func settle(_ table: Table, _ runs: [Run]) -> Table? {
    if isPosted(table), !runs.contains(where: { $0.entry.isCounted }) { return nil }
    return runs == table.runs ? table : Table(level: table.level, runs: runs)
  }

  // MARK: - Chunks

  /// Walks `[low, high)` of a table chunk by chunk.
  func sweep(_ table: Table, _ low: Int64, _ high: Int64) -> Sweep {
    let whole = low == 0 && high == span(table)
    if whole, let known = swept[ObjectIdentifier(table)] { return known }
    let result =
      chunkShift >= Int(shift(table)) ? sweepWide(table, low, high) : sweepDeep(table, low, high)
    if whole {
      kept.append(table)
      swept[ObjectIdentifier(table)] = result
    }
    return result
  }

  /// Chunks of one or more whole entries each.
  private func sweepWide(_ table: Table, _ low: Int64, _ high: Int64) -> Sweep {
    let size = shift(table)
    var edit = Edit(table, first: Int(low >> size), last: Int((high - 1) >> size))
    var chunks = ChunkAssembler(
      chunkShift: Int64(chunkShift),
      entryShift: size,
      start: low,
      tracksResidue: tracksResidue
    )
    if table.level >= startLevel { chunks.overhead.tableLoops = 1 }
    var lastRemoval: Int64 = 0
    forEachPiece(table, low, high) { piece in
      let (visited, entry) = visit(piece.entry, table.level, piece.low, piece.high)
      chunks.add(visited, piece)
      if entry == .hole, piece.entry != .hole { lastRemoval = chunks.lastTouched }
      edit.append(entry, count: piece.count)
    }
    return finish(table, edit.finish(), chunks.finish(), lastRemoval: lastRemoval)
  }

  /// Entries of several chunks each.
  private func sweepDeep(_ table: Table, _ low: Int64, _ high: Int64) -> Sweep {
    let size = shift(table)
    var edit = Edit(table, first: Int(low >> size), last: Int((high - 1) >> size))
    var trail = RunTree<Tally>()
    var lastRemoval: Int64 = 0
    forEachPiece(table, low, high) { piece in
      var (part, entry, removal) = sweepEntry(
        piece.entry,
        table.level,
        piece.low,
        piece.high
      )
      if table.level >= startLevel { part = part.map { $0.lookedOver() } }
      if let removal {
        lastRemoval = trail.count + part.count * Int64(piece.count - 1) + removal
      }
      trail.append(part, Int64(piece.count))
      edit.append(entry, count: piece.count)
    }
    return finish(table, edit.finish(), trail, lastRemoval: lastRemoval)
  }

  private func finish(
    _ table: Table,
    _ runs: [Run],
    _ trail: RunTree<Tally>,
    lastRemoval: Int64
  ) -> Sweep {
    guard let after = settle(table, runs) else {
      return Sweep(trail: trail.prefix(lastRemoval + 1), vanished: true, after: nil)
    }
    return Sweep(trail: trail, vanished: false, after: after)
  }

  /// Walks one entry larger than a chunk; `removal` is the chunk that emptied it, if any did.
  private func sweepEntry(
    _ entry: Entry,
    _ level: Int,
    _ low: Int64,
    _ high: Int64
  ) -> (trail: RunTree<Tally>, after: Entry, removal: Int64?) {
    guard let child = entry.child else { return sweepLeaf(entry, level, low, high) }
    let below = sweep(child, low, high)
    guard isPosted(child) else {
      return (below.trail, below.after.map { .table($0) } ?? .hole, nil)
    }
    var trail = below.trail
    let last = below.vanished ? trail.removeLast() : nil
    let busy = rule.post(freed: false)
    trail = trail.map { $0.plus(busy) }
    guard let last else { return (trail, below.after.map { .table($0) } ?? .hole, nil) }
    trail.append(last.plus(rule.post(freed: true)))
    let removal = trail.count - 1
    let reached = low + trail.sum(Int64(0), { $0.span }, { $0 += $1 * $2 })
    trail.append(revisits(.hole, level, reached, high))
    return (trail, .hole, removal)
  }

  /// A leaf or hole larger than a chunk: the first chunk changes it, the others meet the rest.
  private func sweepLeaf(
    _ entry: Entry,
    _ level: Int,
    _ low: Int64,
    _ high: Int64
  ) -> (trail: RunTree<Tally>, after: Entry, removal: Int64?) {
    var (after, tally) = rule.leaf(entry, level: level)
    var trail = RunTree<Tally>()
    if let child = after.child {
      let below = sweep(child, low, high)
      var rest = below.trail
      let first = rest.prefix(1).items
      rest = rest.droppingFirst()
      if case .one(let visited, _)? = first.first { tally.add(visited) }
      trail.append(tally)
      trail.append(rest)
      return (trail, below.after.map { .table($0) } ?? .hole, nil)
    }
    let boundary = stretches ? high : ((low >> Int64(chunkShift)) + 1) << Int64(chunkShift)
    let end = min(boundary, high)
    tally.span = end - low
    tally.extent = tally.extent.shifted(-low)
    if tracksResidue { tally.residue = low & 0xFFFF }
    trail.append(tally)
    trail.append(revisits(after, level, end, high))
    return (trail, after, entry.isCounted && !after.isCounted ? 0 : nil)
  }

  /// The chunks over the rest of an entry that was dealt with before.
  private func revisits(
    _ entry: Entry,
    _ level: Int,
    _ low: Int64,
    _ high: Int64
  ) -> RunTree<Tally> {
    var trail = RunTree<Tally>()
    guard low < high else { return trail }
    var tally = rule.leaf(entry, level: level).tally
    tally.extent = ClearedExtent()
    let chunk = stretches ? high - low : Int64(1) << Int64(chunkShift)
    tally.span = chunk
    let whole = (high - low) / chunk
    trail.append(tally, whole, start: low, shift: chunkShift, tracksResidue: tracksResidue)
    let end = low + whole * chunk
    tally.span = high - end
    guard end < high else { return trail }
    trail.append(tally, 1, start: end, shift: chunkShift, tracksResidue: tracksResidue)
    return trail
  }

  // MARK: - Pieces

  /// Cuts `[low, high)` of a table into pieces of equal entries and equal cover.
  private func forEachPiece(
    _ table: Table,
    _ low: Int64,
    _ high: Int64,
    _ body: (Piece) -> Void
  ) {
    let size = shift(table)
    let entryBytes = Int64(1) << size
    let last = Int((high - 1) >> size)
    var index = Int(low >> size)
    var position = table.runIndex(containing: index)
    while index <= last {
      let run = table.runs[position]
      let base = Int64(index) << size
      let start = max(low - base, 0)
      let end = min(high - base, entryBytes)
      var count = 1
      if start == 0, end == entryBytes {
        let wholeEnd = min(run.end, Int(high >> size))
        count = wholeEnd - index
      }
      body(Piece(entry: run.entry, index: index, count: count, low: start, high: end))
      index += count
      if index == run.end { position += 1 }
    }
  }
}

extension Tally {
  /// The tally with another's events, whose extent is relative to the same point.
  func plus(_ other: Self) -> Self {
    var sum = self
    sum.add(other)
    return sum
  }

  /// The tally of a call that also looped over one more table on its way.
  func lookedOver() -> Self {
    var tally = self
    tally.tableLoops += 1
    return tally
  }
}
