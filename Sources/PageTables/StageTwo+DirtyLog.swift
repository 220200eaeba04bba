// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

/// How a harvest of dirty pages ends.
public enum HarvestFlush: Hashable, Sendable {
  /// GET and CLEAR of the bitmap: the slot's flush of the release.
  case slot
  /// Reset of the dirty ring: the whole VMID on every release.
  case ring
}

extension StageTwo {
  /// Write-protects dirty pages again, word by word, as GET_DIRTY_LOG, CLEAR_DIRTY_LOG and a reset
  /// of the dirty ring do.
  ///
  /// One walker call a word (two where a word crosses a chunk boundary, with a break point
  /// between), all under one hold of the lock for the bitmap; the flush at the end is the
  /// epilogue. Nothing happens at all where no page is dirty.
  public mutating func harvest(
    _ dirty: DirtyPages,
    of slot: AddressRange,
    _ rules: StageTwoRules,
    flush: HarvestFlush = .slot
  ) throws(PageTableError) -> ChunkSequence {
    var plan: SplitPlan?
    return try harvest(dirty, of: slot, rules, plan: &plan, flush: flush)
  }

  /// The same with a plan by which each word is split eagerly after it was protected, as CLEAR
  /// does for a slot whose bits were all set at first; the plan's cache is left as the kernel
  /// leaves it.
  public mutating func harvest(
    _ dirty: DirtyPages,
    of slot: AddressRange,
    _ rules: StageTwoRules,
    plan: inout SplitPlan?,
    flush: HarvestFlush = .slot
  ) throws(PageTableError) -> ChunkSequence {
    try geometry.check(slot)
    var chunks = RunTree<Chunk>()
    let page = geometry.granule.page
    for span in dirty.wordSpans {
      if span.words > 1, plan == nil, try canSweep(slot, rules) {
        let start = slot.start + page * span.start
        let range = AddressRange(start: start, size: page * (span.words * DirtyPages.wordPages))
        var words = rules
        words.chunk = .fixed(page * DirtyPages.wordPages)
        chunks.append(try protect(range, words))
        continue
      }
      let word = page * DirtyPages.wordPages
      if span.words > 1, slot.start.isAligned(to: word) {
        let low = Int64((slot.start + page * span.start).rawValue)
        let high = low + word.rawValue * span.words
        try harvestRegions(low..<high, rules, &plan, into: &chunks)
        continue
      }
      for word in 0..<span.words {
        let first = span.start + word * DirtyPages.wordPages
        let range = AddressRange(start: slot.start + page * first, size: page * span.pages)
        try harvestWord(range, rules, &plan, into: &chunks)
      }
    }
    var sequence = ChunkSequence(chunks: chunks, mayYield: false)
    if sequence.chunkCount > 0 { sequence.epilogue = harvestFlush(slot, flush, rules) }
    return sequence
  }

  /// Whether a slot's words are aligned stretches of IPA, and one walker call each.
  private func canSweep(
    _ slot: AddressRange,
    _ rules: StageTwoRules
  ) throws(PageTableError) -> Bool {
    let word = geometry.granule.page * DirtyPages.wordPages
    guard slot.start.isAligned(to: word) else { return false }
    if case .visits(let visits) = rules.chunk { return visits >= DirtyPages.wordPages }
    guard let shift = try rules.chunkShift(geometry) else { return false }
    return Int64(1) << Int64(shift) >= word.rawValue
  }

  /// One word's span: protected, then split where there is a plan.
  mutating func harvestWord(
    _ range: AddressRange,
    _ rules: StageTwoRules,
    _ plan: inout SplitPlan?,
    into chunks: inout RunTree<Chunk>
  ) throws(PageTableError) {
    var calls = try protect(range, rules)
    let breaks = calls.count - 1
    if breaks > 0, rules.mayYield, let last = calls.removeLast() {
      chunks.append(calls.map { $0.beforeBreak })
      chunks.append(last)
    } else {
      chunks.append(calls)
    }
    guard plan != nil else { return }
    chunks.append(try splitSteps(range, rules, &plan))
  }

  private func harvestFlush(
    _ slot: AddressRange,
    _ flush: HarvestFlush,
    _ rules: StageTwoRules
  ) -> EventCounts {
    guard flush == .ring else { return slotFlush(slot, rules) }
    var counts = EventCounts()
    rules.sequences(geometry.granule).vmid(1, into: &counts)
    return counts
  }
}

extension Chunk {
  /// The chunk with the break point that follows it.
  fileprivate var beforeBreak: Chunk {
    var counts = counts
    counts.breakPoints += 1
    return Chunk(span: span, counts: counts)
  }
}
