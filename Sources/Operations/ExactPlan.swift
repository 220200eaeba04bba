// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
import Policies
import Profiles
import Quantities

/// What the walker's task does in exact order, and the stage-2 events in it.
package struct ExactPlan: Sendable {
  /// The task's steps.
  package var plan: WorkPlan
  /// All events of the operation.
  package var counts: EventCounts

  /// Creates a plan from its steps and its events.
  package init(plan: WorkPlan, counts: EventCounts) { (self.plan, self.counts) = (plan, counts) }
}

extension BatchedOperation {
  /// The operation in the order in which the kernel carries it out.
  ///
  /// - Parameter window: How much of the stage-2 work has to be laid out step by step; nil for all.
  /// - Returns: The steps, and the events of the whole operation in any case.
  /// - Throws: What is wrong with the operation.
  package func exactPlan(_ window: Window? = nil) throws(OperationError) -> ExactPlan {
    if let calls = try callPlan() {
      switch calls.cut {
      case .whole: return try whole(calls, window)
      case .slices(let slice): return try sliced(calls, slice)
      case .leaves: return try leaves(calls)
      case .ranges: return try ranges(calls)
      }
    }
    switch setup.workload.operation {
    case .migration:
      var rounds = try preCopy()
      let first = rounds.first()
      return ExactPlan(plan: WorkPlan(first), counts: rounds.counts)
    case .map: return try map()
    case .mapCreate: return ExactPlan(plan: WorkPlan(), counts: try faultStorm().counts)
    default: return ExactPlan(plan: WorkPlan(), counts: try privateCounts(try privateAccesses()))
    }
  }

  /// Switching logging on, as `operation=log-enable` does it.
  func logEnablePlan() throws(OperationError) -> ExactPlan {
    var enable = self
    enable.setup.workload.operation = .logEnable
    return try enable.exactPlan()
  }

  /// One call over the whole memory, then the host's freeing.
  private func whole(_ calls: CallPlan, _ window: Window?) throws(OperationError) -> ExactPlan {
    var tables = try layOut()
    let leaves = tables.leafCounts
    let sequence = try walk(&tables, memoryRange, calls)
    let walk = walkSteps(sequence, calls, window)
    var left = walk.left
    var steps = calls.entry + walk.steps
    if calls.walk == .protect { steps[0].beginsCall = true }
    var counts = sequence.total
    if calls.walk == .protect { steps.append(epilogueStep(sequence)) }
    if var split = calls.split {
      let parts = try splitting(&tables, calls.rules, &split)
      let split = splitSteps(parts, window)
      steps += split.steps
      left += split.left
      counts += parts.total
    }
    if calls.walk == .protect { steps[steps.count - 1].endsCall = true }
    if calls.frees { steps += freeing(leaves) }
    var group = WorkGroup(steps)
    group.left = left
    return ExactPlan(plan: WorkPlan([group]), counts: counts)
  }

  /// The slot's flush that ends a write-protect, outside the lock.
  func epilogueStep(_ sequence: ChunkSequence) -> WorkStep {
    setup.host.price(sequence.epilogue, share).step(holdsLock: false, yieldsBetween: false)
  }

  /// The split of everything that follows a write-protect of the slot (from 6.5).
  func splitting(
    _ tables: inout StageTwo,
    _ rules: StageTwoRules,
    _ plan: inout SplitPlan
  ) throws(OperationError) -> ChunkSequence {
    do throws(PageTableError) { return try tables.split(memoryRange, rules, plan: &plan) } catch {
      throw .pageTables(error)
    }
  }

  /// The steps of a split: one hold, broken for need_resched after each step, and dropped before one
  /// that has to fill its cache of table pages.
  func splitSteps(
    _ sequence: ChunkSequence,
    _ window: Window? = nil
  ) -> (steps: [WorkStep], left: Nanoseconds) {
    var laidOut = layOut(sequence, window) { repeated in
      var step = stageTwoStep(repeated)
      step.yieldsBetween = policy.breaks
      step.dropsBetween = repeated.chunk.counts.lockDrops > 0
      return step
    }
    for index in laidOut.steps.indices.dropLast() where !laidOut.steps[index].dropsBetween {
      laidOut.steps[index].continues = true
    }
    return laidOut
  }

  /// The steps of a sequence's chunks in order, as far as a window keeps them, and the work that is
  /// left out.
  private func layOut(
    _ sequence: ChunkSequence,
    _ window: Window?,
    _ step: (ChunkSequence.Repeated) -> WorkStep
  ) -> (steps: [WorkStep], left: Nanoseconds) {
    var steps: [WorkStep] = []
    var done = Nanoseconds.zero
    var kept = Nanoseconds.zero
    sequence.forEachRun { repeated in
      let next = step(repeated)
      steps.append(next)
      done += next.work
      if let window { kept += window.keeps(next) }
      return window.map { kept < $0.stageTwo } ?? true
    }
    guard window != nil else { return (steps, .zero) }
    return (steps, sequence.tally.reduce(.zero) { $0 + step($1).work } - done)
  }

  /// The host takes the memory back leaf by leaf: a notifier call each, then the page is freed.
  ///
  /// Equal leaves are one group; their order does not matter to anybody who waits.
  private func leaves(_ calls: CallPlan) throws(OperationError) -> ExactPlan {
    var tables = try layOut()
    let sequence = try walk(&tables, memoryRange, calls)
    var groups: [WorkGroup] = []
    var counts = sequence.total
    counts.breakPoints = 0
    let host = setup.host
    for repeated in sequence.tally where repeated.chunk.counts.leavesCleared > 0 {
      var step = stageTwoStep(repeated)
      step.units = 1
      step.beginsCall = true
      let isPage = repeated.chunk.span <= host.granule.page
      let level = (1...3).first { host.granule.entrySize(level: $0) <= repeated.chunk.span } ?? 3
      let free = calls.frees ? (isPage ? host.hostFree.page : host.hostFree.hugePage) : .zero
      var ends = WorkStep(.hostSide, unit: (free + host.hostFree.call) * 1)
      ends.notifier = notifierCall(freeing: free * 1, lost: 1, level: level)
      let steps = paced([step, ends])
      if let same = groups.firstIndex(where: { $0.steps == steps }) {
        groups[same].repeats += repeated.repeats
      } else {
        groups.append(WorkGroup(steps, repeats: repeated.repeats))
      }
    }
    return ExactPlan(plan: WorkPlan(groups), counts: counts)
  }

  /// Notifier calls over ranges of the workload's size; equal ones are one group.
  private func ranges(_ calls: CallPlan) throws(OperationError) -> ExactPlan {
    let found = try rangeCalls(calls.rules)
    var counts = EventCounts.zero
    for calls in found {
      for kind in calls.kinds { counts += kind.chunk.counts * (kind.times * calls.pieces) }
    }
    return ExactPlan(plan: WorkPlan(found.flatMap(\.groups)), counts: counts)
  }

  /// One vCPU touches its memory for the first time: a fault for each page or block.
  ///
  /// None of them knows of chunks. The vCPU's task can be preempted at every exit from the guest.
  private func map() throws(OperationError) -> ExactPlan {
    guard setup.layout == .mix else {
      throw .value(name: "operation", given: "map of a dump", legal: "a mix of leaves to fault in")
    }
    let leaves = max(1, try layOut().leafCounts.reduce(0, +))
    let costs = setup.host.fault
    let fault = costs.outsideLock + costs.insideLock + costs.pageAllocation
    let step = WorkStep(.stageTwo, unit: fault * 1, units: leaves)
    return ExactPlan(plan: WorkPlan([WorkGroup([step])]), counts: try firstTouch())
  }

  /// A walk of a call over a range.
  func walk(
    _ tables: inout StageTwo,
    _ range: AddressRange,
    _ calls: CallPlan
  ) throws(OperationError) -> ChunkSequence {
    do throws(PageTableError) {
      switch calls.walk {
      case .unmap: return try tables.unmap(range, calls.rules)
      case .protect: return try tables.writeProtect(slot: range, calls.rules)
      case .destroy: return tables.destroy(calls.rules)
      }
    } catch {
      throw .pageTables(error)
    }
  }

  func stageTwoStep(_ repeated: ChunkSequence.Repeated) -> WorkStep {
    let price = setup.host.price(repeated.chunk.counts, share)
    return price.step(units: repeated.repeats, holdsLock: true, yieldsBetween: true)
  }

  /// The steps of a walk, with its break points where it has any; each but the last goes on under
  /// the same hold.
  func walkSteps(
    _ sequence: ChunkSequence,
    _ calls: CallPlan,
    _ window: Window? = nil
  ) -> (steps: [WorkStep], left: Nanoseconds) {
    let isChunked = sequence.chunkCount > 1
    var laidOut = layOut(sequence, window) { repeated in
      var step = stageTwoStep(repeated)
      step.holdsLock = calls.holdsLock
      step.yieldsBetween = calls.holdsLock ? sequence.mayYield && policy.breaks : isChunked
      step.controller = calls.holdsLock ? unitController : nil
      return step
    }
    for index in laidOut.steps.indices.dropLast() { laidOut.steps[index].continues = true }
    return laidOut
  }

  /// The host's own zapping and freeing of what these leaves mapped, by level.
  ///
  /// Where huge pages are split first, each costs its split and all of its small pages.
  func freeing(_ leaves: [Int64], splits: Bool = false) -> [WorkStep] {
    guard switches.has(.hostFreeing) else { return [] }
    var leaves = leaves
    var steps: [WorkStep] = []
    if splits, leaves[2] > 0 {
      let granule = setup.host.granule
      leaves[3] += leaves[2] * granule.smallestBlock.divided(roundedDownBy: granule.page)
      steps.append(WorkStep(.hostSide, unit: setup.host.hostFree.hugeSplit * 1, units: leaves[2]))
      leaves[2] = 0
    }
    let costs = setup.host.hostFree
    let batch = Int64(max(1, costs.pagesPerYield))
    let pages = leaves[3]
    if pages >= batch {
      steps.append(WorkStep(.hostSide, unit: costs.page * batch, units: pages / batch))
    }
    if pages % batch > 0 {
      steps.append(WorkStep(.hostSide, unit: costs.page * (pages % batch)))
    }
    let blocks = leaves[1] + leaves[2]
    if blocks > 0 {
      steps.append(WorkStep(.hostSide, unit: costs.hugePage * 1, units: blocks))
    }
    return steps
  }
}
