// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

extension StageTwo {
  /// Unmaps a range as `stage2_apply_range` does: chunk after chunk, a break point between two.
  ///
  /// A leaf that the range covers in part is cleared whole. Refuses ranges that are not whole
  /// pages inside the space, and chunk rules that are not legal for the granule.
  public mutating func unmap(
    _ range: AddressRange,
    _ rules: StageTwoRules
  ) throws(PageTableError) -> ChunkSequence {
    try unmapTrail(range, rules).sequence(rules)
  }

  /// Unmaps a range and tells the walker's calls without their flushes.
  ///
  /// Of the rules, the calls depend on the chunk and on whether LPA2 is in use, on nothing else.
  public mutating func unmapTrail(
    _ range: AddressRange,
    _ rules: StageTwoRules
  ) throws(PageTableError) -> UnmapTrail {
    try geometry.check(range)
    guard let shift = try rules.chunkShift(geometry) else {
      return UnmapTrail(calls: unmapByVisits(range, rules), granule: geometry.granule)
    }
    let sweeper = Sweeper(
      geometry: geometry,
      rule: UnmapEntries(granule: geometry.granule),
      chunkShift: shift,
      stretches: rules.stretches,
      tracksResidue: rules.features.largeAddresses
    )
    let sweep = sweeper.sweep(root, Int64(range.start.rawValue), Int64(range.end.rawValue))
    if let after = sweep.after { root = after }
    return UnmapTrail(calls: sweep.trail, granule: geometry.granule)
  }
}

/// The walker's calls of an unmap before flushes are counted: what all flush rules share.
public struct UnmapTrail: Sendable {
  let calls: RunTree<Tally>
  let granule: Granule

  /// The trail with equal calls brought together, for what does not depend on their order.
  public var gathered: UnmapTrail {
    var gathered = RunTree<Tally>()
    for (call, times) in calls.distinct { gathered.append(call, times) }
    return UnmapTrail(calls: gathered, granule: granule)
  }

  /// The chunks that the calls are under rules with the same chunk as those they were walked with.
  public func sequence(_ rules: StageTwoRules) -> ChunkSequence {
    let costs = UnmapCosts(rules: rules, granule: granule)
    return ChunkSequence(chunks: calls.map(costs.chunk), mayYield: rules.mayYield)
  }
}

/// Turns what a walker call cleared into its events, flushes included.
struct UnmapCosts {
  let rules: StageTwoRules
  let sequences: FlushSequences

  init(rules: StageTwoRules, granule: Granule) {
    self.rules = rules
    sequences = rules.sequences(granule)
  }

  func chunk(_ tally: Tally) -> Chunk {
    var counts = EventCounts()
    counts.walkCalls = 1
    counts.unmapCalls = 1
    counts.tableLoops = tally.tableLoops
    counts.unmapVisits = tally.leafVisits + tally.postVisits
    counts.invalidVisits = tally.invalidVisits
    counts.tableVisits = tally.postVisits
    counts.leavesCleared = tally.changed
    counts.blocksCleared = tally.changedBlocks
    counts.tablesFreed = tally.tablesFreed
    counts.putPage = tally.puts
    if !rules.features.forcedWriteBack {
      counts.dcCIVAC = tally.cleanBytes / rules.features.cacheLine.rawValue
    }
    flush(tally, into: &counts)
    return Chunk(span: ByteCount(rawValue: tally.span), counts: counts)
  }

  private func flush(_ tally: Tally, into counts: inout EventCounts) {
    if rules.flush != .none, rules.flushesTablesAtOnce {
      sequences.ipa(tally.tablesFreed, into: &counts)
    }
    switch rules.flush {
    case .none: break
    case .perLeaf: sequences.ipa(tally.changed, into: &counts)
    case .vmidAbove(let leaves):
      if tally.changed <= Int64(leaves) {
        sequences.ipa(tally.changed, into: &counts)
      } else {
        sequences.vmid(1, into: &counts)
      }
    case .deferredRange:
      sequences.range(bytes: tally.span, residue: tally.residue, into: &counts)
    case .deferredIfCleared(let span): conditional(tally, span, into: &counts)
    }
  }

  /// One range flush where something was cleared, a freed table included.
  private func conditional(
    _ tally: Tally,
    _ span: DeferredSpan,
    into counts: inout EventCounts
  ) {
    switch span {
    case .call where tally.changed > 0:
      sequences.range(bytes: tally.span, residue: tally.residue, into: &counts)
    case .clearedLeaves where !tally.extent.isEmpty:
      sequences.range(
        bytes: tally.extent.high - tally.extent.low,
        residue: (tally.residue + tally.extent.low) & 0xFFFF,
        into: &counts
      )
    case .call, .clearedLeaves: break
    }
  }
}
