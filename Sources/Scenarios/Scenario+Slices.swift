// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
import PageTables
import Policies
import Profiles
import Quantities

extension Scenario {
  /// One call a slice, each with its own freeing and its own pause; equal slices are one group.
  ///
  /// Where every chunk ends where a slice ends, the guest is walked in one go and the walk is cut
  /// into slices, so that a million slices cost what their distinct shapes cost.
  func sliced(
    _ tables: StageTwo,
    _ slice: ByteCount
  ) throws(ScenarioError) -> Operation {
    guard let chunk = chunkWithin(slice) else { return try slicedOneByOne(tables, slice) }
    var rules = try rules()
    rules.chunk = .fixed(chunk)
    var tables = tables
    let train: ChunkTrain
    do throws(PageTableError) {
      train = try tables.unmap(memoryRange, rules)
    } catch {
      throw .pageTables(error)
    }
    return operation(train.cut(every: slice.divided(roundedDownBy: chunk)))
  }

  /// The same slice by slice: the naive twin, and what serves chunks that end anywhere.
  func slicedOneByOne(
    _ tables: StageTwo,
    _ slice: ByteCount
  ) throws(ScenarioError) -> Operation {
    var tables = tables
    var slices = TrainParts()
    let range = memoryRange
    var start = range.start
    while start < range.end {
      let end = min(start + slice, range.end)
      slices.append(try unmap(&tables, AddressRange(start: start, end: end)))
      start = end
    }
    return operation(slices)
  }

  /// A group of steps for each run of equal slices.
  private func operation(_ slices: TrainParts) -> Operation {
    let rounds = slices.shapes.map(round)
    let groups = slices.runs.map { WorkGroup(rounds[$0.shape], repeats: $0.repeats) }
    return Operation(plan: WorkPlan(groups), counts: slices.total)
  }

  /// One slice: the call, its walk, the freeing of what it cleared, the pause.
  private func round(_ train: ChunkTrain) -> [WorkStep] {
    let counts = train.total
    let cleared = [0, 0, counts.blocksCleared, counts.leavesCleared - counts.blocksCleared]
    return [callStep] + lockedSteps(train) + freeing(cleared) + [pauseStep]
  }

  /// The fixed chunk that walks whole slices, or nil where chunks may end inside one elsewhere
  /// than at its own multiples.
  private func chunkWithin(_ slice: ByteCount) -> ByteCount? {
    guard slice.isPowerOfTwo, memoryRange.start.isAligned(to: slice),
      let size = setting.size(of: chunkRule)
    else { return nil }
    if size >= slice { return slice }
    if case .mappingAware = chunkRule { return nil }
    return size
  }
}
