// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
import Policies
import Profiles
package import Quantities

/// What harvesting a dirty log takes, ioctl by ioctl, counted by PageTables and priced by the host.
///
/// A CLEAR holds mmu_lock for write from its first word to its last: it scans the words of its range
/// and protects, word by word, the pages between the lowest and the highest set bit. The lock is
/// broken only inside a word that reaches over a chunk's end, and dropped where an eager split fills
/// its cache of table pages. The slot's flush follows outside the lock.
package struct ClearPlan: Sendable {
  /// Fetching the bitmap of the slot: GET with manual protect, which copies it.
  let fetch: [WorkStep]
  /// Whether the slot's flush is one of the whole VMID.
  let flushesVMID: Bool
  /// One CLEAR over a piece whose bits are all set.
  package let full: Clear

  /// What that CLEAR takes alone, its entry and the slot's flush included.
  var fullCall: Nanoseconds { call.work + full.step.work + flush.step.work }

  /// Pages that one ioctl covers.
  let piece: Int64
  let call: WorkStep
  let flush: (step: WorkStep, counts: EventCounts)
  /// Scanning one word of the bitmap, in picoseconds.
  private let scan: UnitCost
  private let operation: BatchedOperation
  /// The events of a CLEAR of one word, by the pages that its span has.
  let byWord: [EventCounts]

  /// The locked part of one CLEAR.
  package struct Clear: Sendable {
    package let step: WorkStep
    package let counts: EventCounts

    /// How long it holds mmu_lock at a stretch where somebody asks for it.
    package var hold: Nanoseconds { step.units > 1 ? step.unit : step.work }
  }

  /// What one round does.
  struct Round {
    var groups: [WorkGroup] = []
    var counts = EventCounts.zero
    var calls: Int64 = 0
    /// What all its calls take alone.
    var protecting = Nanoseconds.zero
    /// How long one of them holds mmu_lock at a stretch.
    var hold = Nanoseconds.zero
  }

  /// The ioctls of an operation's policy over its guest; `isProtected` says that switching logging on
  /// has protected everything already, so that only what is dirtied later is cleared.
  init(
    _ operation: BatchedOperation,
    _ tables: StageTwo,
    isProtected: Bool
  ) throws(OperationError) {
    let (host, slot) = (operation.host, operation.memoryRange)
    self.operation = operation
    let rules = try operation.rules()
    call = operation.callStep.beginningCall
    scan = host.stage2.bitmapWord
    let range = min(operation.policy.clearRange ?? slot.size, slot.size)
    piece = max(1, range.divided(roundedUpBy: host.granule.page))
    let pages = slot.size.divided(roundedUpBy: host.granule.page)
    let copy = scan * Self.words(pages)
    fetch = [operation.callStep, WorkStep(.hostSide, unit: copy, yieldsBetween: false)]
    do throws(PageTableError) {
      var empty = tables
      let epilogue = try empty.writeProtect(slot: slot, rules).epilogue
      let price = host.price(epilogue, operation.share)
      flush = (price.step(holdsLock: false, yieldsBetween: false).endingCall, epilogue)
      flushesVMID = epilogue.vmidFlushes > 0
      var words = [EventCounts.zero]
      for span in 1...DirtyPages.wordPages {
        let sequence = try Self.word(span: span, operation, rules)
        words.append(sequence.total + sequence.epilogue * -1)
      }
      byWord = words
      full = try Self.full(operation, isProtected ? empty : tables, range, rules, copy: scan)
    } catch {
      throw .pageTables(error)
    }
  }

  static func words(_ pages: Int64) -> Int64 {
    (pages + DirtyPages.wordPages - 1) / DirtyPages.wordPages
  }

  /// The first round: every piece once, all bits set, each sent after it is cleared.
  func whole(_ pages: Int64, _ link: BitRate, _ page: ByteCount) -> Round {
    let slot = operation.memoryRange.size.divided(roundedUpBy: page)
    let calls = max(1, (slot + piece - 1) / piece)
    let sent = link.time(for: page * (pages / calls))
    return round(full, calls: calls, sending: sent)
  }

  /// A later round: the pieces of the working set that hold dirty pages.
  func sparse(_ dirty: Int64, in pages: Int64, _ link: BitRate, _ page: ByteCount) -> Round {
    let pieces = max(1, (pages + piece - 1) / piece)
    let words = DirtyWords(dirty: dirty, among: pages)
    let calls = max(1, min(pieces, words.words))
    let sent = link.time(for: page * max(1, dirty / calls))
    var round = Round(groups: [WorkGroup(fetch)])
    guard dirty > 0 else { return round }
    // Calls differ by a word and a page at most.
    let more = words.words % calls
    for (count, extra) in [(more, Int64(1)), (calls - more, 0)] where count > 0 {
      let own = words.words / calls + extra
      let spanned = own.scaled(words.spanned, over: max(1, words.words))
      let clear = sparse(words: own, spanned: max(own, spanned))
      let part = self.round(clear, calls: count, sending: sent, fetches: false)
      round.groups += part.groups
      round.counts += part.counts
      round.calls += part.calls
      round.protecting += part.protecting
      round.hold = max(round.hold, part.hold)
    }
    return round
  }

  private func round(
    _ clear: Clear,
    calls: Int64,
    sending sent: Nanoseconds,
    fetches: Bool = true
  ) -> Round {
    let work = call.work + clear.step.work + flush.step.work
    let wait = max(.zero, sent - work)
    let rest = wait > .zero ? WorkStep(.sleep, unit: wait) : WorkStep(.yield, unit: .zero)
    let group = WorkGroup([call, clear.step, flush.step, rest], repeats: calls)
    return Round(
      groups: (fetches ? [WorkGroup(fetch)] : []) + [group],
      counts: (clear.counts + flush.counts) * calls,
      calls: calls,
      protecting: work * calls,
      hold: clear.hold
    )
  }

  /// The locked part of a CLEAR of so many words of pages, which writes under logging have left.
  func sparse(words: Int64, spanned: Int64) -> Clear {
    let (low, more) = (spanned / words, spanned % words)
    var counts = EventCounts.zero
    for (count, span) in [(more, low + 1), (words - more, low)] where count > 0 {
      counts += byWord[Int(min(DirtyPages.wordPages, span))] * count
    }
    return Self.clear(counts, 1, scanning: Self.words(piece), operation, scan)
  }

  /// The harvest of one word of mapped pages with a span of so many.
  static func word(
    span: Int64,
    _ operation: BatchedOperation,
    _ rules: StageTwoRules,
    flush: HarvestFlush = .slot
  ) throws(PageTableError) -> ChunkSequence {
    let start = GuestAddress(rawValue: 0x4000_0000)
    let size = operation.host.granule.page * DirtyPages.wordPages
    let range = AddressRange(start: start, size: size)
    var tables = try operation.emptyTables()
    try tables.map(range, level: 3)
    var split = try operation.splitPlan(rules.release)
    let dirty = DirtyPages(0..<span)
    return try tables.harvest(dirty, of: range, rules, plan: &split, flush: flush)
  }

  /// One CLEAR over `piece`, all bits set.
  ///
  /// It is counted exactly over at most a gibibyte of the guest and scaled to the piece: pieces
  /// of one layout are alike.
  private static func full(
    _ operation: BatchedOperation,
    _ tables: StageTwo,
    _ piece: ByteCount,
    _ rules: StageTwoRules,
    copy scan: UnitCost
  ) throws(PageTableError) -> Clear {
    var cleared = tables
    let (slot, page) = (operation.memoryRange, operation.host.granule.page)
    let size = min(piece, min(.gibibytes(1), slot.size))
    let last = (slot.end - slot.start - size).divided(roundedDownBy: size)
    let isHuge = operation.workload.memory.hugeBlockShare >= 0.5
    let first = (size * (isHuge ? 0 : last)).divided(roundedDownBy: page)
    let count = size.divided(roundedDownBy: page)
    var split = try operation.splitPlan(rules.release)
    let dirty = DirtyPages(first..<(first + count))
    let sequence = try cleared.harvest(dirty, of: slot, rules, plan: &split)
    let counts = sequence.total + sequence.epilogue * -1
    let scale = max(1, piece.divided(roundedDownBy: size))
    return clear(counts, scale, scanning: words(count * scale), operation, scan)
  }

  /// The step of a CLEAR: one hold, cut where the lock may be broken or is dropped.
  private static func clear(
    _ counts: EventCounts,
    _ scale: Int64,
    scanning words: Int64,
    _ operation: BatchedOperation,
    _ scan: UnitCost
  ) -> Clear {
    let all = counts * scale
    let price = operation.host.price(counts, operation.share)
    let time = price.whole * scale + scan * words
    var step = price.step(holdsLock: true, yieldsBetween: false)
    step.flushes *= scale
    let cuts = all.lockDrops > 0 ? all.lockDrops : operation.policy.breaks ? all.breakPoints : 0
    step.units = cuts + 1
    step.unit = Nanoseconds(rawValue: max(1, time.rawValue / step.units))
    step.flushes = max(min(1, step.flushes), step.flushes / step.units)
    step.dropsBetween = all.lockDrops > 0
    step.yieldsBetween = cuts > 0 && all.lockDrops == 0
    return Clear(step: step, counts: all)
  }
}
