// SPDX-License-Identifier: GPL-3.0-or-later

import Events
import Observations
package import Operations
import Quantities
import Randomness

extension PrivateStorm {
  /// Runs the storm; its outcome has no notifier calls, and only exclusive faults are holds.
  package func run() -> FaultStorm.Outcome {
    var run = PrivateRun(self)
    return run.run()
  }
}

/// A storm of accesses while it runs.
struct PrivateRun: Sendable {
  enum Step: Sendable { case faulted, passedLine, cleared, changed, issued, carried, ended }

  struct Actor: Sendable {
    var access = 0
    var step = Step.faulted
    var fault = PrivateStorm.Fault()
    /// Whether the block that the access lies in is split.
    var isSplit = false
    var began = Instant.start
    var asked = Instant.start
  }

  let storm: PrivateStorm
  var queue = EventQueue<VirtualCPU>()
  var digest = Digest()
  var actors: [Actor]
  var lock = QueuedLock()
  var line = QueuedLock()
  var memory = QueuedLock()
  var fabric = QueuedLock()
  var running: Int
  var outcome = FaultStorm.Outcome()
  var latencies = Latencies()
  var holds = Latencies()
  var chance: Stream
  var writes: Stream

  init(_ storm: PrivateStorm) {
    self.storm = storm
    actors = Array(repeating: Actor(), count: storm.vcpus)
    running = storm.vcpus
    chance = storm.seed.stream("dirty")
    writes = storm.seed.stream("writes")
    for actor in actors.indices { access(actor) }
  }

  mutating func run() -> FaultStorm.Outcome {
    while running > 0, let vcpu = queue.next() {
      digest.add(queue.now, vcpu.rawValue, Int64(actors[vcpu.rawValue].access))
      advance(vcpu.rawValue)
    }
    outcome.close(queue, digest, latencies: latencies, holds: holds)
    return outcome
  }

  private mutating func go(_ actor: Int, to step: Step, after time: Nanoseconds) {
    actors[actor].step = step
    queue.schedule(VirtualCPU(rawValue: actor), at: queue.now + time)
  }

  /// The vCPU goes on to its next access that faults, or to its end.
  private mutating func access(_ actor: Int) {
    var hits = Nanoseconds.zero
    while actors[actor].access < storm.accesses {
      if let fault = nextFault(actor) {
        outcome.faults.faults += 1
        actors[actor].fault = fault
        actors[actor].began = queue.now + hits
        let spread = chance.uniform(below: fault.outside + .nanoseconds(1))
        let before = max(.zero, fault.outside / 2 + spread - fault.line)
        go(actor, to: .faulted, after: hits + before)
        return
      }
      hits += storm.hit
      actors[actor].access += 1
    }
    if hits > .zero { go(actor, to: .ended, after: hits) } else { running -= 1 }
  }

  /// The fault of a vCPU's next access; nil where stage 2 allows it.
  private mutating func nextFault(_ actor: Int) -> PrivateStorm.Fault? {
    switch storm.memory {
    case .empty: return storm.map
    case .pages: return isWrite() ? storm.relax : nil
    case .blocks(let pages):
      if actors[actor].access % pages == 0 { actors[actor].isSplit = false }
      if actors[actor].isSplit { return storm.map }
      guard isWrite() else { return nil }
      actors[actor].isSplit = true
      return storm.split
    }
  }

  private mutating func isWrite() -> Bool { storm.writes >= 1 || writes.uniform() < storm.writes }

  private mutating func advance(_ actor: Int) {
    let fault = actors[actor].fault
    switch actors[actor].step {
    case .faulted:
      if !take(\.line, actor, for: \.line, then: .passedLine) { clear(actor) }
    case .passedLine:
      give(\.line, for: \.line, then: .passedLine)
      clear(actor)
    case .cleared:
      give(\.memory, for: \.clearing, then: .cleared)
      ask(actor)
    case .changed: go(actor, to: .issued, after: fault.issue)
    case .issued:
      if !take(\.fabric, actor, for: \.carried, then: .carried) { finish(actor) }
    case .carried:
      give(\.fabric, for: \.carried, then: .carried)
      finish(actor)
    case .ended: running -= 1
    }
  }

  /// Queues for what one fault after another takes for some time; false where the fault takes none.
  private mutating func take(
    _ server: WritableKeyPath<Self, QueuedLock>,
    _ actor: Int,
    for time: KeyPath<PrivateStorm.Fault, Nanoseconds>,
    then step: Step
  ) -> Bool {
    let length = actors[actor].fault[keyPath: time]
    guard length > .zero else { return false }
    if self[keyPath: server].acquire(actor, isWrite: true) { go(actor, to: step, after: length) }
    return true
  }

  /// Gives it back to whoever waits longest.
  private mutating func give(
    _ server: WritableKeyPath<Self, QueuedLock>,
    for time: KeyPath<PrivateStorm.Fault, Nanoseconds>,
    then step: Step
  ) {
    for next in self[keyPath: server].release() {
      go(next, to: step, after: actors[next].fault[keyPath: time])
    }
  }

  /// The memory is cleared where the host has none there, one vCPU at a time as far as the memory
  /// itself is what limits.
  private mutating func clear(_ actor: Int) {
    if !take(\.memory, actor, for: \.clearing, then: .cleared) { ask(actor) }
  }

  private mutating func ask(_ actor: Int) {
    actors[actor].asked = queue.now
    if lock.acquire(actor, isWrite: !actors[actor].fault.sharesLock) { locked(actor) }
  }

  /// The lock is held.
  private mutating func locked(_ actor: Int) {
    outcome.longestWait = max(outcome.longestWait, queue.now - actors[actor].asked)
    actors[actor].asked = queue.now
    go(actor, to: .changed, after: actors[actor].fault.inside)
  }

  /// The flush is complete: the lock is dropped and the vCPU goes on.
  private mutating func finish(_ actor: Int) {
    if !actors[actor].fault.sharesLock { holds.record(queue.now - actors[actor].asked) }
    for next in lock.release() { locked(next) }
    latencies.record(queue.now - actors[actor].began)
    actors[actor].access += 1
    access(actor)
  }
}
