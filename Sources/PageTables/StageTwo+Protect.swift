// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

extension StageTwo {
  /// Write-protects a memory slot whole, as enabling dirty logging does, and flushes afterwards.
  ///
  /// Chunks are those of the release unless the rules say otherwise; the flush over the whole
  /// slot, after the lock was dropped, is the sequence's epilogue.
  public mutating func writeProtect(
    slot: AddressRange,
    _ rules: StageTwoRules
  ) throws(PageTableError) -> ChunkSequence {
    var sequence = ChunkSequence(
      chunks: try protect(slot, rules),
      mayYield: rules.mayYield
    )
    sequence.epilogue = slotFlush(slot, rules)
    return sequence
  }

  /// The walker calls that write-protect a range, without a flush.
  mutating func protect(
    _ range: AddressRange,
    _ rules: StageTwoRules
  ) throws(PageTableError) -> RunTree<Chunk> {
    try geometry.check(range)
    guard let shift = try rules.chunkShift(geometry) else {
      let sweeper = Sweeper(geometry: geometry, rule: ProtectEntries())
      return walkByVisits(range, rules, sweeper: sweeper).map(protectChunk)
    }
    let sweeper = Sweeper(
      geometry: geometry,
      rule: ProtectEntries(),
      chunkShift: shift,
      stretches: rules.stretches
    )
    let sweep = sweeper.sweep(root, Int64(range.start.rawValue), Int64(range.end.rawValue))
    if let after = sweep.after { root = after }
    return sweep.trail.map(protectChunk)
  }

  /// The flush that ends a write-protect of a slot: whole VMID up to 6.5, the slot's range from
  /// 6.6 on.
  func slotFlush(_ slot: AddressRange, _ rules: StageTwoRules) -> EventCounts {
    let sequences = rules.sequences(geometry.granule)
    var counts = EventCounts()
    switch rules.release.slotFlush {
    case .vmid: sequences.vmid(1, into: &counts)
    case .range:
      sequences.range(
        bytes: slot.size.rawValue,
        residue: Int64(slot.start.rawValue & 0xFFFF),
        into: &counts
      )
    }
    return counts
  }
}

/// The events of one write-protect call.
private func protectChunk(_ tally: Tally) -> Chunk {
  var counts = EventCounts()
  counts.walkCalls = 1
  counts.wrprotectCalls = 1
  counts.tableLoops = tally.tableLoops
  counts.attrVisits = tally.leafVisits
  counts.invalidVisits = tally.invalidVisits
  counts.leavesProtected = tally.changed
  counts.blocksProtected = tally.changedBlocks
  counts.blockVisits = tally.blockVisits
  counts.leavesRevisited = tally.leafVisits - tally.invalidVisits - tally.changed
  counts.invalidProtected = tally.invalidVisits
  counts.tablesProtected = tally.tableLoops - 1
  return Chunk(span: ByteCount(rawValue: tally.span), counts: counts)
}
