// SPDX-License-Identifier: GPL-3.0-or-later

/// Gathers the entries of a table into chunks of several entries.
struct ChunkAssembler {
  let chunkShift: Int64
  let entryShift: Int64
  let tracksResidue: Bool
  /// What every chunk that enters the table pays.
  var overhead = Tally()
  private var trail = RunTree<Tally>()
  private var open: Tally?
  private var openStart: Int64

  init(chunkShift: Int64, entryShift: Int64, start: Int64, tracksResidue: Bool) {
    self.chunkShift = chunkShift
    self.entryShift = entryShift
    self.tracksResidue = tracksResidue
    openStart = start
  }

  /// The number, counted from the first, of the chunk that the last entry fell into.
  private(set) var lastTouched: Int64 = 0

  /// Adds equal entries, `visited` being the tally of one of them.
  mutating func add(_ visited: Tally, _ piece: Piece) {
    let perChunk = Int64(1) << min(chunkShift - entryShift, 40)
    let entryBytes = Int64(1) << entryShift
    let isWhole = piece.low == 0 && piece.high == entryBytes
    var index = Int64(piece.index)
    var left = Int64(piece.count)
    if open != nil || index % perChunk != 0 || left < perChunk || !isWhole {
      let taken = min(left, perChunk - index % perChunk)
      fill(visited, index: index, count: taken)
      index += taken
      left -= taken
      if index % perChunk == 0, piece.high == entryBytes { close(next: index) }
    }
    let whole = left / perChunk
    if whole > 0 {
      var tally = visited.repeated(perChunk, stride: entryBytes)
      tally.add(overhead)
      append(tally, whole, start: index << entryShift)
      index += whole * perChunk
      openStart = index << entryShift
      left -= whole * perChunk
    }
    if left > 0 { fill(visited, index: index, count: left) }
  }

  private mutating func fill(_ visited: Tally, index: Int64, count: Int64) {
    if open == nil { open = overhead }
    lastTouched = trail.count
    open?.add(
      visited.repeated(count, stride: 1 << entryShift),
      at: index << entryShift - openStart
    )
  }

  private mutating func close(next index: Int64) {
    guard let tally = open else { return }
    append(tally, 1, start: openStart)
    open = nil
    openStart = index << entryShift
  }

  private mutating func append(_ tally: Tally, _ repeats: Int64, start: Int64) {
    trail.append(
      tally,
      repeats,
      start: start,
      shift: Int(chunkShift),
      tracksResidue: tracksResidue
    )
    lastTouched = trail.count - 1
  }

  mutating func finish() -> RunTree<Tally> {
    close(next: 0)
    return trail
  }
}

extension RunTree<Tally> {
  /// Adds equal chunks; where LPA2 is in use, chunks under 64 KiB differ by where they start.
  mutating func append(
    _ tally: Tally,
    _ repeats: Int64,
    start: Int64,
    shift: Int,
    tracksResidue: Bool
  ) {
    guard tracksResidue else { return append(tally, repeats) }
    var tally = tally
    tally.residue = start & 0xFFFF
    guard shift < 16, repeats > 1 else { return append(tally, repeats) }
    let period = Int64(0x10000) >> Int64(shift)
    var cycle = RunTree()
    for step in 0..<period {
      tally.residue = (start + step << Int64(shift)) & 0xFFFF
      cycle.append(tally)
    }
    append(cycle, repeats / period)
    append(cycle.prefix(repeats % period))
  }
}
