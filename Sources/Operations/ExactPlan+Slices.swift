// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
import Policies
import Profiles
package import Quantities

extension BatchedOperation {
  /// The most calls that are walked one by one.
  package static let mostCalls: Int64 = 1 << 22

  /// One call a slice, each with its own freeing and its own pause; equal slices are one group.
  ///
  /// Where every chunk ends where a slice ends, the guest is walked in one go and the walk is cut
  /// into slices, so that a million slices cost what their distinct shapes cost.
  func sliced(_ calls: CallPlan, _ slice: ByteCount) throws(OperationError) -> ExactPlan {
    guard let chunk = chunkWithin(slice, calls) else {
      let count = memoryRange.size.divided(roundedUpBy: slice)
      guard count <= Self.mostCalls else {
        throw .value(
          name: "slice",
          given: "\(slice) of \(memoryRange.size), \(count) calls,",
          legal: "at most \(Self.mostCalls) calls with this chunk; write larger slices, or "
            + "slices of a power of two with chunks of a size"
        )
      }
      return try slicedOneByOne(try layOut(), calls, slice)
    }
    var walked = calls
    walked.rules.chunk = .fixed(chunk)
    var tables = try layOut()
    let sequence = try walk(&tables, memoryRange, walked)
    return plan(sequence.cut(every: slice.divided(roundedDownBy: chunk)), calls)
  }

  /// The same slice by slice: the naive twin, and what serves chunks that end anywhere.
  package func slicedOneByOne(
    _ tables: StageTwo,
    _ calls: CallPlan,
    _ slice: ByteCount
  ) throws(OperationError) -> ExactPlan {
    var tables = tables
    var slices = SequenceParts()
    let range = memoryRange
    var start = range.start
    while start < range.end {
      let end = min(start + slice, range.end)
      slices.append(try walk(&tables, AddressRange(start: start, end: end), calls))
      start = end
    }
    return plan(slices, calls)
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
