// SPDX-License-Identifier: GPL-3.0-or-later

import Operations

// Packets: the ring, the softirqs that poll it, the socket and its reader.
extension FluidCPU {
  /// Segments that the sender may still put on the wire.
  private var credit: Double {
    max(0, cpu.window - segmentsInRing - readable - segmentsInRead)
  }

  private var isBlocked: Bool { credit <= 1e-9 }

  /// Lets packets arrive up to now.
  mutating func advance() {
    let length = now - advancedTo
    advancedTo = now
    guard length > 0 else { return }
    singlesInRing += cpu.singleRate * length
    guard cpu.segmentRate > 0 else { return }
    let since = max(now - length, resumesAt)
    guard now > since else { return }
    let arrived = min(cpu.segmentRate * (now - since), credit)
    segmentsInRing = min(segmentsInRing + arrived, cpu.ring)
  }

  /// When the queue interrupts next, as things stand.
  func nextInterrupt() -> Double {
    guard !isMasked, cpu.packetRate > 0 else { return .infinity }
    let waiting = segmentsInRing + singlesInRing
    let missing = cpu.dilation - waiting
    if missing <= 1e-6 * cpu.dilation { return max(now, nextAllowed) }
    var arrival = Double.infinity
    if cpu.segmentRate > 0, !isBlocked {
      arrival = max(now, resumesAt) + missing / cpu.segmentRate
    }
    if cpu.singleRate > 0 { arrival = min(arrival, now + missing / cpu.singleRate) }
    return max(arrival, nextAllowed)
  }

  /// The queue interrupts.
  mutating func queueInterrupt() {
    if firstInterrupt < 0 { firstInterrupt = now }
    nextAllowed = now + cpu.moderation
    guard cpu.handlesInterrupts else {
      deliver(segmentsInRing, singlesInRing)
      return
    }
    isMasked = true
    now += cpu.hardInterrupt
    if cpu.threadedNAPI {
      advance()
      wake(FluidTask.ksoftirqd)
    } else if isSoftirqSkipped {
      isReceivePending = true
    } else {
      softirq()
    }
  }

  /// Up to 6.4, a runnable ksoftirqd keeps softirqs from running.
  private var isSoftirqSkipped: Bool {
    cpu.skipsSoftirqs && scheduler.entities[FluidTask.ksoftirqd].isQueued
  }

  /// What an earlier run has left runs at the exit of another interrupt.
  mutating func runPendingSoftirqs() {
    if isReceivePending, !cpu.threadedNAPI, !isSoftirqSkipped { softirq() }
  }

  /// Softirqs at an interrupt's exit: up to ten rounds, then ksoftirqd.
  private mutating func softirq() {
    now += cpu.softirqEntry
    var rounds = 0
    repeat {
      rounds += 1
      isReceivePending = false
      now += startPoll()
      finishPoll()
    } while isReceivePending && !needsReschedule && rounds < 10
    if isReceivePending { wake(FluidTask.ksoftirqd) }
  }

  /// Begins a poll; returns how long it takes, with what arrives while it runs.
  mutating func startPoll() -> Double {
    advance()
    var count = segmentsInRing + singlesInRing
    let rate = (isBlocked ? 0 : cpu.segmentRate) + cpu.singleRate
    if rate * cpu.packet < 0.95 {
      count = (count + rate * cpu.poll) / (1 - rate * cpu.packet)
    }
    polling = min(max(count, 0), cpu.weight)
    return cpu.poll + polling * cpu.packet
  }

  /// The poll is over: packets go up the stack, and the interrupt is unmasked if all were taken.
  mutating func finishPoll() {
    advance()
    let all = segmentsInRing + singlesInRing
    let isFull = polling >= cpu.weight - 1e-6
    let share = isFull && all > 0 ? min(polling, all) / all : 1
    deliver(segmentsInRing * share, singlesInRing * share)
    if isFull { isReceivePending = true } else { isMasked = false }
  }

  /// Packets leave the ring for the socket, or for a reader elsewhere.
  private mutating func deliver(_ segments: Double, _ singles: Double) {
    segmentsInRing -= segments
    singlesInRing -= singles
    if cpu.hasRequests, singles > 0 { noteArrivals(singles) }
    firstInterrupt = -1
    lastPoll = now
    guard cpu.readerHere else {
      bytes += segments * cpu.segment
      noteLatencies()
      return
    }
    readable += segments
    if cpu.hasRequests { singlesReady += singles }
    if readable > 1e-9 || singlesReady > 0 { wake(FluidTask.reader) }
  }

  /// Requests reach the socket; with a flow they arrived at any time since the last poll, alone when
  /// the queue interrupted.
  private mutating func noteArrivals(_ count: Double) {
    let hasFlow = cpu.segmentRate > 0
    let first = hasFlow ? lastPoll : max(0, firstInterrupt)
    if waiting == 0 { waitingSince = first }
    waitingUntil = hasFlow || now - first > 1e6 ? now : first
    waiting += count
  }

  /// All requests in the socket have been read.
  private mutating func noteLatencies() {
    guard waiting > 0 else { return }
    latencies.add(
      now - waitingUntil + cpu.roundTrip,
      now - waitingSince + cpu.roundTrip,
      weight: waiting
    )
    waiting = 0
  }

  /// The reader's next system calls: up to 128 KiB of stream and all requests.
  mutating func beginRead() {
    segmentsInRead = min(readable, max(1, 131_072 / cpu.segment) * cpu.dilation)
    readable -= segmentsInRead
    if readable < 1e-6 { readable = 0 }
    let calls = (segmentsInRead > 0 ? 1 : 0) + singlesReady
    singlesReady = 0
    remaining[FluidTask.reader] +=
      segmentsInRead * cpu.segment / 1_024 * cpu.readerKilobyte + max(1, calls) * cpu.readerCall
  }

  /// The reader has copied its data; true if there is more.
  mutating func endRead() -> Bool {
    let wasBlocked = isBlocked
    bytes += segmentsInRead * cpu.segment
    if segmentsInRead > 0 {
      if wasBlocked { resumesAt = now + cpu.roundTrip }
      segmentsInRead = 0
    }
    noteLatencies()
    return readable > 1e-9 || singlesReady > 0
  }

  /// What a stretch of stolen time ended with.
  enum Stolen { case nothing, event, segmentEnd }

  /// While the reader waits anyway, interrupts wake nobody: they only steal their share of the time
  /// until the walker's segment ends, something else happens or the window is full.
  mutating func stealFluid(until end: Double, _ other: Double) -> Stolen {
    guard scheduler.current == FluidTask.walker, !cpu.threadedNAPI,
      !isMasked, resumesAt <= now, !scheduler.entities[FluidTask.ksoftirqd].isQueued,
      !cpu.readerHere || scheduler.entities[FluidTask.reader].isQueued
    else { return .nothing }
    let period = cpu.interruptPeriod
    let share = cpu.handlesInterrupts ? cpu.interruptShare : 0
    let batch = period * cpu.packetRate
    guard share < 0.9, batch < 50 * cpu.dilation else { return .nothing }
    let stop = min(other, now + (end - now) / (1 - share))
    var until = stop
    if cpu.readerHere, cpu.segmentRate > 0 {
      until = min(stop, now + (credit - 2 * batch) / cpu.segmentRate)
    }
    guard until - now > 4 * period else { return .nothing }
    pour(until - now, share)
    nextAllowed = now + period / 2
    return until == stop && stop < other ? .segmentEnd : .event
  }

  /// Lets packets flow past the waiting reader for a while, and the walker work beside them.
  private mutating func pour(_ length: Double, _ share: Double) {
    spend(length * (1 - share))
    let segments = cpu.segmentRate * length + segmentsInRing
    let singles = cpu.singleRate * length + singlesInRing
    now += length
    advancedTo = now
    segmentsInRing = 0
    singlesInRing = 0
    if cpu.hasRequests {
      if waiting == 0 { waitingSince = now - length }
      waitingUntil = now
      waiting += singles
    }
    lastPoll = now
    firstInterrupt = -1
    guard cpu.readerHere else {
      bytes += segments * cpu.segment
      noteLatencies()
      return
    }
    readable += segments
    if cpu.hasRequests { singlesReady += singles }
  }
}
