// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import Events
import Policies
import Profiles
import Quantities
import Randomness

/// What can happen next; the order is the order of events of one instant.
enum MachineEvent: Int, EventKind {
  /// A hard interrupt's handler returns.
  case hardEnd
  /// A softirq round at interrupt exit ends.
  case softirqEnd
  /// A TLB primitive ends, and interrupts that waited for it come in.
  case unmask
  /// The running task's segment ends.
  case taskEnd
  /// The receive queue's interrupt.
  case interrupt
  /// The storage device's interrupt.
  case storage
  /// The periodic tick.
  case tick
  /// The walker's timer.
  case walkerTimer
  /// A request arrives.
  case request
  /// A connection attempt arrives, for the first time or again.
  case connect
  /// The baseline begins, and later the least time ends over which IO is judged.
  case baseline
  /// The run stops.
  case stop
}

/// Hard interrupts, as bits of the set of pending ones.
enum HardInterrupt: Int {
  case queue = 1
  case storage = 2
  case tick = 4
}

/// The tasks of the CPU, by their place in the run queue; competitors come after.
enum CPUTask {
  static let walker = 0
  static let reader = 1
  static let ksoftirqd = 2
  static let pollThread = 3
  static let storage = 4
  static let competitors = 5
}

/// One CPU and everything that shares it: the walker, interrupts, softirqs, tasks.
///
/// The state is one value and a run is one call; nothing outside can see it half-way.
struct Machine {
  let input: MachineInput
  /// What decides while the run goes on what the walker does next.
  var source: (any WorkSource)?
  let softirqs: SoftirqRules
  let model: PreemptionModel
  let costs: MachineCosts
  /// Switches that are asked at every interrupt, out of their set.
  let breaks: Bool
  let handlesInterrupts: Bool
  let masksFlushes: Bool
  let countsAsPreemptible: Bool
  let faultGap: Nanoseconds?
  var guest: GuestFaults?
  var events = EventTable<MachineEvent>()
  /// Events taken after which the run's limit and its watch are looked at.
  var nextLook: Int64 = 0
  /// Events handled so far, by kind.
  var handled = Array(repeating: Int64(0), count: MachineEvent.allCases.count)
  var digest = Digest()
  var scheduler: FairScheduler<Int64>
  var queue: ReceiveQueue
  var disk: StorageQueue
  var outcome = MachineOutcome()

  // Chance, one stream a purpose.
  var tickChance: Stream
  var requestGaps: Stream
  var connectGaps: Stream
  var contention: Stream

  // Contexts, from the innermost out.
  var hard: HardInterrupt?
  var pendingHard = 0
  /// Whether a pending interrupt waits for the end of a TLB primitive.
  var isMasked = false
  var isSoftirqActive = false
  var softirqRemaining = Nanoseconds.zero
  var softirqResumed = Instant.start
  var taskResumed = Instant.start
  var accountedUntil = Instant.start

  // The scheduler's flags and the clock of ticks.
  var needsReschedule = false
  var needsLazyReschedule = false
  var jiffies: Int64 = 0

  // Softirqs.
  var isReceivePending = false
  var isTimerPending = false
  var rounds = 0
  var roundLimit: Int64 = 0
  var isRoundReceiving = false
  var roundPackets: Int64 = 0
  var isThreadInRound = false
  var lastSoftirq = Instant.start
  var dropsRecorded: Int64 = 0

  // Tasks other than the walker.
  var remaining: [Nanoseconds]
  var hasSegment: [Bool]
  var walker: Walker

  // The readers.
  /// Whether the socket's reader, or writer, runs on this CPU.
  var isReaderHere: Bool
  var isStorageTaskHere: Bool
  var datagramsReady: Int64 = 0
  var segmentsInRead: Int64 = 0
  var datagramsInRead: Int64 = 0
  var requestsInRead = 0
  var requestsBeingReaped = 0
  var remoteReader = Instant.start
  var bytes: Int64 = 0
  var lastRead = Instant.start
  var stageTwoMarkBytes: Int64 = 0
  var stageTwoMarkRequests: Int64 = 0
  var stageTwoMarkDatagrams: Int64 = 0
  var stageTwoMarkSegments: Int64 = 0
  var stageTwoMarkDrops: Int64 = 0
  var hasSeenStageTwo = false

  // Packets that are followed one by one.
  var requestsInRing: Ring<ReceiveQueue.Tracked>
  var requestsReady: Ring<Instant>
  var connects: ConnectAttempts
  var requestLatencies = Latencies()
  var storageLatencies = Latencies()

  init(_ input: MachineInput) {
    self.input = input
    source = input.source
    countsAsPreemptible = input.countsAsPreemptible
    faultGap = input.faultGap
    guest = input.guest.map {
      GuestFaults($0, from: .start + input.warmUp, input.seed.stream("guest"))
    }
    var rules = SoftirqRules(
      input.release,
      hz: input.kernel.hz,
      ticksPerSoftirq: input.host.cpu.ticksPerSoftirq
    )
    if let skips = input.switches.skipsSoftirqs { rules.skipsWhileThreadRunnable = skips }
    if !input.switches.has(.softirqRule) { rules.skipsWhileThreadRunnable = false }
    softirqs = rules
    model = input.kernel.preemption
    costs = MachineCosts(input)
    breaks = input.switches.breaks
    handlesInterrupts = input.interrupt != .moved && input.switches.has(.interrupts)
    masksFlushes = input.switches.has(.maskedFlushes)
    let tasks = CPUTask.competitors + input.competitors
    scheduler = FairScheduler(
      rules: SchedulerRules(
        input.release,
        cpus: input.host.cpus,
        jiffy: input.kernel.jiffy
      ),
      tasks: tasks
    )
    remaining = Array(repeating: .zero, count: tasks)
    hasSegment = Array(repeating: false, count: tasks)
    isReaderHere = input.network.reader != .elsewhere
    isStorageTaskHere = input.storage.task != .elsewhere
    walker = Walker(plan: input.plan)
    tickChance = input.seed.stream("tick")
    requestGaps = input.seed.stream("requests")
    connectGaps = input.seed.stream("connects")
    contention = input.seed.stream("contention")
    var phase = input.seed.stream("phase")
    queue = ReceiveQueue(input, costs: costs, phase: &phase)
    disk = StorageQueue(device: input.host.storage, depth: input.storage.queueDepth)
    requestsInRing = Ring(
      capacity: 65_536,
      filler: ReceiveQueue.Tracked(admitted: 0, began: .start)
    )
    requestsReady = Ring(capacity: 65_536, filler: .start)
    connects = ConnectAttempts()
    outcome.steps = input.plan.groups.map { $0.steps.map { StepOutcome(kind: $0.kind) } }
    outcome.trace = Trace(
      limit: input.traceLimit,
      until: input.traceEnd.map { .start + $0 }
    )
    begin(tickPhase: phase.uniform(below: input.kernel.jiffy))
  }

  /// Sets up what happens first.
  private mutating func begin(tickPhase: Nanoseconds) {
    events.schedule(.tick, at: .start + tickPhase)
    events.schedule(.baseline, at: .start + input.warmUp / 2)
    events.schedule(.walkerTimer, at: .start + input.warmUp)
    events.schedule(.stop, at: .start + input.limits.simulated)
    scheduleRequest()
    scheduleConnect()
    beginSending()
    armInterrupt()
    if input.storage.queueDepth > 0 {
      disk.submit(Int64(input.storage.queueDepth), at: .start)
      armStorage()
    }
    for task in 0..<input.competitors {
      _ = scheduler.wake(CPUTask.competitors + task, now: 0)
    }
    if input.competitors > 0 { reschedule() }
  }

  var now: Instant { events.now }

  /// Runs to the end and returns what was measured.
  mutating func run() -> MachineOutcome {
    var last = MachineEvent.stop
    while let event = events.next() {
      digest.add(now, event.rawValue, bytes)
      last = event
      if event == .stop { break }
      if events.taken >= nextLook, !goesOn() {
        outcome.stop = .eventLimit
        break
      }
      handled[event.rawValue] += 1
      handle(event)
    }
    if last == .stop, !walker.isDone { outcome.stop = .timeLimit }
    if outcome.stop != .completed { outcome.stopCause = stopCause }
    finish()
    return outcome
  }

  private mutating func handle(_ event: MachineEvent) {
    switch event {
    case .hardEnd: hardEnd()
    case .softirqEnd: softirqEnd()
    case .unmask: unmask()
    case .taskEnd: taskEnd()
    case .interrupt: queueInterrupt()
    case .storage: raise(.storage)
    case .tick:
      events.schedule(.tick, at: now + input.kernel.jiffy)
      raise(.tick)
    case .walkerTimer: walkerTimer()
    case .request: requestArrives()
    case .connect: connectArrives()
    case .baseline where walker.hasBegun:
      outcome.leastBytes += bytes
      outcome.leastRequests += disk.done
    case .baseline:
      outcome.baselineBytes = -bytes
      outcome.baselineRequests = -disk.done
    case .stop: break
    }
  }
}

extension MachineInput {
  /// Runs the machine on this input: one synchronous call, the same result every time.
  package func run() -> MachineOutcome {
    var machine = Machine(self)
    return machine.run()
  }
}
