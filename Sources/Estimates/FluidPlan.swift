// SPDX-License-Identifier: GPL-3.0-or-later

import Operations
import PageTables
import Policies
import Profiles
import Quantities

/// One step of the walker's task in a fluid estimate: equal units of CPU work in a row.
struct FluidStep: Hashable, Sendable {
  enum Kind { case stageTwo, hostSide, sleep, yield }
  var kind: Kind
  /// CPU time of one unit in nanoseconds.
  var unit: Double
  /// How many units follow one another.
  var units = 1.0
  var holdsLock = false
  var yieldsBetween = true
  /// Whether the next step goes on under the same hold.
  var continues = false
  /// With a feedback controller: units of its longest chunk, else zero.
  var longest = 0.0
  var patience = 0

  var work: Double { unit * units }

  init(
    kind: Kind,
    unit: Double,
    units: Double = 1,
    holdsLock: Bool = false,
    yieldsBetween: Bool = true
  ) {
    (self.kind, self.unit, self.units) = (kind, unit, units)
    (self.holdsLock, self.yieldsBetween) = (holdsLock, yieldsBetween)
  }

  /// A step of the plan as the machine takes it.
  init(_ step: WorkStep) {
    kind =
      switch step.kind {
      case .stageTwo: .stageTwo
      case .hostSide: .hostSide
      case .sleep: .sleep
      case .yield: .yield
      }
    unit = Double(step.unit.rawValue)
    units = Double(step.units)
    (holdsLock, yieldsBetween) = (step.holdsLock, step.yieldsBetween || step.dropsBetween)
    continues = step.continues
  }
}

/// Steps that repeat as a group.
struct FluidGroup: Hashable, Sendable {
  var steps: [FluidStep]
  /// Rounds of the whole operation.
  var rounds = 1.0
  /// Rounds that a windowed run keeps.
  var kept = 1.0
  /// By how much the stage-2 and the host part of a single round were cut.
  var stageTwoScale = 1.0
  var hostScale = 1.0
  /// Whether rounds repeat, so that time is their mean.
  var repeats = true

  /// CPU work and sleep of one round.
  var round: Double { steps.reduce(0) { $0 + $1.work } }
}

/// The walker's plan as it follows from the gathered one, cut as windowed runs are: what the simulator's
/// runs keep of an operation is part of what they measure.
struct FluidPlan {
  let operation: BatchedOperation
  let plan: GatheredPlan

  private var host: HostProfile { operation.host }
  private var policy: Policy { operation.policy }

  /// Stage-2 and host-side work that a run keeps, and the longest single unit.
  private static let window = (
    stageTwo: Double(Window.standard.stageTwo.rawValue),
    hostSide: Double(Window.standard.hostSide.rawValue),
    unit: Double(Window.standard.longestUnit.rawValue)
  )

  /// The groups of the plan, the dearest first; at most six, which hold nearly all work.
  func groups() -> [FluidGroup] {
    var groups: [FluidGroup]
    switch operation.workload.operation {
    case .mapCreate, .map, .dirty, .populate: return []
    case .migration: groups = rounds()
    case .reclaim: groups = plan.rounds.isEmpty ? leaves() : rounds()
    case .teardown where operation.slice != nil: groups = slices()
    case .teardown, .logEnable: return whole()
    }
    for index in groups.indices {
      let kept = (Self.window.stageTwo / max(1, groups[index].round)).rounded(.down) + 1
      groups[index].kept = min(groups[index].rounds, kept)
    }
    groups.sort { $0.round * $0.rounds > $1.round * $1.rounds }
    return Array(groups.prefix(6))
  }

  private func price(_ chunk: Chunk) -> Double {
    WorkBreakdown(chunk.counts, on: host, FabricShare(host, operation.workload)).total
  }

  private var entry: [FluidStep] { plan.entry.map { FluidStep($0) } }

  private func freeing(pages: Double, blocks: Double) -> [FluidStep] {
    var (pages, blocks, steps) = (pages, blocks, [FluidStep]())
    if plan.splitsHugePages, blocks > 0 {
      let split = host.hostFree.hugeSplit.inNanoseconds
      steps.append(FluidStep(kind: .hostSide, unit: split * blocks))
      pages += blocks * Double(host.granule.smallestBlock.divided(roundedDownBy: host.granule.page))
      blocks = 0
    }
    let batch = Double(max(1, host.hostFree.pagesPerYield))
    let whole = (pages / batch).rounded(.down)
    let (rest, page) = (pages - whole * batch, host.hostFree.page.inNanoseconds)
    if whole > 0 { steps.append(FluidStep(kind: .hostSide, unit: page * batch, units: whole)) }
    if rest >= 1 { steps.append(FluidStep(kind: .hostSide, unit: page * rest)) }
    if blocks >= 1 {
      let block = host.hostFree.hugePage.inNanoseconds
      steps.append(FluidStep(kind: .hostSide, unit: block, units: blocks.rounded()))
    }
    return steps
  }

  /// The chunks of a repeated as a step.
  private func step(_ repeated: ChunkSequence.Repeated, units: Double) -> FluidStep {
    var step = FluidStep(kind: .stageTwo, unit: price(repeated.chunk), units: units)
    let isLocked = plan.holdsLock
    step.holdsLock = isLocked
    let mayYield = plan.sequence.mayYield && policy.breaks
    step.yieldsBetween = isLocked ? mayYield : plan.sequence.chunkCount > 1
    if isLocked, let controller = operation.unitController {
      step.longest = Double(controller.longest)
      step.patience = controller.patience
    }
    return step
  }

  /// One call over everything, then the freeing: a group each.
  private func whole() -> [FluidGroup] {
    let tally = plan.sequence.tally.prefix(400)
    var chunks = tally.map { step($0, units: Double($0.repeats)) }
    for index in chunks.indices.dropLast() { chunks[index].continues = true }
    let walked = Self.cut(chunks, to: Self.window.stageTwo)
    let free = freeing(pages: Double(plan.freedPages), blocks: Double(plan.freedBlocks))
    let freed = Self.cut(free, to: Self.window.hostSide)
    let walk = FluidGroup(
      steps: entry + walked.steps + plan.epilogue.map { FluidStep($0) },
      stageTwoScale: walked.scale,
      repeats: false
    )
    guard !freed.steps.isEmpty else { return [walk] }
    return [walk, FluidGroup(steps: freed.steps, hostScale: freed.scale, repeats: false)]
  }

  /// The beginning of a stretch, and how much longer all of it is.
  private static func cut(
    _ chain: [FluidStep],
    to budget: Double
  ) -> (steps: [FluidStep], scale: Double) {
    var steps: [FluidStep] = []
    var left = budget
    for step in chain where left > 0 {
      var step = step
      if step.unit > window.unit {
        (step.unit, step.units) = (window.unit, 1)
      } else if step.unit > 0 {
        step.units = min(step.units, (left / step.unit).rounded(.down) + 1)
      }
      left -= step.work
      steps.append(step)
    }
    if !steps.isEmpty { steps[steps.count - 1].continues = false }
    let whole = chain.reduce(0) { $0 + $1.work }
    let kept = steps.reduce(0) { $0 + $1.work }
    return (steps, kept > 0 ? whole / kept : 1)
  }

  /// One group for each kind of chunk in the slices.
  private func slices() -> [FluidGroup] {
    let perCall = max(1, Double(plan.sequence.chunkCount) / Double(max(1, plan.calls)))
    let rest = plan.rest.map { [FluidStep($0)] } ?? []
    return plan.sequence.tally.prefix(400).map { repeated in
      let blocks = Double(repeated.chunk.counts.blocksCleared)
      let pages = Double(repeated.chunk.counts.leavesCleared) - blocks
      let free = freeing(pages: pages * perCall, blocks: blocks * perCall)
      return FluidGroup(
        steps: entry + [step(repeated, units: perCall.rounded())] + free + rest,
        rounds: Double(repeated.repeats) / perCall
      )
    }
  }

  /// A notifier call and a free for each leaf.
  private func leaves() -> [FluidGroup] {
    plan.sequence.tally.prefix(400).filter { $0.chunk.counts.leavesCleared > 0 }.map { repeated in
      let isBlock = repeated.chunk.counts.blocksCleared > 0
      var free = host.hostFree.call
      if plan.freedPages + plan.freedBlocks > 0 {
        free = free + (isBlock ? host.hostFree.hugePage : host.hostFree.page)
      }
      let walk = FluidStep(kind: .stageTwo, unit: price(repeated.chunk), holdsLock: true)
      let steps = [walk, FluidStep(kind: .hostSide, unit: free.inNanoseconds)]
      let wait = wait(after: steps.reduce(0) { $0 + $1.work })
      return FluidGroup(steps: steps + wait, rounds: Double(repeated.repeats))
    }
  }

  /// The wait for the next call where the workload says how many come in a second.
  private func wait(after work: Double) -> [FluidStep] {
    guard let period = operation.callPeriod, Double(period.rawValue) > work else { return [] }
    return [FluidStep(kind: .sleep, unit: Double(period.rawValue) - work)]
  }

  /// The calls of log start and the first round, each with what it is sent with, or calls over ranges.
  private func rounds() -> [FluidGroup] {
    plan.rounds.map { group in
      FluidGroup(steps: group.steps.map { FluidStep($0) }, rounds: Double(group.repeats))
    }
  }
}
