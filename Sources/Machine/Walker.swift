// SPDX-License-Identifier: GPL-3.0-or-later

import Operations
import Quantities

/// Where the walker's task stands in its plan, and what its chunks and holds took.
struct Walker: Sendable {
  private(set) var plan: WorkPlan
  private(set) var group = 0
  private(set) var round: Int64 = 0
  private(set) var index = 0
  private(set) var isDone: Bool
  var hasBegun = false

  /// Units of the step that are finished.
  var unitsDone: Int64 = 0
  /// Work done in the present unit.
  var progress = Nanoseconds.zero
  /// Overhead to spend before work goes on: a context switch.
  var delay = Nanoseconds.zero
  /// Time taken from the present chunk by interrupts.
  var stolen = Nanoseconds.zero
  var suspended = Instant.start
  var stepBegan = Instant.start
  /// Up to when time, bytes and requests are booked on steps; waiting counts for the next step.
  var bookedUntil = Instant.start
  var bookedBytes: Int64 = 0
  var bookedRequests: Int64 = 0
  var isInStep = false
  /// Since when mmu_lock is held, if it is.
  var holdBegan: Instant?
  var holds = Latencies()
  var longestChunk = Nanoseconds.zero
  /// Wall time of the present run of stage-2 steps without break points, and the longest.
  var unbroken = Nanoseconds.zero
  var longestUnbroken = Nanoseconds.zero
  var breakPoints: Int64 = 0
  var breaksTaken: Int64 = 0

  init(plan: WorkPlan) {
    self.plan = plan
    isDone = plan.groups.isEmpty
    step = plan.groups.first?.steps[0] ?? WorkStep(.yield, unit: .zero)
    chunkUnits = step.controller?.longest ?? 1
  }

  /// When mmu_lock is first wanted by somebody else during the present hold.
  var contendedFrom: Instant?
  /// When mmu_lock was last given back.
  var lastUnlocked = Instant.start
  /// Flushes since the last notifier call ended.
  var flushesInCall: Int64 = 0
  /// When the call in progress that is timed, or watched by a guest, began, and those that ended.
  var callBegan: Instant?
  var calls = Latencies()
  var callTime = Nanoseconds.zero
  /// Held time and start of the stretch of work that a source gave last.
  var heldInStretch = Nanoseconds.zero
  var stretchBegan = Instant.start

  /// Goes on with more groups after the last one.
  mutating func extend(by groups: [WorkGroup]) {
    precondition(isDone, "a plan is extended at its end")
    plan.groups += groups
    guard group < plan.groups.count else { return }
    isDone = false
    (index, round) = (0, 0)
    step = plan.groups[group].steps[0]
    chunkUnits = step.controller?.longest ?? 1
  }

  /// The present step, or the last one when the plan is done.
  private(set) var step: WorkStep
  /// Units of the present chunk; one unless a controller joins them.
  private(set) var chunkUnits: Int64 = 1
  private var unitsInChunk: Int64 = 0
  private var quietChunks = 0
  /// Whether work stands at the end of a chunk whose break point is still to come: an interrupt
  /// that waited for the chunk's last flush came in between.
  private(set) var isAtBoundary = false

  /// Work until the end of the step.
  var left: Nanoseconds { step.unit * (step.units - unitsDone) - progress }

  /// Work until the end of the present chunk or of the step.
  var leftInChunk: Nanoseconds {
    guard !isAtBoundary else { return .zero }
    guard step.controller != nil else { return step.unit - progress }
    let units = min(chunkUnits - unitsInChunk, step.units - unitsDone)
    return step.unit * units - progress
  }

  /// Work done in the present unit once `time` more has been spent, overhead first.
  func progress(after time: Nanoseconds) -> Nanoseconds { progress + max(.zero, time - delay) }

  /// Spends CPU time: overhead first, then work; returns the work.
  mutating func spend(_ time: Nanoseconds) -> Nanoseconds {
    let overhead = min(delay, time)
    delay -= overhead
    let work = time - overhead
    guard step.unit > .zero else {
      unitsDone = step.units
      return work
    }
    guard work > .zero else { return work }
    isAtBoundary = false
    let total = progress + work
    // Most often the unit goes on: a comparison is cheaper than a division.
    let finished = total < step.unit ? 0 : min(total / step.unit, step.units - unitsDone)
    if finished > 0 {
      unitsDone += finished
      if step.isStageTwo {
        let chunks = step.controller == nil ? finished : join(finished)
        if chunks > 0 {
          isAtBoundary = unitsInChunk == 0 && total == step.unit * finished
          longestChunk = max(longestChunk, step.unit * chunkUnits + stolen)
          stolen = .zero
        }
        let passed = unitsDone == step.units ? chunks - 1 : chunks
        if step.yieldsBetween, step.holdsLock { breakPoints += max(0, passed) }
      }
    }
    progress = total - step.unit * finished
    return work
  }

  /// Joins finished units into chunks, all quiet unless `disturbed` says otherwise afterwards.
  ///
  /// Returns how many chunks came to their end.
  private mutating func join(_ finished: Int64) -> Int64 {
    var left = finished
    var chunks: Int64 = 0
    while left >= chunkUnits - unitsInChunk {
      left -= chunkUnits - unitsInChunk
      unitsInChunk = 0
      chunks += 1
      quietChunks += 1
      if let controller = step.controller, quietChunks >= controller.patience {
        quietChunks = 0
        chunkUnits = min(chunkUnits * 2, controller.longest)
      }
      if chunkUnits == step.controller?.longest, left > chunkUnits {
        chunks += left / chunkUnits
        left %= chunkUnits
      }
    }
    unitsInChunk += left
    return chunks
  }

  /// The break point at the end of a chunk is passed.
  mutating func passBoundary() { isAtBoundary = false }

  /// Somebody waited at the end of the chunk: the next ones are half as long.
  mutating func disturbed() {
    guard step.controller != nil else { return }
    quietChunks = 0
    chunkUnits = max(1, chunkUnits / 2)
  }

  /// How much of the plan is done, by its steps' work, in thousandths.
  var permille: Int {
    func work(_ group: WorkGroup) -> Double {
      group.steps.reduce(0) { $0 + $1.work.inSeconds } * Double(group.repeats)
    }
    let all = plan.groups.reduce(0) { $0 + work($1) }
    guard all > 0, !isDone else { return isDone ? 1_000 : 0 }
    let present = plan.groups[group]
    let before = plan.groups[..<group].reduce(0) { $0 + work($1) }
    let steps = present.steps[..<index].reduce(0) { $0 + $1.work.inSeconds }
    let step = (step.unit * unitsDone + progress).inSeconds
    let rounds = work(present) * Double(round) / Double(present.repeats)
    return Int(1_000 * min(1, (before + rounds + steps + step) / all))
  }

  /// Goes on to the next step of the plan.
  mutating func advance() {
    unitsDone = 0
    progress = .zero
    isAtBoundary = false
    stolen = .zero
    isInStep = false
    if !step.continues {
      longestChunk = max(longestChunk, step.unit * unitsInChunk)
      unitsInChunk = 0
    }
    index += 1
    if index == plan.groups[group].steps.count {
      index = 0
      round += 1
      if round == plan.groups[group].repeats {
        round = 0
        group += 1
        isDone = group == plan.groups.count
      }
    }
    guard !isDone else { return }
    let next = plan.groups[group].steps[index]
    if next.controller != step.controller { chunkUnits = next.controller?.longest ?? 1 }
    step = next
  }
}
