// SPDX-License-Identifier: GPL-3.0-or-later

import Operations

// The walker's task: steps, chunks, holds and break points.
extension FluidCPU {
  /// Work until the end of the present chunk.
  var leftInChunk: Double {
    guard step.unit > 0 else { return left }
    if step.longest > 0 { return min(left, max(leftInJoined, 0)) }
    let units = left / step.unit
    let part = units - units.rounded(.down)
    return part < 1e-6 || part > 1 - 1e-6 ? min(left, step.unit) : part * step.unit
  }

  /// Takes note of CPU time that the walker had: overhead first, then work.
  mutating func spend(_ time: Double) {
    let overhead = min(delay, time)
    delay -= overhead
    let work = min(left, time - overhead)
    left -= work
    if step.longest > 0, step.unit > 0 { join(work) }
  }

  /// Passes through joined chunks, all quiet unless a boundary finds otherwise.
  private mutating func join(_ work: Double) {
    var work = work
    while work > 0, left > 0, work >= leftInJoined - 1e-6 {
      work -= leftInJoined
      quiet += 1
      if quiet >= step.patience {
        quiet = 0
        joined = min(2 * joined, step.longest)
      }
      leftInJoined = joined * step.unit
      if joined >= step.longest, work > 0 {
        work -= (work / leftInJoined).rounded(.down) * leftInJoined
      }
    }
    leftInJoined -= max(0, work)
  }

  /// Begins to hold the lock where the step does and it is not held yet.
  mutating func takeLock() {
    if isActive, !isAsleep, step.holdsLock, holdBegan == nil { holdBegan = now + delay }
  }

  /// Ends a hold.
  mutating func unlock() {
    if let began = holdBegan { longestHold = max(longestHold, now - began) }
    holdBegan = nil
  }

  /// The walker has come to a boundary; true at the end of the step.
  mutating func walkerBoundary() -> Bool {
    advance()
    guard left > 1e-6 * max(1, step.unit) else { return true }
    if step.longest > 0 {
      if needsReschedule || isReceivePending {
        joined = max(1, (joined / 2).rounded(.down))
        quiet = 0
      }
      leftInJoined = joined * step.unit
    }
    let yields = needsReschedule && step.yieldsBetween
    unlock()
    if yields { reschedule() } else { takeLock() }
    return false
  }

  /// Runs one step of the walker's plan, unless the limit of events ends it early.
  ///
  /// Returns the share of the step's work that was done.
  mutating func run(_ next: FluidStep, resets: Bool, limit: Int) -> Double {
    switch next.kind {
    case .sleep, .yield: return rest(next, limit: limit)
    case .stageTwo, .hostSide: break
    }
    step = next
    waitForCPU(limit)
    left = next.work
    if next.longest > 0 {
      if resets { (joined, quiet) = (next.longest, 0) }
      leftInJoined = min(left, joined * next.unit)
    }
    takeLock()
    run(upTo: limit)
    let isDone = left <= 1e-6 * max(1, next.unit)
    let share = isDone || next.work <= 0 ? 1 : 1 - left / next.work
    if !isDone || !next.continues { unlock() }
    left = 0
    if !isDone { delay = 0 }
    if needsReschedule, scheduler.current == FluidTask.walker { reschedule() }
    return share
  }

  /// The walker sleeps, or yields once.
  private mutating func rest(_ next: FluidStep, limit: Int) -> Double {
    step = next
    left = 0
    waitForCPU(limit)
    guard scheduler.current == FluidTask.walker else { return 1 }
    if next.kind == .yield {
      scheduler.yield(now: now)
      reschedule()
      waitForCPU(limit)
      return 1
    }
    scheduler.sleep(now: now)
    reschedule()
    isAsleep = true
    wakesAt = now + next.work
    while isAsleep, wakesAt < .infinity, events < limit { run(upTo: limit) }
    isAsleep = false
    return 1
  }

  private mutating func waitForCPU(_ limit: Int) {
    guard scheduler.current != FluidTask.walker else { return }
    waitsForCPU = true
    run(upTo: limit)
    waitsForCPU = false
  }
}
