// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

extension StageTwo {
  /// Frees everything, as the VM's end does: no lock, no invalidation, no cache maintenance.
  ///
  /// Up to 6.18 one walk over the IPA space that nothing interrupts; from 6.19 one a largest
  /// block. Between those the kernel offers `cond_resched`, which is no break point of the lock:
  /// the sequence's `total` counts none, its `mayYield` says whether the walk is divided.
  public mutating func destroy(_ rules: StageTwoRules) -> ChunkSequence {
    let granule = geometry.granule
    let isChunked = rules.destroy == .chunked
    let sweeper = Sweeper(
      geometry: geometry,
      rule: DestroyEntries(),
      chunkShift: isChunked ? granule.shift(level: granule.minimumBlockLevel) : 62
    )
    let sweep = sweeper.sweep(root, 0, geometry.space)
    self = StageTwo(geometry: geometry)
    return ChunkSequence(
      chunks: sweep.trail.map { destroyChunk($0, isChunked: isChunked) },
      mayYield: false
    )
  }
}

/// The events of one walk of destroy.
private func destroyChunk(_ tally: Tally, isChunked: Bool) -> Chunk {
  var counts = EventCounts()
  counts.walkCalls = 1
  counts.destroyCalls = isChunked ? 0 : 1
  counts.destroyRangeCalls = isChunked ? 1 : 0
  counts.tableLoops = tally.tableLoops
  counts.freeVisits = tally.leafVisits + tally.postVisits
  counts.invalidVisits = tally.invalidVisits
  counts.tableVisits = tally.postVisits
  counts.leavesDestroyed = tally.changed
  counts.blocksCleared = tally.changedBlocks
  counts.tablesFreed = tally.tablesFreed
  counts.blocksDestroyed = tally.changedBlocks
  counts.invalidDestroyed = tally.invalidVisits
  counts.tablesDestroyed = tally.tablesFreed
  counts.putPage = tally.puts
  return Chunk(span: ByteCount(rawValue: tally.span), counts: counts)
}
