// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import Events
import Profiles
import Quantities

// Tasks: who runs, for how long, and where the kernel lets another one in.
extension Machine {
  /// Adds the time since the last call to the context that had the CPU.
  mutating func account() {
    let time = now - accountedUntil
    accountedUntil = now
    if hard != nil {
      outcome.cpu.hardInterrupt += time
    } else if isSoftirqActive {
      outcome.cpu.softirq += time
    } else {
      credit(scheduler.current, time)
    }
  }

  /// Books time on a task's account.
  private mutating func credit(_ task: Int, _ time: Nanoseconds) {
    switch task {
    case CPUTask.walker:
      if isWalkerInStageTwo {
        outcome.cpu.stageTwo += time
      } else {
        outcome.cpu.hostSide += time
      }
    case CPUTask.reader: outcome.cpu.reader += time
    case CPUTask.ksoftirqd, CPUTask.pollThread: outcome.cpu.ksoftirqd += time
    case CPUTask.storage: outcome.cpu.storage += time
    case -1: outcome.cpu.idle += time
    default: outcome.cpu.competitors += time
    }
  }

  @inline(__always)
  private var isWalkerInStageTwo: Bool { !walker.isDone && walker.step.isStageTwo }

  /// An interrupt takes the CPU from the running task.
  mutating func suspendTask() {
    let task = scheduler.current
    guard task >= 0 else { return }
    let time = now - taskResumed
    events.cancel(.taskEnd)
    if task == CPUTask.walker {
      spendWalker(time)
    } else {
      remaining[task] -= time
    }
  }

  /// The running task goes on where it was interrupted.
  mutating func resumeTask() {
    taskResumed = now
    let task = scheduler.current
    guard task >= 0 else { return }
    switch task {
    case CPUTask.walker: resumeWalker()
    case CPUTask.competitors...: break
    default: events.schedule(.taskEnd, at: now + max(.zero, remaining[task]))
    }
  }

  /// Interrupts and softirqs are done; the task goes on unless it must give way here.
  mutating func returnToTask() {
    if (needsReschedule || needsLazyReschedule), mayPreemptHere {
      reschedule()
    } else {
      resumeTask()
    }
  }

  /// Whether the running task can be preempted where the interrupt met it.
  @inline(__always)
  private var mayPreemptHere: Bool {
    switch scheduler.current {
    case -1: true
    case CPUTask.competitors...: true
    case CPUTask.ksoftirqd, CPUTask.pollThread: false
    case CPUTask.walker:
      needsReschedule && model.preemptsKernel && walker.holdBegan == nil
    default: needsReschedule && model.preemptsKernel
    }
  }

  /// Makes a task runnable; sets the flags if the running one should give way.
  mutating func wake(_ task: Int) {
    guard scheduler.wake(task, now: now.rawValue) else { return }
    if model == .lazy, scheduler.current >= 0 {
      needsLazyReschedule = true
    } else {
      needsReschedule = true
    }
  }

  /// Whether a task that can run anywhere would have to wait for another one here.
  @inline(__always)
  func isOccupied(for task: Int) -> Bool {
    scheduler.current >= 0 && scheduler.current != task && !scheduler.entities[task].isQueued
  }

  /// Takes a task that does not run from this CPU.
  mutating func leave(_ task: Int) {
    scheduler.remove(task, now: now.rawValue)
    hasSegment[task] = false
    remaining[task] = .zero
  }

  /// An idle CPU looks for work once a tick and takes a free task that waits here.
  mutating func balance() {
    if isReaderHere, input.network.reader == .unpinned, waits(CPUTask.reader) { moveReader() }
    if isStorageTaskHere, input.storage.task == .unpinned, waits(CPUTask.storage) {
      moveStorageTask()
    }
  }

  /// Whether a runnable task does not have the CPU.
  @inline(__always)
  private func waits(_ task: Int) -> Bool {
    scheduler.entities[task].isQueued && scheduler.current != task
  }

  /// The scheduler chooses who runs now.
  mutating func reschedule() {
    account()
    needsReschedule = false
    needsLazyReschedule = false
    let previous = scheduler.current
    let task = scheduler.pick(now: now.rawValue)
    if task != previous { switched(to: task) }
    if task >= 0, task < CPUTask.competitors, task != CPUTask.walker, !hasSegment[task] {
      beginSegment(of: task)
    }
    if task == CPUTask.walker {
      walker.suspended = now
      beginStepIfNeeded()
    }
    resumeTask()
  }

  private mutating func switched(to task: Int) {
    outcome.switches += 1
    guard task >= 0 else { return }
    let cost = costs.contextSwitch
    outcome.cpu.switching += cost
    credit(task, .zero - cost)
    if task == CPUTask.walker {
      walker.delay += cost
    } else {
      remaining[task] += cost
    }
  }

  /// Gives a task that was picked something to do.
  private mutating func beginSegment(of task: Int) {
    hasSegment[task] = true
    switch task {
    case CPUTask.reader: remaining[task] += beginRead()
    case CPUTask.ksoftirqd:
      rounds = 0
      roundLimit = jiffies + softirqs.jiffies
      remaining[task] += costs.softirqEntry + startRound()
      isThreadInRound = true
    case CPUTask.pollThread:
      isRoundReceiving = true
      remaining[task] += startPoll()
      isThreadInRound = true
    default: remaining[task] += beginReaping()
    }
  }

  /// The running task's segment has come to its end.
  mutating func taskEnd() {
    account()
    let task = scheduler.current
    if task == CPUTask.walker {
      walkerBoundary()
      return
    }
    remaining[task] = .zero
    let goesOn: Bool
    switch task {
    case CPUTask.reader: goesOn = finishRead()
    case CPUTask.ksoftirqd, CPUTask.pollThread:
      if let more = isRoundReceiving ? extendPoll() : nil {
        remaining[task] = more
        resumeTask()
        return
      }
      goesOn = finishThreadRound(task)
      if isThreadInRound {
        resumeTask()
        return
      }
    default: goesOn = finishReaping()
    }
    hasSegment[task] = false
    if !goesOn {
      scheduler.sleep(now: now.rawValue)
      needsReschedule = true
    }
    if needsReschedule || needsLazyReschedule {
      reschedule()
    } else {
      beginSegment(of: task)
      resumeTask()
    }
  }

  /// A round of ksoftirqd or of the polling thread ends; false if the thread goes to sleep.
  private mutating func finishThreadRound(_ task: Int) -> Bool {
    isThreadInRound = false
    if isRoundReceiving { finishPoll() }
    if task == CPUTask.pollThread {
      let again = isReceivePending
      isReceivePending = false
      return again
    }
    guard isReceivePending || isTimerPending else { return false }
    if mayRestartSoftirqs {
      remaining[task] = startRound()
      isThreadInRound = true
    }
    return true
  }
}
