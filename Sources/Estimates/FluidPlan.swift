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
    case .mapCreate, .map, .dirty: return []
    case .migration: groups = [clears()]
    case .reclaim: groups = leaves()
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

  private var call: FluidStep {
    FluidStep(kind: .hostSide, unit: host.hostFree.call.inNanoseconds, yieldsBetween: false)
  }

  private func freeing(pages: Double, blocks: Double) -> [FluidStep] {
    let batch = Double(max(1, host.hostFree.pagesPerYield))
    let whole = (pages / batch).rounded(.down)
    let (rest, page) = (pages - whole * batch, host.hostFree.page.inNanoseconds)
    var steps: [FluidStep] = []
    if whole > 0 { steps.append(FluidStep(kind: .hostSide, unit: page * batch, units: whole)) }
    if rest >= 1 { steps.append(FluidStep(kind: .hostSide, unit: page * rest)) }
    if blocks >= 1 {
      let block = host.hostFree.hugePage.inNanoseconds
      steps.append(FluidStep(kind: .hostSide, unit: block, units: blocks.rounded()))
    }
    return steps
  }

  /// The chunks of a car as a step.
  private func step(_ car: ChunkTrain.Car, units: Double) -> FluidStep {
    var step = FluidStep(kind: .stageTwo, unit: price(car.chunk), units: units)
    let isLocked = plan.holdsLock
    step.holdsLock = isLocked
    let mayYield = plan.train.mayYield && policy.breaks
    step.yieldsBetween = isLocked ? mayYield : plan.train.chunkCount > 1
    if isLocked, let controller = operation.unitController {
      step.longest = Double(controller.longest)
      step.patience = controller.patience
    }
    return step
  }

  /// One call over everything, then the freeing: a group each.
  private func whole() -> [FluidGroup] {
    let tally = plan.train.tally.prefix(400)
    var chunks = tally.map { step($0, units: Double($0.repeats)) }
    for index in chunks.indices.dropLast() { chunks[index].continues = true }
    let walked = Self.cut(chunks, to: Self.window.stageTwo)
    let free = freeing(pages: Double(plan.freedPages), blocks: Double(plan.freedBlocks))
    let freed = Self.cut(free, to: Self.window.hostSide)
    let start = plan.holdsLock ? [call] : []
    let walk = FluidGroup(
      steps: start + walked.steps,
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
    let perCall = max(1, Double(plan.train.chunkCount) / Double(max(1, plan.calls)))
    let pause = Double(policy.pause.rawValue)
    let rest = FluidStep(kind: pause > 0 ? .sleep : .yield, unit: pause)
    return plan.train.tally.prefix(400).map { car in
      let blocks = Double(car.chunk.counts.blocksCleared)
      let pages = Double(car.chunk.counts.leavesCleared) - blocks
      let free = freeing(pages: pages * perCall, blocks: blocks * perCall)
      return FluidGroup(
        steps: [call, step(car, units: perCall.rounded())] + free + [rest],
        rounds: Double(car.repeats) / perCall
      )
    }
  }

  /// A notifier call and a free for each leaf.
  private func leaves() -> [FluidGroup] {
    plan.train.tally.prefix(400).filter { $0.chunk.counts.leavesCleared > 0 }.map { car in
      let isBlock = car.chunk.counts.blocksCleared > 0
      let free = (isBlock ? host.hostFree.hugePage : host.hostFree.page) + host.hostFree.call
      let walk = FluidStep(kind: .stageTwo, unit: price(car.chunk), holdsLock: true)
      return FluidGroup(
        steps: [walk, FluidStep(kind: .hostSide, unit: free.inNanoseconds)],
        rounds: Double(car.repeats)
      )
    }
  }

  /// One CLEAR ioctl after the other.
  private func clears() -> FluidGroup {
    let calls = Double(max(1, plan.calls))
    let all = plan.train.tally.reduce(0) { $0 + price($1.chunk) * Double($1.repeats) }
    let hold = plan.longestHold.map { Double($0.rawValue) } ?? all / calls
    let holds = max(1, (all / calls / max(1, hold)).rounded(.down))
    var walk = FluidStep(kind: .stageTwo, unit: hold, units: holds, holdsLock: true)
    walk.yieldsBetween = holds > 1
    return FluidGroup(steps: [call, walk, FluidStep(kind: .yield, unit: 0)], rounds: calls)
  }
}
