// SPDX-License-Identifier: GPL-3.0-or-later

import Events
import Observations
package import Operations
import Quantities
import Randomness

extension DirtyStorm {
  /// Runs the storm; its outcome has no notifier calls, and only exclusive faults are holds.
  package func run() -> FaultStorm.Outcome {
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
  var digest = Digest()
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
