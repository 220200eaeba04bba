// SPDX-License-Identifier: GPL-3.0-or-later

import Events
import Profiles
public import Quantities
public import Randomness

/// vCPUs that write, one after the other, the pages of their own parts of a write-protected memory.
///
/// Every write is a fault: it leaves the guest, takes mmu_lock for read or for write, makes the
/// entry writable and flushes the page. A broadcast flush is issued by its CPU and then waits for
/// its turn on the fabric, which carries one at a time.
public struct DirtyStorm: Sendable {
  /// vCPUs, at most `FaultStorm.vcpuLimit`.
  public var vcpus: Int
  /// Pages that each of them writes.
  public var pages: Int
  /// A fault's time outside the lock; each fault's lies up to half above or below (assumed).
  public var outside: Nanoseconds
  /// A fault's time under the lock, before the flush.
  public var inside: Nanoseconds
  /// The part of the flush in which nobody else is kept from flushing.
  public var issue: Nanoseconds
  /// The part of the flush that occupies the fabric; zero where the flush is local.
  public var carried = Nanoseconds.zero
  /// Whether faults take the lock for read (page write permission from 5.18, all from 6.2).
  public var sharesLock = true
  /// The root of all chance.
  public var seed: Seed

  /// Creates a storm whose faults share the lock and flush locally.
  public init(
    vcpus: Int,
    pages: Int,
    outside: Nanoseconds,
    inside: Nanoseconds,
    flush: Nanoseconds,
    seed: Seed
  ) {
    precondition(
      (1...FaultStorm.vcpuLimit).contains(vcpus) && pages > 0,
      "a storm has vCPUs and pages"
    )
    self.vcpus = vcpus
    self.pages = pages
    self.outside = outside
    self.inside = inside
    issue = flush
    self.seed = seed
  }

  /// Runs the storm; its outcome has no notifier calls, and only exclusive faults are holds.
  public func run() -> FaultStorm.Outcome {
    var run = DirtyRun(self)
    return run.run()
  }
}

/// A storm of writes while it runs.
struct DirtyRun: Sendable {
  enum Step: Sendable { case faulted, relaxed, issued, carried }

  struct Actor: Sendable {
    var page = 0
    var step = Step.faulted
    var began = Instant.start
    var asked = Instant.start
  }

  let storm: DirtyStorm
  var queue = EventQueue<VirtualCPU>()
  var digest = TraceDigest()
  var actors: [Actor]
  var lock = QueuedLock()
  var fabric = QueuedLock()
  var running: Int
  var outcome = FaultStorm.Outcome()
  var latencies = Latencies()
  var holds = Latencies()
  var chance: Stream

  init(_ storm: DirtyStorm) {
    self.storm = storm
    actors = Array(repeating: Actor(), count: storm.vcpus)
    running = storm.vcpus
    chance = storm.seed.stream("dirty")
    for actor in actors.indices { fault(actor) }
  }

  mutating func run() -> FaultStorm.Outcome {
    while running > 0, let vcpu = queue.next() {
      digest.add(queue.now, vcpu.rawValue, Int64(actors[vcpu.rawValue].page))
      advance(vcpu.rawValue)
    }
    outcome.close(queue, digest, latencies: latencies, holds: holds)
    return outcome
  }

  private mutating func go(_ actor: Int, to step: Step, after time: Nanoseconds) {
    actors[actor].step = step
    queue.schedule(VirtualCPU(rawValue: actor), at: queue.now + time)
  }

  /// The vCPU writes its next page and leaves the guest.
  private mutating func fault(_ actor: Int) {
    outcome.faults.faults += 1
    actors[actor].began = queue.now
    let spread = chance.uniform(below: storm.outside + .nanoseconds(1))
    go(actor, to: .faulted, after: storm.outside / 2 + spread)
  }

  private mutating func advance(_ actor: Int) {
    switch actors[actor].step {
    case .faulted:
      actors[actor].asked = queue.now
      if lock.acquire(actor, isWrite: !storm.sharesLock) { locked(actor) }
    case .relaxed: go(actor, to: .issued, after: storm.issue)
    case .issued:
      if storm.carried == .zero {
        finish(actor)
      } else if fabric.acquire(actor, isWrite: true) {
        go(actor, to: .carried, after: storm.carried)
      }
    case .carried:
      for next in fabric.release() { go(next, to: .carried, after: storm.carried) }
      finish(actor)
    }
  }

  /// The lock is held.
  private mutating func locked(_ actor: Int) {
    outcome.longestWait = max(outcome.longestWait, queue.now - actors[actor].asked)
    actors[actor].asked = queue.now
    go(actor, to: .relaxed, after: storm.inside)
  }

  /// The flush is complete: the lock is dropped and the vCPU goes on.
  private mutating func finish(_ actor: Int) {
    if !storm.sharesLock { holds.record(queue.now - actors[actor].asked) }
    for next in lock.release() { locked(next) }
    latencies.record(queue.now - actors[actor].began)
    actors[actor].page += 1
    if actors[actor].page < storm.pages {
      fault(actor)
    } else {
      running -= 1
    }
  }
}
