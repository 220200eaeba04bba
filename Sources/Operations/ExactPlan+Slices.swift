// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
import Policies
import Profiles
package import Quantities

extension BatchedOperation {
  /// The most calls that are kept one by one: those of equal stretches of memory are kept once.
  static let mostCalls = 1 << 19

  /// One call a slice, each with its own freeing and its own pause; equal slices are one group.
  ///
  /// Where every chunk ends where a slice ends, the guest is walked in one go and the walk is cut
  /// into slices, so that a million slices cost what their distinct shapes cost.
  func sliced(_ calls: CallPlan, _ slice: ByteCount) throws(OperationError) -> ExactPlan {
    guard let chunk = chunkWithin(slice, calls) else { return try slicedByStretches(calls, slice) }
    var walked = calls
    walked.rules.chunk = .fixed(chunk)
    var tables = try layOut()
    let sequence = try walk(&tables, memoryRange, walked)
    return plan(sequence.cut(every: slice.divided(roundedDownBy: chunk)), calls)
  }

  /// The slices of chunks that end anywhere, with little walked of what is alike.
  ///
  /// Of equal stretches side by side two are unmapped, and the last; those between are as the second.
  /// What a call does to a stretch depends on what is mapped in it, on where the calls begin and on
  /// whether its table stays in use afterwards: between the first and the last, nothing of that
  /// differs.
  private func slicedByStretches(
    _ calls: CallPlan,
    _ slice: ByteCount
  ) throws(OperationError) -> ExactPlan {
    var (tables, slices, walked) = (try layOut(), SequenceParts(), Int64(0))
    let (range, stretch) = (memoryRange, leastStretch(slice))
    var last: (blocks: EqualBlocks, calls: SequenceParts)?
    var start = range.start
    while start < range.end {
      let end = min(start + stretch, range.end)
      let blocks = tables.equalBlocks(from: start)
      let one = try unmap(AddressRange(start: start, end: end), &tables, calls, slice)
      var more: Int64 = 0
      if let last, let blocks, last.blocks.holdsTheSame(as: blocks), last.calls == one {
        // Of the blocks that `last` began, two stretches are done, and one stays.
        let equal = setup.host.granule.smallestBlock * last.blocks.count
        let left = min(equal, range.end - start + stretch)
        more = max(0, left.divided(roundedDownBy: stretch) - 3)
      }
      walked += one.runs.reduce(0) { $0 + $1.repeats }
      // One run that repeats stays one; several are kept again each time.
      let kept = slices.runs.count + one.runs.count * (one.runs.count == 1 ? 1 : Int(1 + more))
      guard walked <= Self.mostCalls, kept <= Self.mostCalls else { throw tooManyCalls(slice) }
      let done = AddressRange(start: end, size: stretch * more)
      tables.repeatBlock(at: start, over: done)
      slices.append(one, repeats: 1 + more)
      last = more > 0 ? nil : blocks.map { ($0, one) }
      start = done.end
    }
    return plan(slices, calls)
  }

  private func tooManyCalls(_ slice: ByteCount) -> OperationError {
    .value(
      name: "slice",
      given: "\(slice) of \(memoryRange.size)",
      legal: "what leaves at most \(Self.mostCalls) calls where the memory is not alike; write "
        + "larger slices, or slices of a power of two with chunks of a size"
    )
  }

  /// Unmaps a range slice by slice.
  private func unmap(
    _ range: AddressRange,
    _ tables: inout StageTwo,
    _ calls: CallPlan,
    _ slice: ByteCount
  ) throws(OperationError) -> SequenceParts {
    var slices = SequenceParts()
    var start = range.start
    while start < range.end {
      let end = min(start + slice, range.end)
      slices.append(try walk(&tables, AddressRange(start: start, end: end), calls))
      start = end
    }
    return slices
  }

  /// The least number of bytes that is whole slices and whole blocks.
  private func leastStretch(_ slice: ByteCount) -> ByteCount {
    let block = setup.host.granule.smallestBlock.rawValue
    let missing = max(0, block.trailingZeroBitCount - slice.rawValue.trailingZeroBitCount)
    return ByteCount(rawValue: slice.rawValue.times(saturating: 1 << Int64(missing)))
  }

  /// The same slice by slice: the naive twin.
  package func slicedOneByOne(
    _ tables: StageTwo,
    _ calls: CallPlan,
    _ slice: ByteCount
  ) throws(OperationError) -> ExactPlan {
    var tables = tables
    return plan(try unmap(memoryRange, &tables, calls, slice), calls)
  }

  /// A group of steps for each run of equal slices.
  private func plan(_ slices: SequenceParts, _ calls: CallPlan) -> ExactPlan {
    let rounds = slices.shapes.map { round($0, calls) }
    let groups = slices.runs.map { WorkGroup(rounds[$0.shape], repeats: $0.repeats) }
    return ExactPlan(plan: WorkPlan(groups), counts: slices.total)
  }

  /// One slice: the call, its walk, the freeing of what it cleared, the pause.
  private func round(_ sequence: ChunkSequence, _ calls: CallPlan) -> [WorkStep] {
    let counts = sequence.total
    let cleared = [0, 0, counts.blocksCleared, counts.leavesCleared - counts.blocksCleared]
    return calls.entry + walkSteps(sequence, calls).steps
      + freeing(cleared, splits: splitsHugePages(calls))
      + (calls.rest.map { [$0] } ?? [])
  }

  /// The fixed chunk that walks whole slices, or nil where chunks may end inside one elsewhere
  /// than at its own multiples.
  private func chunkWithin(_ slice: ByteCount, _ calls: CallPlan) -> ByteCount? {
    let chunk = calls.rules.chunk
    guard slice.isPowerOfTwo, memoryRange.start.isAligned(to: slice),
      let size = setup.setting.size(of: chunk)
    else { return nil }
    if size >= slice { return slice }
    if case .mappingAware = chunk { return nil }
    return size
  }
}
