// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// A number that run times are kept in: whole nanoseconds in the machine, fractions of them in the
/// estimate.
public protocol RunTime: Comparable, SignedNumeric, Sendable {
  /// A whole number of nanoseconds.
  init(nanoseconds: Int64)
  /// The quotient, rounded towards zero where the type is whole.
  static func / (left: Self, right: Self) -> Self
  /// By how much a sum of run times may be passed by rounding alone.
  static var slack: Self { get }
}

extension Int64: RunTime {
  /// A whole number of nanoseconds.
  @inlinable
  public init(nanoseconds: Int64) { self = nanoseconds }
  /// None: whole numbers add up exactly.
  @inlinable
  public static var slack: Int64 { 0 }
}

extension Double: RunTime {
  /// A whole number of nanoseconds.
  @inlinable
  public init(nanoseconds: Int64) { self = Double(nanoseconds) }
  /// A thousandth of a nanosecond is no lead.
  @inlinable
  public static var slack: Double { 1e-3 }
}

/// The fair run queue of one CPU, CFS or EEVDF: all tasks have nice 0, so virtual time is run time.
///
/// The one scheduler: the machine keeps time in `Int64`, the estimate in `Double`.
public struct FairScheduler<Time: RunTime>: Sendable {
  /// What the scheduler knows of one task; times in nanoseconds of run time.
  public struct Entity: Sendable {
    /// Whether it is runnable.
    public var isQueued = false
    /// Its virtual time.
    public var virtual = Time(nanoseconds: 0)
    /// Its virtual deadline (EEVDF).
    public var deadline = Time(nanoseconds: 0)
    /// The distance to the average that was left when the task went to sleep (EEVDF).
    public var lag = Time(nanoseconds: 0)
    /// Run time since the task was picked last.
    public var sincePicked = Time(nanoseconds: 0)
    /// Whether the slice protects the task from wakeups (EEVDF, run to parity).
    public var isProtected = false

    @inlinable
    init() {}
  }

  /// Whether the rules are EEVDF (from 6.6), not CFS.
  public let isEEVDF: Bool
  /// EEVDF: whether a task that sleeps with negative lag keeps its place (from 6.12).
  public let delaysDequeue: Bool
  /// CFS: the period that all tasks share; EEVDF: the slice.
  public let slice: Time
  /// CFS: the least slice.
  public let granularity: Time
  /// CFS: the lead in virtual time over which a woken task preempts.
  public let wakeupLead: Time
  /// EEVDF: the lag that a sleeping task keeps at most.
  public let mostLag: Time
  /// What is known of each task, by its place.
  public var entities: [Entity]
  /// The running task, or -1 when the CPU idles.
  public var current = -1
  /// How many tasks are queued, the running one included.
  public var queued = 0
  /// CFS: the least virtual time of the queue; EEVDF: the average when it was last left.
  public var minimum = Time(nanoseconds: 0)
  @usableFromInline
  var chargedUntil = Time(nanoseconds: 0)

  /// An empty queue under the rules of a kernel, for so many tasks.
  package init(rules: SchedulerRules, tasks: Int) {
    switch rules {
    case .cfs(let latency, let granularity, let wakeup):
      isEEVDF = false
      delaysDequeue = false
      slice = Time(nanoseconds: latency.rawValue)
      self.granularity = Time(nanoseconds: granularity.rawValue)
      wakeupLead = Time(nanoseconds: wakeup.rawValue)
      mostLag = Time(nanoseconds: 0)
    case .eevdf(let slice, let lag, let delaysDequeue):
      isEEVDF = true
      self.delaysDequeue = delaysDequeue
      self.slice = Time(nanoseconds: slice.rawValue)
      granularity = Time(nanoseconds: 0)
      wakeupLead = Time(nanoseconds: 0)
      mostLag = Time(nanoseconds: lag.rawValue)
    }
    entities = Array(repeating: Entity(), count: tasks)
  }

  /// Adds the time since the last call to the running task.
  @inlinable
  public mutating func charge(_ now: Time) {
    let ran = now - chargedUntil
    chargedUntil = now
    guard current >= 0, ran > Time(nanoseconds: 0) else { return }
    entities[current].virtual += ran
    entities[current].sincePicked += ran
    if !isEEVDF { raiseMinimum() }
  }

  @inlinable
  mutating func raiseMinimum() {
    if let least = leastVirtual(besides: -1), least > minimum { minimum = least }
  }

  @inlinable
  func leastVirtual(besides task: Int) -> Time? {
    var least: Time?
    for index in entities.indices where entities[index].isQueued && index != task {
      let virtual = entities[index].virtual
      if let found = least, virtual >= found { continue }
      least = virtual
    }
    return least
  }

  @inlinable
  func total() -> Time {
    var sum = Time(nanoseconds: 0)
    for index in entities.indices where entities[index].isQueued { sum += entities[index].virtual }
    return sum
  }

  /// Makes a sleeping task runnable; true if the running task should give way to it.
  @inlinable
  public mutating func wake(_ task: Int, now: Time) -> Bool {
    charge(now)
    guard !entities[task].isQueued else { return false }
    if isEEVDF {
      place(task)
      enqueue(task)
      guard current >= 0 else { return true }
      let expired = renewDeadline(of: current)
      return best() == task || expired
    }
    let floor = minimum - slice / Time(nanoseconds: 2)
    entities[task].virtual = max(entities[task].virtual, floor)
    enqueue(task)
    guard current >= 0 else { return true }
    return entities[current].virtual - entities[task].virtual > wakeupLead
  }

  @inlinable
  mutating func enqueue(_ task: Int) {
    entities[task].isQueued = true
    queued += 1
  }

  @inlinable
  mutating func place(_ task: Int) {
    let count = Time(nanoseconds: Int64(queued))
    let average = queued > 0 ? total() / count : minimum
    let lag = entities[task].lag
    var virtual = entities[task].virtual
    if lag < Time(nanoseconds: 0), delaysDequeue {
      virtual = max(virtual, average)
    } else {
      virtual = average - (queued > 0 ? lag * (count + Time(nanoseconds: 1)) / count : lag)
    }
    entities[task].virtual = virtual
    entities[task].deadline = virtual + slice
  }

  /// Gives the task its next deadline if it used up its slice; true if another one waits.
  @inlinable
  mutating func renewDeadline(of task: Int) -> Bool {
    guard entities[task].virtual >= entities[task].deadline else { return false }
    entities[task].deadline = entities[task].virtual + slice
    entities[task].isProtected = false
    return queued > 1
  }

  /// The running task goes to sleep.
  @inlinable
  public mutating func sleep(now: Time) {
    charge(now)
    let task = current
    if isEEVDF {
      let average = total() / Time(nanoseconds: Int64(queued))
      minimum = max(minimum, average)
      entities[task].lag = min(mostLag, max(-mostLag, average - entities[task].virtual))
    }
    entities[task].isQueued = false
    queued -= 1
    current = -1
    if !isEEVDF { raiseMinimum() }
  }

  /// A queued task that does not run goes to another CPU.
  @inlinable
  public mutating func remove(_ task: Int, now: Time) {
    guard entities[task].isQueued, task != current else { return }
    charge(now)
    entities[task].isQueued = false
    queued -= 1
    if !isEEVDF { raiseMinimum() }
  }

  /// The running task yields of its own will (`sched_yield`).
  @inlinable
  public mutating func yield(now: Time) {
    charge(now)
    if isEEVDF {
      entities[current].deadline += slice
      entities[current].isProtected = false
    } else if let least = leastVirtual(besides: current) {
      let behind = least + Time(nanoseconds: 1)
      entities[current].virtual = max(entities[current].virtual, behind)
    }
  }

  /// The periodic tick; true if the running task should give way.
  @inlinable
  public mutating func tick(_ now: Time) -> Bool {
    charge(now)
    guard current >= 0 else { return false }
    if isEEVDF { return renewDeadline(of: current) }
    guard queued > 1 else { return false }
    let ideal = max(slice / Time(nanoseconds: Int64(queued)), granularity)
    let ran = entities[current].sincePicked
    if ran > ideal { return true }
    guard ran >= granularity, let least = leastVirtual(besides: -1) else { return false }
    return entities[current].virtual - least > ideal
  }

  /// The task that should run now, or -1.
  @inlinable
  func best() -> Int {
    guard queued > 0 else { return -1 }
    var choice = -1
    if !isEEVDF {
      for index in entities.indices where entities[index].isQueued {
        if choice < 0 || entities[index].virtual < entities[choice].virtual { choice = index }
      }
      return choice
    }
    let sum = total() + Time.slack
    let count = Time(nanoseconds: Int64(queued))
    if current >= 0, entities[current].isProtected, entities[current].virtual * count <= sum {
      return current
    }
    for index in entities.indices
    where entities[index].isQueued && entities[index].virtual * count <= sum {
      if choice < 0 || entities[index].deadline < entities[choice].deadline { choice = index }
    }
    return choice
  }

  /// Chooses the task that runs next and makes it current; -1 when none is runnable.
  @inlinable
  public mutating func pick(now: Time) -> Int {
    charge(now)
    let choice = best()
    if choice != current, choice >= 0 {
      entities[choice].sincePicked = Time(nanoseconds: 0)
      entities[choice].isProtected = true
    }
    current = choice
    return choice
  }
}
