// SPDX-License-Identifier: GPL-3.0-or-later

import Events
import Observations
import Operations
import Policies
import Profiles
import Quantities
import Randomness

// Hard interrupts and softirqs: who interrupts whom, and what runs at an interrupt's exit.
extension Machine {
  /// An interrupt line goes up.
  mutating func raise(_ interrupt: HardInterrupt) {
    guard hard == nil, !isMasked else {
      pendingHard |= interrupt.rawValue
      return
    }
    let rest = masksFlushes ? maskedRest : .zero
    if rest > .zero {
      isMasked = true
      pendingHard |= interrupt.rawValue
      events.schedule(.unmask, at: now + rest)
      outcome.masked.interrupts += 1
      outcome.masked.wait += rest
      outcome.masked.longestWait = max(outcome.masked.longestWait, rest)
      return
    }
    interruptContext()
    enter(interrupt)
  }

  /// How much longer the walker has interrupts off: it may be in a TLB primitive.
  private var maskedRest: Nanoseconds {
    guard scheduler.current == CPUTask.walker, !isSoftirqActive, !walker.isDone, walker.isInStep
    else { return .zero }
    return walker.step.maskedRest(after: walker.progress(after: now - taskResumed))
  }

  /// The primitive is over: what waited for it comes in.
  mutating func unmask() {
    isMasked = false
    interruptContext()
    enterPending()
  }

  /// Takes the CPU from the context below hard interrupts.
  private mutating func interruptContext() {
    account()
    if isSoftirqActive {
      softirqRemaining -= now - softirqResumed
      events.cancel(.softirqEnd)
    } else {
      suspendTask()
    }
  }

  /// Enters the next pending interrupt; false if none is.
  @discardableResult
  private mutating func enterPending() -> Bool {
    for next in [HardInterrupt.queue, .storage, .tick] where pendingHard & next.rawValue != 0 {
      pendingHard &= ~next.rawValue
      enter(next)
      return true
    }
    return false
  }

  private mutating func enter(_ interrupt: HardInterrupt) {
    hard = interrupt
    var cost = costs.hardInterrupt
    switch interrupt {
    case .queue:
      queue.interrupted(at: now)
      outcome.network.interrupts += 1
    case .storage: cost += costs.completion * harvestStorage()
    case .tick: cost = costs.tick
    }
    if outcome.trace.isOn {
      let name: TraceName = interrupt == .tick ? .tick : .interrupt
      record(.hardInterrupt, name: name, start: now, length: cost)
    }
    events.schedule(.hardEnd, at: now + cost)
  }

  /// The handler returns: its effects, then the next pending interrupt or the interrupt's exit.
  mutating func hardEnd() {
    account()
    switch hard {
    case .queue: scheduleReceive()
    case .storage: wakeStorageTask()
    case .tick: tickEffects()
    case nil: break
    }
    hard = nil
    if !enterPending() { exitInterrupt() }
  }

  private mutating func scheduleReceive() {
    if input.threadedNAPI {
      wake(CPUTask.pollThread)
    } else {
      isReceivePending = true
    }
  }

  private mutating func tickEffects() {
    jiffies += 1
    balance()
    if scheduler.tick(now.rawValue), input.switches.has(.slices) { needsReschedule = true }
    if needsLazyReschedule {
      needsLazyReschedule = false
      needsReschedule = true
    }
    if input.switches.has(.timers), tickChance.chance(softirqs.tickRaises) {
      isTimerPending = true
    }
  }

  private var isSoftirqPending: Bool { isReceivePending || isTimerPending }

  /// Back from the outermost interrupt, or into the softirq it interrupted.
  private mutating func exitInterrupt() {
    if isSoftirqActive {
      softirqResumed = now
      events.schedule(.softirqEnd, at: now + softirqRemaining)
    } else if isThreadInRound {
      resumeTask()
    } else if isSoftirqPending, !isSoftirqSkipped {
      startSoftirq()
    } else {
      returnToTask()
    }
  }

  /// Up to 6.4, a runnable ksoftirqd keeps every other context from running softirqs.
  private var isSoftirqSkipped: Bool {
    softirqs.skipsWhileThreadRunnable
      && scheduler.entities[CPUTask.ksoftirqd].isQueued
  }

  private mutating func startSoftirq() {
    if walker.hasBegun, !walker.isDone, scheduler.entities[CPUTask.ksoftirqd].isQueued {
      outcome.network.softirqsBesideThread = (outcome.network.softirqsBesideThread ?? 0) + 1
    }
    isSoftirqActive = true
    rounds = 0
    roundLimit = jiffies + softirqs.jiffies
    let length = startRound() + costs.softirqEntry
    softirqRemaining = length
    softirqResumed = now
    events.schedule(.softirqEnd, at: now + length)
  }

  /// Begins one round over everything pending; returns how long it takes.
  mutating func startRound() -> Nanoseconds {
    rounds += 1
    noteSoftirq()
    var length = Nanoseconds.zero
    if isTimerPending {
      // Expired timers take about as long as the tick that found them (86 us and 105 us in the
      // recorded runs).
      isTimerPending = false
      length += costs.tick
    }
    isRoundReceiving = isReceivePending
    isReceivePending = false
    roundPackets = 0
    if isRoundReceiving { length += startPoll() }
    return length
  }

  /// Begins a poll of the queue; returns how long it takes.
  mutating func startPoll() -> Nanoseconds {
    queue.advance(to: now)
    roundPackets = min(SoftirqRules.weight, queue.occupancy)
    outcome.network.polls += 1
    return costs.poll[Int(roundPackets)]
  }

  /// Takes in what arrived while the poll looked at the ring; what arrives while it completes
  /// raises the next interrupt.
  ///
  /// Returns the time that takes, or nil when nothing came.
  mutating func extendPoll() -> Nanoseconds? {
    queue.advance(to: now - costs.completing[Int(roundPackets)])
    let wanted = min(SoftirqRules.weight, queue.occupancy)
    guard wanted > roundPackets else { return nil }
    let more = wanted - roundPackets
    roundPackets = wanted
    return costs.packet * more
  }

  private mutating func noteSoftirq() {
    if walker.hasBegun, !walker.isDone { noteSoftirqGap() }
    lastSoftirq = now
  }

  /// The time since the last softirq run, if it is the longest of the operation.
  mutating func noteSoftirqGap() {
    let gap = now - max(lastSoftirq, outcome.began)
    outcome.network.longestWithoutSoftirq = max(outcome.network.longestWithoutSoftirq, gap)
  }

  /// A round at interrupt exit ends: another one, ksoftirqd, or back to the task.
  mutating func softirqEnd() {
    account()
    if isRoundReceiving, let more = extendPoll() {
      softirqRemaining = more
      softirqResumed = now
      events.schedule(.softirqEnd, at: now + more)
      return
    }
    if isRoundReceiving { finishPoll() }
    if isSoftirqPending {
      if mayRestartSoftirqs {
        let length = startRound()
        softirqRemaining = length
        softirqResumed = now
        events.schedule(.softirqEnd, at: now + length)
        return
      }
      wakeSoftirqThread()
    }
    isSoftirqActive = false
    returnToTask()
  }

  /// Whether a softirq run may take another round.
  var mayRestartSoftirqs: Bool {
    jiffies < roundLimit && !needsReschedule && rounds < softirqs.rounds
  }

  private mutating func wakeSoftirqThread() {
    guard input.switches.has(.ksoftirqd),
      !scheduler.entities[CPUTask.ksoftirqd].isQueued
    else { return }
    if walker.hasBegun, !walker.isDone {
      outcome.network.ksoftirqdWakes += 1
      if outcome.network.firstKsoftirqdWake == nil {
        outcome.network.firstKsoftirqdWake = now - outcome.began
      }
    }
    record(.ksoftirqd, name: .wake)
    wake(CPUTask.ksoftirqd)
  }

  /// A poll's span, without what interrupted it, and what the ring has dropped before it.
  private mutating func recordPoll(_ packets: Int64) {
    let isThread = isSoftirqActive ? TraceTrack.softirq : .ksoftirqd
    let length = costs.poll[Int(packets)]
    record(isThread, name: .poll, start: now - length, length: length, value: packets)
    if queue.drops > dropsRecorded {
      record(.ring, name: .drop, value: queue.drops - dropsRecorded)
      dropsRecorded = queue.drops
    }
  }

  /// The poll is over: packets go up the stack, and the queue's interrupt is unmasked if the
  /// ring was emptied.
  mutating func finishPoll() {
    let isFull = roundPackets == SoftirqRules.weight
    let polled = queue.poll(roundPackets)
    if outcome.trace.isOn { recordPoll(polled.all) }
    deliver(polled)
    if isFull {
      isReceivePending = true
      return
    }
    queue.isMasked = false
    // An interrupt in the tail of the run nests and leaves its softirq pending.
    if let next = queue.interruptTime(after: now), next <= now + costs.softirqEntry {
      let arrival = next
      queue.interrupted(at: arrival)
      outcome.network.interrupts += 1
      isReceivePending = true
      events.cancel(.interrupt)
    } else {
      armInterrupt()
    }
  }

  /// Sets the event of the queue's next interrupt.
  mutating func armInterrupt() {
    guard !queue.isMasked, let time = queue.interruptTime(after: now) else {
      events.cancel(.interrupt)
      return
    }
    events.schedule(.interrupt, at: max(now, time))
  }

  /// The queue's interrupt fires, or turns out to have had no reason.
  mutating func queueInterrupt() {
    queue.advance(to: now)
    guard queue.occupancy > 0 else {
      armInterrupt()
      return
    }
    if !handlesInterrupts {
      queue.interrupted(at: now)
      queue.isMasked = false
      deliver(queue.poll(queue.occupancy))
      armInterrupt()
      if hard == nil, !isSoftirqActive, scheduler.current < 0, needsReschedule { reschedule() }
    } else {
      raise(.queue)
    }
  }
}
