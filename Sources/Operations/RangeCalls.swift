// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Profiles
package import Quantities

/// Notifier calls over ranges of leaves of one size.
struct RangeCalls {
  /// The calls of a piece that repeats, equal ones together in the order of their first.
  let kinds: [RangeCall]
  /// How often the piece repeats.
  let pieces: Int64

  /// The piece as the machine makes its calls: where one call unmaps what later ones would, in order.
  var groups: [WorkGroup] {
    let mixed = kinds.contains { $0.chunk.counts.leavesCleared == 0 } && kinds.count > 1
    guard mixed else { return kinds.map { WorkGroup($0.steps, repeats: $0.times * pieces) } }
    let steps = kinds.flatMap { kind in (0..<kind.times).flatMap { _ in kind.steps } }
    return [WorkGroup(steps, repeats: pieces)]
  }
}

/// Equal notifier calls, each over a range of the guest's memory.
struct RangeCall {
  /// What one call does.
  let chunk: Chunk
  /// What follows it: both ends of the call, the freeing, the wait for the next call.
  let steps: [WorkStep]
  /// How often in a piece.
  let times: Int64
  /// Pages and blocks that the host frees in one call.
  let freed: (pages: Int64, blocks: Int64)
}

extension BatchedOperation {
  /// The notifier calls of `unmap.range` bytes, one every `unmap.stride`.
  ///
  /// A call that covers a part of a block unmaps the whole block (the unmap walker clears the entry it
  /// meets), those that follow inside it find nothing, and the host's huge page is split, so that every
  /// page of the block faults by itself. PageTables counts all of it on one piece of each leaf size; a
  /// second piece keeps the upper tables as they are in a large guest.
  func rangeCalls(_ rules: StageTwoRules) throws(OperationError) -> [RangeCalls] {
    let (range, stride) = try notifierRange()
    let leaves = try layOut().leafCounts
    var found: [RangeCalls] = []
    for level in 1...3 where leaves[level] > 0 {
      let leaf = setup.host.granule.entrySize(level: level)
      let piece = max(leaf, stride, setup.host.granule.smallestBlock)
      let pieces = Double(leaves[level]) * Double(leaf.rawValue) / Double(piece.rawValue)
      do throws(PageTableError) {
        let kinds = try calls(range, stride, level: level, piece: piece, rules)
        found.append(RangeCalls(kinds: kinds, pieces: max(1, Int64(pieces.rounded()))))
      } catch {
        throw .pageTables(error)
      }
    }
    return found
  }

  /// Range and stride, which are powers of two; less than a page of the host is a page.
  private func notifierRange() throws(OperationError) -> (range: ByteCount, stride: ByteCount) {
    let (load, page) = (setup.workload.unmap, setup.host.granule.page)
    let sizes = [("unmap.range", load.range), ("unmap.stride", load.stride)]
    for case (let name, let size?) in sizes where size.rawValue & (size.rawValue - 1) != 0 {
      throw .value(name: name, given: "\(size)", legal: "a power of two")
    }
    let range = max(load.range ?? page, page)
    guard load.stride ?? range >= load.range ?? page else {
      throw .value(
        name: "unmap.stride",
        given: "\(load.stride ?? range)",
        legal: "unmap.range (\(range)) or more"
      )
    }
    return (range, max(load.stride ?? range, range))
  }

  private func calls(
    _ range: ByteCount,
    _ stride: ByteCount,
    level: Int,
    piece: ByteCount,
    _ rules: StageTwoRules
  ) throws(PageTableError) -> [RangeCall] {
    let (granule, start) = (setup.host.granule, GuestAddress(rawValue: UInt64(piece.rawValue)))
    let leaf = granule.entrySize(level: level)
    var tables = try emptyTables()
    try tables.map(AddressRange(start: start, size: piece * 2), level: level)
    var kinds: [(counts: EventCounts, times: Int64)] = []
    for call in 0..<(piece.rawValue / stride.rawValue) {
      let taken = AddressRange(start: start + stride * call, size: range)
      let counts = try tables.unmap(taken, rules).total
      if let same = kinds.firstIndex(where: { $0.counts == counts }) {
        kinds[same].times += 1
      } else {
        kinds.append((counts, 1))
      }
    }
    let again = range < leaf && !setup.isHugetlb ? 3 : level
    let lost = try faults(in: AddressRange(start: start, size: piece), &tables, again, rules)
    let cleared = kinds.reduce(0) { $0 + $1.counts.leavesCleared * $1.times }
    return kinds.map { kind in
      let share = Double(kind.counts.leavesCleared) / Double(max(1, cleared))
      let notifier = notifierCall(freeing: .zero, lost: Double(lost) * share, level: again)
      return RangeCall(
        chunk: Chunk(span: range, counts: kind.counts),
        steps: steps(kind.counts, freed(range, level: level), notifier),
        times: kind.times,
        freed: freed(range, level: level)
      )
    }
  }

  /// Faults of vCPUs that touch all of a range again, which the host maps at a level.
  private func faults(
    in range: AddressRange,
    _ tables: inout StageTwo,
    _ level: Int,
    _ rules: StageTwoRules
  ) throws(PageTableError) -> Int64 {
    let access = GuestAccess(range: range, stride: setup.host.granule.page, isWrite: true)
    let slot = MemorySlot(range: range, hostLevel: level)
    return try tables.touch(access, in: slot, rules).guestAborts
  }

  /// What the host gives back in a call over leaves of a level.
  private func freed(_ range: ByteCount, level: Int) -> (pages: Int64, blocks: Int64) {
    guard setup.workload.unmap.givesBack else { return (0, 0) }
    let leaf = setup.host.granule.entrySize(level: level)
    guard level < 3, range >= leaf else {
      return (range.divided(roundedDownBy: setup.host.granule.page), 0)
    }
    return (0, range.divided(roundedDownBy: leaf))
  }

  /// The steps of a call: the unmap, the freeing between the call's ends, the ends, and the wait until
  /// the next call is due.
  private func steps(
    _ counts: EventCounts,
    _ freed: (pages: Int64, blocks: Int64),
    _ notifier: NotifierCall
  ) -> [WorkStep] {
    var unmap = setup.host.price(counts, share).step(holdsLock: true, yieldsBetween: true)
    unmap.beginsCall = true
    let steps = [unmap] + freeing([0, 0, freed.blocks, freed.pages])
    let splits = counts.blocksCleared > 0 && freed.pages > 0 && !setup.isHugetlb
    let split = splits ? setup.host.hostFree.hugeSplit * 1 : .zero
    var ends = WorkStep(.hostSide, unit: setup.host.hostFree.call * 1 + split)
    ends.notifier = notifier
    return paced(steps + [ends])
  }

  /// The steps of a call, and the wait until the next one is due; no wait where the calls take longer
  /// than the workload's rate allows.
  func paced(_ steps: [WorkStep]) -> [WorkStep] {
    guard let period = callPeriod else { return steps }
    let work = steps.reduce(Nanoseconds.zero) { $0 + $1.work }
    return period > work ? steps + [WorkStep(.sleep, unit: period - work)] : steps
  }

  /// The least time from one notifier call to the next; nil where they come without a pause.
  package var callPeriod: Nanoseconds? {
    guard let rate = setup.workload.unmap.rate, rate > 0 else { return nil }
    return .seconds(1) / Int64(rate)
  }
}

extension Setup {
  /// Whether the guest's memory is hugetlb pages, which the host never splits.
  fileprivate var isHugetlb: Bool { workload.memory.hugetlbPage(host.granule) != nil }
}
