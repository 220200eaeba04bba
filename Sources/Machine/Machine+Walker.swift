// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import Events
import PageTables
import Profiles
import Quantities
import Randomness

// The walker's task: chunks under mmu_lock, break points, host-side work, sleeps.
extension Machine {
  /// The walker's timer: the operation begins, or a sleep is over.
  mutating func walkerTimer() {
    if !walker.hasBegun {
      beginOperation()
      walker.stretchBegan = now
      if walker.isDone { askSource() }
    }
    if !walker.isDone, walker.isInStep, walker.step.isSleep { finishStep() }
    guard !walker.isDone else {
      endOperation()
      return
    }
    wake(CPUTask.walker)
    if hard == nil, !isSoftirqActive, needsReschedule || needsLazyReschedule {
      account()
      suspendTask()
      returnToTask()
    }
  }

  private mutating func beginOperation() {
    walker.hasBegun = true
    walker.bookedUntil = now
    walker.bookedBytes = bytes
    walker.bookedRequests = disk.done
    outcome.began = now
    outcome.baseline = input.warmUp - input.warmUp / 2
    outcome.baselineBytes += bytes
    outcome.baselineRequests += disk.done
    outcome.stageTwoBytes = -bytes
    (outcome.leastBytes, outcome.leastRequests) = (-bytes, -disk.done)
    events.schedule(.baseline, at: now + MachineInput.leastJudged)
    outcome.operationBytes = -bytes
    outcome.stageTwoRequests = -disk.done
    lastRead = max(lastRead, now)
  }

  /// Begins the present step if the walker has just come to it.
  mutating func beginStepIfNeeded() {
    guard !walker.isDone else { return }
    if !walker.isInStep {
      walker.isInStep = true
      walker.stepBegan = now
      if walker.step.isStageTwo, !hasSeenStageTwo { noteFirstChunk() }
      if walker.step.beginsCall { walker.callBegan = now }
    }
    if walker.step.holdsLock, walker.holdBegan == nil {
      walker.holdBegan = now + walker.delay
      walker.stolen = .zero
      if let gap = faultGap {
        walker.contendedFrom = now + walker.delay + contention.exponential(mean: gap)
      }
    }
  }

  /// What was polled and dropped up to the first chunk is not inside it.
  private mutating func noteFirstChunk() {
    hasSeenStageTwo = true
    outcome.stageTwoDatagrams = -outcome.network.datagrams
    outcome.stageTwoSegments = -queue.processedSegments
    outcome.stageTwoDrops = -queue.drops
  }

  /// Takes note of CPU time that the walker had.
  mutating func spendWalker(_ time: Nanoseconds) {
    guard !walker.isDone else { return }
    let work = walker.spend(time)
    outcome.steps[walker.group][walker.index].work += work
    walker.suspended = now
  }

  /// The walker goes on: its next event is the step's end, or the next boundary if someone waits.
  mutating func resumeWalker() {
    guard !walker.isDone else { return }
    walker.stolen += now - walker.suspended
    let step = walker.step
    let waits = mayLeave(step)
    var work = waits || step.dropsBetween ? walker.leftInChunk : walker.left
    if !waits, let contended = contendedBoundary(step) { work = min(work, contended) }
    let length = step.kind == .sleep || step.kind == .yield ? Nanoseconds.zero : work
    events.schedule(.taskEnd, at: now + walker.delay + length)
  }

  /// Whether the walker gives way at the next boundary for what is known now.
  @inline(__always)
  private func mayLeave(_ step: WorkStep) -> Bool {
    guard step.yieldsBetween else { return false }
    return step.holdsLock ? lockBreak(at: now).fires : needsReschedule
  }

  /// Whether the step has points at which the CPU could be given to another task.
  private func mayBreak(_ step: WorkStep) -> Bool {
    step.yieldsBetween && (breaks || !step.holdsLock)
  }

  /// The kernel's own condition for dropping the lock between two chunks.
  @inline(__always)
  private func lockBreak(at time: Instant) -> LockBreak {
    guard breaks else { return LockBreak() }
    return LockBreak(
      needsReschedule: needsReschedule,
      needsLazyReschedule: needsLazyReschedule,
      isContended: walker.contendedFrom.map { $0 <= time } ?? false,
      isPreemptible: countsAsPreemptible
    )
  }

  /// Work up to the first boundary at which somebody will want the lock, where that breaks it.
  @inline(__always)
  private func contendedBoundary(_ step: WorkStep) -> Nanoseconds? {
    guard breaks, step.yieldsBetween, step.holdsLock, countsAsPreemptible,
      let wanted = walker.contendedFrom, step.unit > .zero
    else { return nil }
    let ahead = max(.zero, wanted - now - walker.delay)
    let first = walker.leftInChunk
    guard ahead > first else { return first }
    let more = ((ahead - first).rawValue + step.unit.rawValue - 1) / step.unit.rawValue
    return first + step.unit * more
  }

  /// Whoever waited for the lock has had it before the walker takes it again.
  private mutating func letWaitersIn() {
    guard let wanted = walker.contendedFrom, wanted <= now else { return }
    walker.delay += input.host.fault.insideLock * 1
    walker.contendedFrom = nil
  }

  /// The source says what follows what it gave last.
  private mutating func askSource() {
    guard walker.isDone, var next = source else { return }
    let measured = MeasuredWork(wall: now - walker.stretchBegan, held: walker.heldInStretch)
    let groups = next.next(after: measured)
    source = next
    walker.stretchBegan = now
    walker.heldInStretch = .zero
    guard let groups, !groups.isEmpty else { return }
    outcome.steps += groups.map { $0.steps.map { StepOutcome(kind: $0.kind) } }
    walker.extend(by: groups)
  }

  /// What a controller looks at: a reschedule is due, or softirqs wait.
  @inline(__always)
  private var isSomebodyWaiting: Bool {
    needsReschedule || isReceivePending
      || scheduler.entities[CPUTask.ksoftirqd].isQueued
  }

  /// The walker has come to the end of a unit or of the step.
  mutating func walkerBoundary() {
    let step = walker.step
    switch step.kind {
    case .sleep, .yield:
      walker.delay = .zero
      leaveCPU(step)
      return
    case .stageTwo, .hostSide: break
    }
    spendWalker(now - taskResumed)
    walker.passBoundary()
    if walker.unitsDone < step.units {
      let leaves = step.dropsBetween || mayLeave(step)
      if leaves, step.holdsLock {
        walker.breaksTaken += 1
        unlock()
        letWaitersIn()
      }
      if isSomebodyWaiting { walker.disturbed() }
      goOn(yielding: leaves && needsReschedule && !step.keepsCPU)
      return
    }
    if step.continues {
      continueStep(step)
      return
    }
    finishStep()
    guard !walker.isDone else {
      scheduler.sleep(now: now.rawValue)
      endOperation()
      reschedule()
      return
    }
    goOn(yielding: needsReschedule)
  }

  /// The walker goes on with its present step, after others if it yields.
  private mutating func goOn(yielding: Bool) {
    if yielding {
      reschedule()
    } else {
      beginStepIfNeeded()
      walker.suspended = now
      resumeTask()
    }
  }

  /// A step ends whose sequence goes on: a break point like any other.
  private mutating func continueStep(_ step: WorkStep) {
    if step.yieldsBetween, step.holdsLock { walker.breakPoints += 1 }
    let leaves = mayLeave(step)
    if leaves, step.holdsLock {
      walker.breaksTaken += 1
      unlock()
      letWaitersIn()
    }
    closeStep()
    goOn(yielding: leaves && needsReschedule)
  }

  private mutating func unlock() {
    guard let began = walker.holdBegan else { return }
    walker.holds.record(now - began)
    walker.lastUnlocked = now
    walker.heldInStretch += now - began
    record(.lock, name: .hold, start: began, length: now - began)
    walker.holdBegan = nil
  }

  private mutating func finishStep() {
    unlock()
    closeStep()
  }

  /// Books the present step and goes on to the next.
  private mutating func closeStep() {
    let kind = walker.step.kind
    let wall = now - walker.stepBegan
    record(
      .walker,
      name: kind == .stageTwo ? .stageTwo : .hostSide,
      start: walker.stepBegan,
      length: wall
    )
    outcome.steps[walker.group][walker.index].rounds += 1
    bookStep()
    walker.unbroken =
      kind == .stageTwo && !mayBreak(walker.step) ? walker.unbroken + wall : .zero
    walker.longestUnbroken = max(walker.longestUnbroken, walker.unbroken)
    if kind == .stageTwo { markStageTwo() }
    if walker.step.endsCall, let began = walker.callBegan {
      walker.calls.record(now - began)
      walker.callTime += now - began
      walker.callBegan = nil
    }
    if guest != nil { noteNotifierCall(wall) }
    walker.advance()
    if walker.isDone { askSource() }
  }

  /// Tells the guest of a notifier call that has ended with the present step, or of its flushes.
  ///
  /// What the step does after the call's end is its tail, as long as nothing interrupts it.
  private mutating func noteNotifierCall(_ wall: Nanoseconds) {
    let step = walker.step
    walker.flushesInCall += step.flushes * step.units
    guard let call = step.notifier, let began = walker.callBegan else { return }
    let window = GuestFaults.Window(
      began: began,
      unlocked: walker.lastUnlocked,
      ended: now - min(call.tail, wall)
    )
    guest?.passed(window, call, flushes: walker.flushesInCall)
    walker.flushesInCall = 0
  }

  /// Books what has passed since the last step ended on the present one.
  mutating func bookStep() {
    let (group, index) = (walker.group, walker.index)
    outcome.steps[group][index].wall += now - walker.bookedUntil
    outcome.steps[group][index].bytes += bytes - walker.bookedBytes
    outcome.steps[group][index].requests += disk.done - walker.bookedRequests
    walker.bookedUntil = now
    walker.bookedBytes = bytes
    walker.bookedRequests = disk.done
  }

  /// Everything up to now belongs to the stage-2 part.
  mutating func markStageTwo() {
    outcome.stageTwoEnded = now
    stageTwoMarkBytes = bytes
    stageTwoMarkRequests = disk.done
    stageTwoMarkDatagrams = outcome.network.datagrams
    stageTwoMarkSegments = queue.processedSegments
    queue.advance(to: now)
    stageTwoMarkDrops = queue.drops
  }

  /// A step that is no work: the task sleeps or yields.
  private mutating func leaveCPU(_ step: WorkStep) {
    if step.isSleep {
      scheduler.sleep(now: now.rawValue)
      events.schedule(.walkerTimer, at: now + step.work)
    } else {
      finishStep()
      if walker.isDone {
        scheduler.sleep(now: now.rawValue)
        endOperation()
      } else {
        scheduler.yield(now: now.rawValue)
      }
    }
    reschedule()
  }

  private mutating func endOperation() {
    outcome.ended = now
    outcome.operationBytes += bytes
    noteGap()
    noteSoftirqGap()
    let judged = outcome.began + MachineInput.leastJudged
    events.schedule(.stop, at: max(now + input.coolDown, judged + .nanoseconds(1)))
  }
}
