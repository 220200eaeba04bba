// SPDX-License-Identifier: GPL-3.0-or-later

import Events
package import Observations
package import Operations
import Profiles
package import Quantities
import Randomness

extension FaultStorm {
  /// What a storm measured.
  package struct Outcome: Sendable {
    /// From the first touch until every vCPU has touched every page.
    package var time = Nanoseconds.zero
    /// Faults, retries and notifier calls, and how long faults took.
    package var faults = FaultOutcome()
    /// Notifier calls that cleared a valid entry.
    package var clearingCalls: Int64 = 0
    /// Holds of mmu_lock for write.
    package var holds = LatencySummary()
    /// The longest any vCPU waited for the lock.
    package var longestWait = Nanoseconds.zero
    /// Events executed.
    package var events: Int64 = 0
    /// The digest of all of them.
    package var digest: UInt64 = 0
  }

  /// Runs the storm.
  package func run() -> Outcome {
    var run = StormRun(self)
    return run.run()
  }
}

extension FaultStorm.Outcome {
  /// Enters what a storm has measured once its last vCPU is done.
  mutating func close(
    _ queue: EventQueue<VirtualCPU>,
    _ digest: Digest,
    latencies: Latencies,
    holds: Latencies
  ) {
    time = queue.now.sinceStart
    faults.latency = latencies.summary
    self.holds = holds.summary
    events = queue.taken
    self.digest = digest.value
  }
}

/// A vCPU as the subject of an event.
struct VirtualCPU: EventKind {
  let rawValue: Int
  static let allCases = (0..<FaultStorm.vcpuLimit).map { VirtualCPU(rawValue: $0) }
}

/// A storm while it runs.
struct StormRun: Sendable {
  enum Step: Sendable {
    case touch, faulted, allocated, notified, installed, mapped
  }

  enum Mapping: Sendable { case none, zeroPage, writable }

  struct Actor: Sendable {
    var page = 0
    var step = Step.touch
    var isWriter: Bool
    var began = Instant.start
    var sequence: Int64 = 0
    var asked = Instant.start
    var isRetry = false
    /// Whether the leaf is just being mapped by another vCPU.
    var isInTheWay = false
  }

  let storm: FaultStorm
  var queue = EventQueue<VirtualCPU>()
  var digest = Digest()
  var actors: [Actor]
  var mapped: [Mapping]
  var host: [Mapping]
  /// When the clean that goes with a leaf's mapping ends or ended; nil while it is not mapped.
  var cleanEnd: [Instant?]
  /// When the host has a huge page ready, for those that are being made.
  var ready: [Instant?]
  var lock = QueuedLock()
  var sequence: Int64 = 0
  var inProgress = 0
  var running: Int
  var outcome = FaultStorm.Outcome()
  var latencies = Latencies()
  var holds = Latencies()

  init(_ storm: FaultStorm) {
    self.storm = storm
    let spread = storm.writers
    actors = (0..<storm.vcpus).map { index in
      let place = Int64(index) * spread.numerator % spread.denominator
      return Actor(isWriter: place < spread.numerator)
    }
    mapped = Array(repeating: .none, count: storm.pages)
    host = mapped
    cleanEnd = Array(repeating: nil, count: storm.pages)
    ready = Array(repeating: nil, count: storm.pages)
    running = storm.vcpus
    var starts = storm.seed.stream("storm")
    for index in 0..<storm.vcpus {
      let start = Instant.start + starts.uniform(below: .microseconds(5))
      queue.schedule(VirtualCPU(rawValue: index), at: start)
    }
  }

  mutating func run() -> FaultStorm.Outcome {
    while let vcpu = queue.next() {
      digest.add(queue.now, vcpu.rawValue, Int64(actors[vcpu.rawValue].page))
      advance(vcpu.rawValue)
      if running == 0 { break }
    }
    outcome.close(queue, digest, latencies: latencies, holds: holds)
    return outcome
  }

  private mutating func go(_ actor: Int, to step: Step, after time: Nanoseconds) {
    actors[actor].step = step
    queue.schedule(VirtualCPU(rawValue: actor), at: queue.now + time)
  }

  private mutating func advance(_ actor: Int) {
    switch actors[actor].step {
    case .touch: touch(actor)
    case .faulted: lookUp(actor)
    case .allocated:
      host[actors[actor].page] = .writable
      ask(actor, then: .mapped)
    case .notified: notified(actor)
    case .installed: installed(actor)
    case .mapped: finishMapping(actor)
    }
  }

  private mutating func touch(_ actor: Int) {
    let page = actors[actor].page
    let isEnough =
      mapped[page] == .writable || (mapped[page] == .zeroPage && !actors[actor].isWriter)
    if isEnough {
      nextPage(actor, after: .nanoseconds(100))
      return
    }
    outcome.faults.faults += 1
    if !actors[actor].isRetry { actors[actor].began = queue.now }
    actors[actor].sequence = sequence
    go(actor, to: .faulted, after: storm.costs.outsideLock * 1)
  }

  private mutating func nextPage(_ actor: Int, after time: Nanoseconds) {
    actors[actor].page += 1
    actors[actor].isRetry = false
    guard actors[actor].page < storm.pages else {
      running -= 1
      return
    }
    go(actor, to: .touch, after: time)
  }

  /// The host's page tables: what they map, and what it takes to map more.
  private mutating func lookUp(_ actor: Int) {
    let page = actors[actor].page
    if let population = storm.population, host[page] == .none {
      let end = ready[page] ?? queue.now + population
      ready[page] = end
      go(actor, to: .allocated, after: end - queue.now)
      return
    }
    switch (host[page], actors[actor].isWriter) {
    case (.writable, _), (.zeroPage, false): ask(actor, then: .mapped)
    case (.none, false):
      host[page] = .zeroPage
      ask(actor, then: .mapped)
    case (.none, true): go(actor, to: .allocated, after: storm.costs.pageAllocation * 1)
    case (.zeroPage, true):
      // Copy-on-write: the page is allocated, then the notifier is called before the host's
      // entry is looked at again, so every writer that came this far calls it.
      go(actor, to: .notified, after: storm.costs.pageAllocation * 1)
    }
  }

  /// The notifier begins: the lock for write.
  private mutating func notified(_ actor: Int) {
    outcome.faults.notifierCalls += 1
    inProgress += 1
    ask(actor, then: .installed)
  }

  /// The notifier's unmap is done, the copy installed if nobody was faster.
  private mutating func installed(_ actor: Int) {
    let page = actors[actor].page
    mapped[page] = .none
    cleanEnd[page] = nil
    host[page] = .writable
    inProgress -= 1
    sequence += 1
    release(actor)
    ask(actor, then: .mapped)
  }

  /// Whether no notifier has run since the fault began, or nobody asks.
  private func mayMap(_ actor: Int) -> Bool {
    !storm.retriesFaults || (inProgress == 0 && sequence == actors[actor].sequence)
  }

  private mutating func finishMapping(_ actor: Int) {
    let page = actors[actor].page
    release(actor)
    let isInTheWay = actors[actor].isInTheWay
    actors[actor].isInTheWay = false
    guard mayMap(actor), !isInTheWay else {
      outcome.faults.retries += 1
      actors[actor].isRetry = true
      go(actor, to: .touch, after: storm.costs.retry * 1)
      return
    }
    mapped[page] = host[page]
    latencies.record(queue.now - actors[actor].began)
    nextPage(actor, after: .nanoseconds(100))
  }

  /// Asks for mmu_lock; what follows once it is held is `step`, at the end of the hold.
  private mutating func ask(_ actor: Int, then step: Step) {
    actors[actor].step = step
    actors[actor].asked = queue.now
    let isWrite = step == .installed || !storm.sharesLock
    if lock.acquire(actor, isWrite: isWrite) { hold(actor) }
  }

  private mutating func hold(_ actor: Int) {
    outcome.longestWait = max(outcome.longestWait, queue.now - actors[actor].asked)
    var time = storm.costs.insideLock * 1
    if actors[actor].step == .installed {
      let isMapped = mapped[actors[actor].page] != .none
      outcome.clearingCalls += isMapped ? 1 : 0
      time = isMapped ? storm.clearing : storm.finding
      holds.record(time)
    } else if storm.cleaning > .zero, mayMap(actor) {
      time += cleaning(by: actor)
    }
    queue.schedule(VirtualCPU(rawValue: actor), at: queue.now + time)
  }

  /// How long a fault cleans the leaf that it maps; one that another cleans is in the way (EAGAIN).
  private mutating func cleaning(by actor: Int) -> Nanoseconds {
    let page = actors[actor].page
    if let end = cleanEnd[page], !storm.cleansDuplicates {
      actors[actor].isInTheWay = end > queue.now + storm.costs.insideLock * 1
      return .zero
    }
    cleanEnd[page] = queue.now + storm.cleaning
    return storm.cleaning
  }

  private mutating func release(_ actor: Int) {
    for next in lock.release() { hold(next) }
  }
}

/// A queued reader-writer lock: whoever waits longest comes next, readers together.
struct QueuedLock: Sendable {
  private var holders = 0
  private var isHeldForWrite = false
  private var waiting = Ring<(actor: Int, isWrite: Bool)>(
    capacity: FaultStorm.vcpuLimit,
    filler: (0, false)
  )

  /// Takes the lock at once, or queues; true if it was taken.
  mutating func acquire(_ actor: Int, isWrite: Bool) -> Bool {
    if waiting.isEmpty, holders == 0 || (!isWrite && !isHeldForWrite) {
      holders += 1
      isHeldForWrite = isWrite
      return true
    }
    waiting.append((actor, isWrite))
    return false
  }

  /// Gives the lock back; returns who holds it now that did not before.
  mutating func release() -> [Int] {
    holders -= 1
    guard holders == 0, !waiting.isEmpty else { return [] }
    isHeldForWrite = waiting.first.isWrite
    var next: [Int] = []
    repeat {
      next.append(waiting.first.actor)
      waiting.removeFirst()
    } while !isHeldForWrite && !waiting.isEmpty && !waiting.first.isWrite
    holders = next.count
    return next
  }
}
