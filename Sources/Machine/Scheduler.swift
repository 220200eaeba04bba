// SPDX-License-Identifier: GPL-3.0-or-later

import Profiles
import Quantities

/// The fair run queue of one CPU: all tasks have nice 0, so virtual time is run time.
struct Scheduler: Sendable {
  /// What the scheduler knows of one task; times in nanoseconds of run time.
  struct Entity: Sendable {
    var isQueued = false
    var virtual: Int64 = 0
    var deadline: Int64 = 0
    /// The distance to the average that was left when the task went to sleep (EEVDF).
    var lag: Int64 = 0
    /// Run time since the task was picked last.
    var sincePicked: Int64 = 0
    /// Whether the slice protects the task from wakeups (EEVDF, run to parity).
    var isProtected = false
  }

  let rules: SchedulerRules
  var entities: [Entity]
  /// The running task, or -1 when the CPU idles.
  private(set) var current = -1
  /// How many tasks are queued, the running one included.
  private(set) var queued = 0
  /// CFS: the least virtual time of the queue; EEVDF: the average when it was last left.
  private var minimum: Int64 = 0
  private var chargedUntil = Instant.start

  init(rules: SchedulerRules, tasks: Int) {
    self.rules = rules
    entities = Array(repeating: Entity(), count: tasks)
  }

  /// Adds the time since the last call to the running task.
  mutating func charge(_ now: Instant) {
    let ran = (now - chargedUntil).rawValue
    chargedUntil = now
    guard current >= 0, ran > 0 else { return }
    entities[current].virtual += ran
    entities[current].sincePicked += ran
    if case .cfs = rules { raiseMinimum() }
  }

  private mutating func raiseMinimum() {
    var least = Int64.max
    for entity in entities where entity.isQueued { least = Swift.min(least, entity.virtual) }
    if least != .max { minimum = Swift.max(minimum, least) }
  }

  /// Makes a sleeping task runnable; true if the running task should give way to it.
  mutating func wake(_ task: Int, now: Instant) -> Bool {
    charge(now)
    guard !entities[task].isQueued else { return false }
    switch rules {
    case .cfs(let latency, _, let wakeup):
      let floor = minimum - latency.rawValue / 2
      entities[task].virtual = Swift.max(entities[task].virtual, floor)
      enqueue(task)
      guard current >= 0 else { return true }
      return entities[current].virtual - entities[task].virtual > wakeup.rawValue
    case .eevdf(let slice, _, let delaysDequeue):
      place(task, slice: slice.rawValue, delaysDequeue: delaysDequeue)
      enqueue(task)
      guard current >= 0 else { return true }
      let expired = renewDeadline(of: current, slice: slice.rawValue)
      return best() == task || expired
    }
  }

  private mutating func enqueue(_ task: Int) {
    entities[task].isQueued = true
    queued += 1
  }

  private mutating func place(_ task: Int, slice: Int64, delaysDequeue: Bool) {
    let count = Int64(queued)
    let average = count > 0 ? total() / count : minimum
    let lag = entities[task].lag
    var virtual = entities[task].virtual
    if lag < 0, delaysDequeue {
      virtual = Swift.max(virtual, average)
    } else {
      virtual = average - (count > 0 ? lag * (count + 1) / count : lag)
    }
    entities[task].virtual = virtual
    entities[task].deadline = virtual + slice
  }

  private func total() -> Int64 {
    var sum: Int64 = 0
    for entity in entities where entity.isQueued { sum += entity.virtual }
    return sum
  }

  /// Gives the task its next deadline if it used up its slice; true if another one waits.
  private mutating func renewDeadline(of task: Int, slice: Int64) -> Bool {
    guard entities[task].virtual >= entities[task].deadline else { return false }
    entities[task].deadline = entities[task].virtual + slice
    entities[task].isProtected = false
    return queued > 1
  }

  /// The running task goes to sleep.
  mutating func sleep(now: Instant) {
    charge(now)
    let task = current
    if case .eevdf(_, let most, _) = rules {
      let limit = most.rawValue
      let average = total() / Int64(queued)
      minimum = Swift.max(minimum, average)
      let lag = average - entities[task].virtual
      entities[task].lag = Swift.min(limit, Swift.max(-limit, lag))
    }
    entities[task].isQueued = false
    queued -= 1
    current = -1
    if case .cfs = rules { raiseMinimum() }
  }

  /// A queued task that does not run goes to another CPU.
  mutating func remove(_ task: Int, now: Instant) {
    guard entities[task].isQueued, task != current else { return }
    charge(now)
    entities[task].isQueued = false
    queued -= 1
    if case .cfs = rules { raiseMinimum() }
  }

  /// The running task yields of its own will (`sched_yield`).
  mutating func yield(now: Instant) {
    charge(now)
    switch rules {
    case .cfs:
      guard queued > 1 else { return }
      let others = entities.indices.filter { $0 != current && entities[$0].isQueued }
      let least = others.map { entities[$0].virtual }.min() ?? 0
      entities[current].virtual = Swift.max(entities[current].virtual, least + 1)
    case .eevdf(let slice, _, _):
      entities[current].deadline += slice.rawValue
      entities[current].isProtected = false
    }
  }

  /// The periodic tick; true if the running task should give way.
  mutating func tick(_ now: Instant) -> Bool {
    charge(now)
    guard current >= 0 else { return false }
    switch rules {
    case .cfs(let latency, let granularity, _):
      guard queued > 1 else { return false }
      let count = Int64(queued)
      let period = count > 8 ? granularity.rawValue * count : latency.rawValue
      let ideal = Swift.max(period / count, granularity.rawValue)
      let ran = entities[current].sincePicked
      if ran > ideal { return true }
      guard ran >= granularity.rawValue, let least = leastVirtual() else { return false }
      return entities[current].virtual - least > ideal
    case .eevdf(let slice, _, _):
      return renewDeadline(of: current, slice: slice.rawValue)
    }
  }

  private func leastVirtual() -> Int64? {
    var least: Int64?
    for entity in entities where entity.isQueued && entity.virtual < least ?? .max {
      least = entity.virtual
    }
    return least
  }

  /// The task that should run now, or -1.
  private func best() -> Int {
    guard queued > 0 else { return -1 }
    var choice = -1
    if case .cfs = rules {
      for (task, entity) in entities.enumerated()
      where entity.isQueued && (choice < 0 || entity.virtual < entities[choice].virtual) {
        choice = task
      }
      return choice
    }
    let sum = total()
    let count = Int64(queued)
    if current >= 0, entities[current].isProtected, entities[current].virtual * count <= sum {
      return current
    }
    for (task, entity) in entities.enumerated()
    where entity.isQueued && entity.virtual * count <= sum
      && (choice < 0 || entity.deadline < entities[choice].deadline)
    {
      choice = task
    }
    return choice
  }

  /// Chooses the task that runs next and makes it current; -1 when none is runnable.
  mutating func pick(now: Instant) -> Int {
    charge(now)
    let choice = best()
    if choice != current, choice >= 0 {
      entities[choice].sincePicked = 0
      entities[choice].isProtected = true
    }
    current = choice
    return choice
  }
}
