// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
import Policies
import Profiles
package import Quantities

/// The work of an operation with equal chunks brought together: what an estimate reads, which does
/// not depend on their order.
package struct GatheredPlan: Sendable {
  /// The chunks of all calls.
  package var sequence: ChunkSequence
  /// Calls the operation is made of: slices, ioctls; at least one.
  package var calls: Int64 = 1
  /// Pages of the base size that the host zaps and frees.
  package var freedPages: Int64 = 0
  /// Blocks that the host zaps and frees, of whatever size.
  package var freedBlocks: Int64 = 0
  /// The longest hold of the lock, where it is not that of a chunk.
  package var longestHold: Nanoseconds?
  /// Whether the work is done under mmu_lock: all but the destroy of an exiting process.
  package var holdsLock = true
  /// What a call does before its walk.
  package var entry: [WorkStep] = []
  /// What follows the walk of a call: the slot's flush, an eager split.
  package var epilogue: [WorkStep] = []
  /// What the VMM does after a call.
  package var rest: WorkStep?
  /// Blocks of the host that are split because a call gives back a part of them.
  package var splitsHugePages = false
  /// The groups of a migration's start and first round, or of calls over ranges.
  package var rounds: [WorkGroup] = []
  /// With a migration: all rounds that follow.
  package var preCopy: PreCopy?
  /// A notifier call that finds nothing mapped, where calls race for the same page.
  package var emptyCall: Nanoseconds?

  /// The plan of an operation that is one call and frees nothing.
  package init(_ sequence: ChunkSequence) { self.sequence = sequence }
}

extension BatchedOperation {
  /// The work of the operation without its order: what features are computed from.
  ///
  /// A sliced teardown is walked in one go with chunks no longer than a slice, which gives the same
  /// walker calls where slices are powers of two, and near ones elsewhere.
  ///
  /// - Parameter walks: Where unmaps are kept for plans that share them; nil walks anew.
  /// - Returns: The chunks, calls and leaves of the operation.
  /// - Throws: What is wrong with the operation.
  package func gatheredPlan(
    sharing walks: SharedWalks? = nil
  ) throws(OperationError) -> GatheredPlan {
    try validate()
    guard let calls = try callPlan() else { return try gatheredWithoutCalls() }
    if calls.cut == .ranges { return try gatheredRanges(calls) }
    var walked = calls
    if case .slices(let slice) = calls.cut {
      walked.rules.chunk = calls.rules.chunk.bounded(by: slice, in: setup.setting)
    }
    var tables: StageTwo?
    let (sequence, leaves) = try gather(walked, walks, &tables)
    var plan = GatheredPlan(sequence)
    (plan.holdsLock, plan.entry, plan.rest) = (calls.holdsLock, calls.entry, calls.rest)
    plan.splitsHugePages = splitsHugePages(calls)
    if calls.walk == .protect { plan.epilogue = [epilogueStep(sequence)] }
    if var split = calls.split, var tables {
      plan.epilogue += splitSteps(try splitting(&tables, calls.rules, &split)).steps
    }
    if calls.frees {
      plan.freedPages = leaves[3]
      plan.freedBlocks = leaves[1] + leaves[2]
    }
    switch calls.cut {
    case .whole, .ranges: break
    case .slices(let slice): plan.calls = memoryRange.size.divided(roundedUpBy: slice)
    case .leaves: plan.calls = leaves.reduce(0, +)
    }
    return plan
  }

  /// The notifier calls over ranges of the workload's size.
  private func gatheredRanges(_ calls: CallPlan) throws(OperationError) -> GatheredPlan {
    let found = try rangeCalls(calls.rules)
    var sequence = ChunkSequence()
    sequence.mayYield = false
    let kinds = found.flatMap { calls in calls.kinds.map { ($0, $0.times * calls.pieces) } }
    for (kind, repeats) in kinds { sequence.append(kind.chunk, repeats: repeats) }
    var plan = GatheredPlan(sequence)
    plan.calls = kinds.reduce(0) { $0 + $1.1 }
    plan.freedPages = kinds.reduce(0) { $0 + $1.0.freed.pages * $1.1 }
    plan.freedBlocks = kinds.reduce(0) { $0 + $1.0.freed.blocks * $1.1 }
    plan.rounds = kinds.map { WorkGroup($0.0.steps, repeats: $0.1) }
    return plan
  }

  /// The operation with every knob turned back that `gatheredPlan` does not read: equal ones have
  /// equal plans.
  package var planned: BatchedOperation {
    var planned = self
    planned.policy.chunk = chunkRule
    planned.policy.controller = .fixed
    planned.policy.path = path
    planned.policy.interrupt = .sameCPU
    planned.policy.threadedNAPI = false
    return planned
  }

  /// The chunks of a walk over everything, and the leaves by level that were mapped.
  private func gather(
    _ calls: CallPlan,
    _ walks: SharedWalks?,
    _ left: inout StageTwo?
  ) throws(OperationError) -> (sequence: ChunkSequence, leaves: [Int64]) {
    if calls.walk == .unmap, let walks { return try walks.unmap(self, calls.rules) }
    var tables = try layOut()
    let leaves = tables.leafCounts
    let sequence = try walk(&tables, memoryRange, calls)
    left = tables
    return (sequence, leaves)
  }

  private func gatheredWithoutCalls() throws(OperationError) -> GatheredPlan {
    switch setup.workload.operation {
    case .migration: return try gatheredClears()
    case .mapCreate: return try gatheredStorm()
    default: return GatheredPlan(ChunkSequence())
    }
  }

  /// The CLEAR ioctls of the first round, and the rounds that follow.
  private func gatheredClears() throws(OperationError) -> GatheredPlan {
    let rounds = try preCopy()
    var first = rounds
    let groups = first.first()
    var plan = GatheredPlan(single(first.counts))
    plan.calls = first.calls
    plan.longestHold = rounds.longestAlone
    plan.rounds = groups
    plan.preCopy = rounds
    return plan
  }

  /// The notifier calls of a storm of first touches.
  private func gatheredStorm() throws(OperationError) -> GatheredPlan {
    let priced = try faultStorm()
    var plan = GatheredPlan(single(priced.counts))
    plan.calls = priced.pages
    plan.longestHold = priced.storm.clearing
    plan.emptyCall = priced.storm.finding
    return plan
  }

  /// Everything as one chunk, where the walk is not known chunk by chunk.
  private func single(_ counts: EventCounts) -> ChunkSequence {
    var sequence = ChunkSequence()
    sequence.append(Chunk(span: setup.workload.memory.size, counts: counts))
    sequence.mayYield = false
    return sequence
  }
}

extension ChunkRule {
  /// The rule under which no chunk is longer than the largest power of two in a size.
  fileprivate func bounded(by size: ByteCount, in setting: PolicySetting) -> ChunkRule {
    let zeros = max(setting.granule.page, size).rawValue.leadingZeroBitCount
    let limit = ByteCount(rawValue: 1 << Int64(63 - zeros))
    guard let own = setting.size(of: self), own > limit else { return self }
    if case .mappingAware = self { return .mappingAware(limit) }
    return .fixed(limit)
  }
}
