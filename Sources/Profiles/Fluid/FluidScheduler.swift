// SPDX-License-Identifier: GPL-3.0-or-later

/// The fair run queue of one CPU in a fluid estimate: CFS or EEVDF over tasks of equal weight, with
/// times as fractions of nanoseconds.
struct FluidScheduler: Sendable {
  /// What the scheduler knows of one task.
  struct Entity: Sendable {
    var isQueued = false
    var virtual = 0.0
    var deadline = 0.0
    var lag = 0.0
    var sincePicked = 0.0
    var isProtected = false
  }

  let isEEVDF: Bool
  let delaysDequeue: Bool
  let slice: Double
  let granularity: Double
  let wakeupLead: Double
  let mostLag: Double
  var entities: [Entity]
  /// The running task, or -1.
  private(set) var current = -1
  private var queued = 0
  private var minimum = 0.0
  private var chargedUntil = 0.0

  init(_ cpu: SharedCPU, tasks: Int) {
    isEEVDF = cpu.isEEVDF
    delaysDequeue = cpu.delaysDequeue
    slice = cpu.slice
    granularity = cpu.granularity
    wakeupLead = cpu.wakeupLead
    mostLag = cpu.lag
    entities = [Entity](repeating: Entity(), count: tasks)
  }

  /// Adds the time since the last call to the running task.
  mutating func charge(_ now: Double) {
    let ran = now - chargedUntil
    chargedUntil = now
    guard current >= 0, ran > 0 else { return }
    entities[current].virtual += ran
    entities[current].sincePicked += ran
    if !isEEVDF { raiseMinimum() }
  }

  private mutating func raiseMinimum() {
    if let least = leastVirtual(besides: -1) { minimum = max(minimum, least) }
  }

  private func leastVirtual(besides task: Int) -> Double? {
    var least: Double?
    for index in entities.indices where entities[index].isQueued && index != task {
      let virtual = entities[index].virtual
      if virtual < least ?? .infinity { least = virtual }
    }
    return least
  }

  private var total: Double {
    var sum = 0.0
    for entity in entities where entity.isQueued { sum += entity.virtual }
    return sum
  }

  /// Makes a task runnable; true if the running one should give way to it.
  mutating func wake(_ task: Int, now: Double) -> Bool {
    charge(now)
    guard !entities[task].isQueued else { return false }
    if isEEVDF { return wakeByDeadline(task) }
    entities[task].virtual = max(entities[task].virtual, minimum - slice / 2)
    enqueue(task)
    guard current >= 0 else { return true }
    return entities[current].virtual - entities[task].virtual > wakeupLead
  }

  private mutating func enqueue(_ task: Int) {
    entities[task].isQueued = true
    queued += 1
  }

  private mutating func wakeByDeadline(_ task: Int) -> Bool {
    let count = Double(queued)
    let average = queued > 0 ? total / count : minimum
    let lag = entities[task].lag
    var virtual = entities[task].virtual
    if lag < 0, delaysDequeue {
      virtual = max(virtual, average)
    } else {
      virtual = average - (queued > 0 ? lag * (count + 1) / count : lag)
    }
    entities[task].virtual = virtual
    entities[task].deadline = virtual + slice
    enqueue(task)
    guard current >= 0 else { return true }
    let isExpired = renewDeadline(of: current)
    return best() == task || isExpired
  }

  private mutating func renewDeadline(of task: Int) -> Bool {
    guard entities[task].virtual >= entities[task].deadline else { return false }
    entities[task].deadline = entities[task].virtual + slice
    entities[task].isProtected = false
    return queued > 1
  }

  /// The running task goes to sleep.
  mutating func sleep(now: Double) {
    charge(now)
    let task = current
    if isEEVDF {
      let average = total / Double(queued)
      minimum = max(minimum, average)
      entities[task].lag = min(mostLag, max(-mostLag, average - entities[task].virtual))
    }
    entities[task].isQueued = false
    queued -= 1
    current = -1
    if !isEEVDF { raiseMinimum() }
  }

  /// Takes a task that waits out of the queue.
  mutating func remove(_ task: Int) {
    guard entities[task].isQueued, task != current else { return }
    entities[task].isQueued = false
    queued -= 1
  }

  /// The running task yields of its own will.
  mutating func yield(now: Double) {
    charge(now)
    if isEEVDF {
      entities[current].deadline += slice
      entities[current].isProtected = false
    } else if let least = leastVirtual(besides: current) {
      entities[current].virtual = max(entities[current].virtual, least + 1)
    }
  }

  /// The tick; true if the running task should give way.
  mutating func tick(_ now: Double) -> Bool {
    charge(now)
    guard current >= 0 else { return false }
    if isEEVDF { return renewDeadline(of: current) }
    guard queued > 1 else { return false }
    let ideal = max(slice / Double(queued), granularity)
    let ran = entities[current].sincePicked
    if ran > ideal { return true }
    guard ran >= granularity, let least = leastVirtual(besides: -1) else { return false }
    return entities[current].virtual - least > ideal
  }

  private func best() -> Int {
    var choice = -1
    if !isEEVDF {
      for index in entities.indices where entities[index].isQueued {
        if choice < 0 || entities[index].virtual < entities[choice].virtual { choice = index }
      }
      return choice
    }
    // A thousandth of a nanosecond is no lead.
    let (count, sum) = (Double(queued), total + 1e-3)
    if current >= 0, entities[current].isProtected, entities[current].virtual * count <= sum {
      return current
    }
    for index in entities.indices
    where entities[index].isQueued && entities[index].virtual * count <= sum {
      if choice < 0 || entities[index].deadline < entities[choice].deadline { choice = index }
    }
    return choice
  }

  /// Chooses the task that runs next; -1 when none is runnable.
  mutating func pick(now: Double) -> Int {
    charge(now)
    let choice = best()
    if choice != current, choice >= 0 {
      entities[choice].sincePicked = 0
      entities[choice].isProtected = true
    }
    current = choice
    return choice
  }

  /// Takes what a short warm-up did for what a long one does, where run times add up (CFS); the
  /// walker starts so much behind the others.
  mutating func stretch(by factor: Double, walker: Int, credit: Double) {
    guard !isEEVDF else { return }
    for index in entities.indices { entities[index].virtual *= factor }
    minimum = entities.map(\.virtual).max() ?? 0
    entities[walker].virtual = max(0, minimum - credit)
  }
}
