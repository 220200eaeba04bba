// SPDX-License-Identifier: GPL-3.0-or-later

import Operations

/// The tasks of a fluid estimate, by their place in the run queue; competitors come after.
enum FluidTask {
  static let walker = 0
  static let reader = 1
  /// ksoftirqd, or the thread that polls.
  static let ksoftirqd = 2
  static let storage = 3
  static let competitors = 4
}

/// One CPU with a walker on it, as a fluid: who runs follows the scheduler's rules, packets are
/// rates, and interrupts that nobody waits for are one stretch of stolen time.
///
/// It knows no chance, no losses, no retransmission: where those decide, the simulator says more.
struct FluidCPU: Sendable {
  /// The moment when the walker has spent the credit that CFS gives to those who wake: from then on
  /// woken tasks preempt it as they will for the rest of the operation.
  struct Settled: Sendable {
    /// Nanoseconds since the start.
    var time: Double
    /// Work left in the walker's step, in nanoseconds.
    var left: Double
    var bytes: Double
    var requests: Double
  }

  let cpu: SharedCPU
  var now = 0.0
  var events = 0
  var scheduler: FairScheduler<Double>
  var needsReschedule = false
  var needsLazyReschedule = false
  var remaining: [Double]
  var hasSegment: [Bool]
  var nextTick: Double

  // The network.
  var segmentsInRing = 0.0
  var singlesInRing = 0.0
  var readable = 0.0
  var singlesReady = 0.0
  var segmentsInRead = 0.0
  var advancedTo = 0.0
  var resumesAt = 0.0
  var bytes = 0.0
  var isMasked = false
  var isReceivePending = false
  var nextAllowed = 0.0
  var polling = 0.0
  var lastPoll = 0.0
  var firstInterrupt = -1.0

  // Requests that wait for the reader, and how long others have waited.
  var waitingSince = 0.0
  var waitingUntil = 0.0
  var waiting = 0.0
  var latencies = LatencyBars()

  // Storage: batches at the device with the time of their completion.
  var atDevice: [(time: Double, count: Double)] = []
  var completed = 0.0
  var reaping = 0.0
  var reaped = 0.0

  // The walker.
  var step = FluidStep(kind: .sleep, unit: 0)
  /// Work left in the step.
  var left = 0.0
  /// Work left in a joined chunk, with a controller.
  var leftInJoined = 0.0
  var joined = 1.0
  var quiet = 0
  var delay = 0.0
  var holdBegan: Double?
  var longestHold = 0.0
  var isActive = false
  var isAsleep = true
  var wakesAt = Double.infinity
  /// When the walker had spent its first credit; never with EEVDF, which gives none.
  var settled: Settled?
  private var settlesAt = Double.infinity
  private var settlesBeyond = 0.0
  /// The walker only waits for the CPU; the loop ends when it has it.
  var waitsForCPU = false

  init(_ cpu: SharedCPU) {
    self.cpu = cpu
    let tasks = FluidTask.competitors + cpu.competitors
    scheduler = FairScheduler(rules: cpu.scheduler, tasks: tasks)
    remaining = [Double](repeating: 0, count: tasks)
    hasSegment = [Bool](repeating: false, count: tasks)
    nextTick = cpu.jiffy / 2
    var (left, time) = (cpu.queueDepth, cpu.diskLatency)
    while left > 0 {
      let batch = min(left, cpu.servers)
      atDevice.append((time, batch))
      time += cpu.diskLatency
      left -= batch
    }
    for task in 0..<cpu.competitors { wake(FluidTask.competitors + task) }
  }

  // Tasks.

  /// Makes a task runnable; sets the flags if the running one should give way.
  mutating func wake(_ task: Int) {
    guard scheduler.wake(task, now: now) else { return }
    if cpu.isLazy, scheduler.current >= 0 {
      needsLazyReschedule = true
    } else {
      needsReschedule = true
    }
  }

  /// The scheduler chooses who runs now.
  mutating func reschedule() {
    needsReschedule = false
    needsLazyReschedule = false
    let previous = scheduler.current
    let task = scheduler.pick(now: now)
    guard task >= 0 else { return }
    if task != previous {
      if task == FluidTask.walker {
        delay += cpu.contextSwitch
      } else {
        remaining[task] += cpu.contextSwitch
      }
    }
    if task == FluidTask.walker {
      takeLock()
    } else if !hasSegment[task] {
      beginSegment(of: task)
    }
  }

  private mutating func beginSegment(of task: Int) {
    hasSegment[task] = true
    switch task {
    case FluidTask.reader: beginRead()
    case FluidTask.ksoftirqd:
      remaining[task] += startPoll() + (cpu.threadedNAPI ? 0 : cpu.softirqEntry)
    case FluidTask.storage:
      reaping = completed
      remaining[task] += reaping * cpu.submission
    default: remaining[task] = .infinity
    }
  }

  /// The running task's segment ends.
  private mutating func endSegment() {
    let task = scheduler.current
    remaining[task] = 0
    let goesOn: Bool
    switch task {
    case FluidTask.reader: goesOn = endRead()
    case FluidTask.ksoftirqd:
      finishPoll()
      goesOn = isReceivePending
      isReceivePending = false
    default:
      reaped += reaping
      submit(reaping)
      completed -= reaping
      goesOn = completed > 0
    }
    hasSegment[task] = false
    if !goesOn {
      scheduler.sleep(now: now)
      needsReschedule = true
    }
    if needsReschedule || needsLazyReschedule {
      reschedule()
    } else {
      beginSegment(of: task)
    }
  }

  /// After an interrupt: the running task gives way if it can be preempted here.
  private mutating func preempt() {
    guard needsReschedule || needsLazyReschedule else { return }
    let mayPreempt: Bool
    switch scheduler.current {
    case -1: mayPreempt = true
    case FluidTask.competitors...: mayPreempt = true
    case FluidTask.ksoftirqd: mayPreempt = false
    case FluidTask.walker:
      mayPreempt = needsReschedule && cpu.preemptsKernel && holdBegan == nil
    default: mayPreempt = needsReschedule && cpu.preemptsKernel
    }
    if mayPreempt { reschedule() }
  }

  // Storage.

  /// The device interrupts: its completions wake whoever waits for them.
  private mutating func storageInterrupt() {
    var count = 0.0
    while let batch = atDevice.first, batch.time <= now + 1e-6 {
      count += batch.count
      atDevice.removeFirst()
    }
    completed += count
    now += cpu.hardInterrupt + count * cpu.completion
    if cpu.storageHere {
      wake(FluidTask.storage)
    } else {
      reaped += completed
      submit(completed)
      completed = 0
    }
    runPendingSoftirqs()
  }

  private mutating func submit(_ count: Double) {
    guard count > 0 else { return }
    atDevice.append((max(now + cpu.diskLatency, atDevice.last?.time ?? 0), count))
  }

  private mutating func tick() {
    nextTick += cpu.jiffy
    now += cpu.tick
    if scheduler.tick(now) { needsReschedule = true }
    if needsLazyReschedule {
      needsLazyReschedule = false
      needsReschedule = true
    }
    // One tick in sixteen finds expired timers, which cost another.
    now += cpu.tick / 16
    runPendingSoftirqs()
  }

  // Events.

  /// When the running task's segment ends if nothing interrupts it.
  private var segmentEnd: Double {
    switch scheduler.current {
    case FluidTask.walker:
      let waits = needsReschedule && step.yieldsBetween && (!step.holdsLock || cpu.breaks)
      return now + delay + (waits ? leftInChunk : left)
    case -1: return .infinity
    default: return now + remaining[scheduler.current]
    }
  }

  /// Lets time pass until the walker's step ends, the walker has the CPU if it waits for it, a sleep
  /// ends, or so many events have been taken.
  mutating func run(upTo limit: Int) {
    while events < limit {
      if waitsForCPU, scheduler.current == FluidTask.walker { return }
      events += 1
      advance()
      let device = atDevice.first?.time ?? .infinity
      let other = min(nextTick, min(device, wakesAt))
      var end = segmentEnd
      var interrupt = nextInterrupt()
      if interrupt < end, interrupt < other {
        switch stealFluid(until: end, other) {
        case .event: continue
        case .segmentEnd: (end, interrupt) = (now, .infinity)
        case .nothing: break
        }
      }
      let time = min(end, min(other, interrupt))
      guard time < .infinity else { return }
      pass(to: time)
      if scheduler.current == FluidTask.walker, now >= settlesAt { settle() }
      if time == end {
        if scheduler.current != FluidTask.walker {
          advance()
          endSegment()
        } else if walkerBoundary() {
          return
        }
      } else if time == wakesAt {
        wakesAt = .infinity
        if isActive { wakeWalker() }
        return
      } else {
        take(time, device, interrupt)
      }
    }
  }

  /// Looks from now on for the moment when the walker has spent its credit and is ahead by the lead
  /// over which others preempt it.
  mutating func settle(after credit: Double) {
    guard !scheduler.isEEVDF else { return }
    settlesAt = now
    settlesBeyond = scheduler.entities[FluidTask.walker].virtual + credit
  }

  private mutating func settle() {
    scheduler.charge(now)
    guard scheduler.entities[FluidTask.walker].virtual >= settlesBeyond else { return }
    settlesAt = .infinity
    settled = Settled(time: now, left: left, bytes: bytes, requests: reaped)
  }

  private mutating func take(_ time: Double, _ device: Double, _ interrupt: Double) {
    if time == device {
      storageInterrupt()
    } else if time == nextTick {
      tick()
    } else {
      queueInterrupt()
    }
    preempt()
  }

  private mutating func wakeWalker() {
    wake(FluidTask.walker)
    if scheduler.current < 0 { reschedule() } else { preempt() }
  }

  /// The running task has the CPU up to `time`.
  private mutating func pass(to time: Double) {
    let length = max(0, time - now)
    let task = scheduler.current
    if task == FluidTask.walker {
      spend(length)
    } else if task >= 0 {
      remaining[task] -= length
    }
    now = max(now, time)
  }
}
