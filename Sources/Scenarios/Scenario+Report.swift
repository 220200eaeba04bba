// SPDX-License-Identifier: GPL-3.0-or-later

import Events
import Machine
import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness

extension Scenario {
  /// What a report says it is a report of.
  var identity: RunIdentity {
    RunIdentity(
      host: operation.host.name,
      kernel: operation.kernel.name,
      workload: operation.workload.name,
      policy: operation.policy.description,
      seed: seed.rawValue
    )
  }

  /// A report, its trace, and what the machine measured.
  typealias Measured = (report: RunReport, trace: Trace, outcome: MachineOutcome)

  /// Runs the machine on a plan and turns what it measured into a report.
  func execute(_ planned: ExactPlan) throws(OperationError) -> (report: RunReport, trace: Trace) {
    let measured = try executeMeasured(planned)
    return (measured.report, measured.trace)
  }

  /// The same with what the machine measured beside it.
  func executeMeasured(_ planned: ExactPlan) throws(OperationError) -> Measured {
    switch extent {
    case .exact: return try execute(planned, ScaledPlan(whole: planned.plan))
    case .window(let window):
      return try execute(planned, ScaledPlan(planned.plan, window: window), window.warmUp)
    case .fast(let fast): return try execute(planned, fast)
    }
  }

  /// Runs more and more of the operation until what is left out is known well enough, or there is no
  /// more to run: a long wait stays cut however much is run.
  private func execute(_ planned: ExactPlan, _ fast: FastRun) throws(OperationError) -> Measured {
    var fast = fast
    var last: (plan: WorkPlan, result: Measured)?
    while true {
      let scaled = ScaledPlan(planned.plan, window: fast.window).divided(into: fast.batches)
      if let last, last.plan == scaled.plan { return last.result }
      let result = try execute(planned, scaled, fast.window.warmUp)
      let isLimited = result.report.stop != .completed
      if !scaled.isCut || isLimited || result.report.operation.errorBound <= fast.target {
        return result
      }
      last = (scaled.plan, result)
      fast = fast.doubled
    }
  }

  /// Runs the machine on what is left of a plan, or on what a source gives it while it runs.
  func execute(
    _ planned: ExactPlan,
    _ scaled: ScaledPlan,
    _ warmUp: Nanoseconds? = nil,
    source: (any WorkSource)? = nil
  ) throws(OperationError) -> Measured {
    var input: MachineInput
    do throws(PageTableError) {
      input = try MachineInput(
        host: operation.host,
        kernel: operation.kernel,
        plan: scaled.plan,
        seed: seed
      )
    } catch {
      throw .pageTables(error)
    }
    input.network = operation.workload.network
    input.storage = operation.workload.storage
    input.interrupt = operation.policy.interrupt
    input.threadedNAPI = operation.policy.threadedNAPI
    input.competitors = operation.workload.competitors
    input.limits = limits
    input.switches = operation.switches
    (input.traceLimit, input.traceEnd) = (traceLimit, traceEnd)
    input.watch = watch
    input.source = source
    input.faultGap = operation.faultGap
    input.guest = try operation.runningGuest()
    if let warmUp { input.warmUp = warmUp }
    let outcome = input.run()
    var report = report(outcome, scaled, planned)
    if let seen = outcome.guest, let guest = input.guest {
      report.add(seen, of: guest, in: outcome.ended - outcome.began, planned.plan)
    }
    report.neighbours = try neighbours(planned)
    return (report, outcome.trace, outcome)
  }

  /// What this operation's stage-2 work takes alone, beside its neighbours, and what theirs takes
  /// without it; all alike, and all invalidating at the same time.
  private func neighbours(_ planned: ExactPlan) throws(OperationError) -> NeighbourOutcome? {
    guard operation.workload.neighbours > 0 else { return nil }
    func work(beside count: Int) throws(OperationError) -> Nanoseconds {
      var beside = operation
      beside.workload.neighbours = count
      return try beside.exactPlan().plan.work(.stageTwo)
    }
    return NeighbourOutcome(
      teardowns: operation.workload.neighbours,
      alone: try work(beside: 0),
      beside: planned.plan.work(.stageTwo),
      othersBefore: try work(beside: operation.workload.neighbours - 1)
    )
  }

  private func report(
    _ outcome: MachineOutcome,
    _ scaled: ScaledPlan,
    _ planned: ExactPlan
  ) -> RunReport {
    var report = RunReport(identity: identity)
    (report.stop, report.stopCause) = (outcome.stop, outcome.stopCause)
    report.fidelity = fidelity(scaled)
    report.simulated = outcome.stopped.sinceStart
    report.events = outcome.events
    report.digest = outcome.digest
    report.counts = planned.counts
    report.cpu = outcome.cpu
    report.masked = outcome.masked
    report.operation = times(outcome, scaled, planned)
    if outcome.locks.holds.count > 0 { report.locks = outcome.locks }
    report.watchdogs = watchdogs(outcome, report)
    if operation.workload.operation == .logEnable {
      report.writeProtect = writeProtect(outcome, report)
    }
    addLoads(outcome, scaled, to: &report)
    if operation.workload.operationsPerHour > 0 {
      report.fleet = FleetOutcome(
        cpus: operation.host.cpus,
        queues: operation.host.nic.queues,
        operationsPerHour: operation.workload.operationsPerHour,
        duration: report.operation.whole
      )
    }
    return report
  }

  /// What the kernel's watchdogs see; a memslot delete and a log start hold slots_lock throughout.
  private func watchdogs(_ outcome: MachineOutcome, _ report: RunReport) -> Watchdogs {
    var watchdogs = Watchdogs()
    watchdogs.withoutReschedule = outcome.withoutReschedule
    let isDelete =
      operation.workload.operation == .teardown && operation.path == .memslotDelete
    if isDelete || operation.workload.operation == .logEnable {
      watchdogs.slotsLock = report.operation.whole
    }
    return watchdogs
  }

  private func fidelity(_ scaled: ScaledPlan) -> Fidelity {
    guard scaled.isCut else { return .exact }
    if case .fast = extent { return .fast }
    return .window
  }

  /// How well the batches of a fast run know the whole: the half-width of a 95 % interval.
  private func halfWidth(_ outcome: MachineOutcome, _ scaled: ScaledPlan, of whole: Double)
    -> Double
  {
    var stretches: [WorkStretch: (scale: Double, batches: [(time: Double, work: Double)])] = [:]
    var order: [WorkStretch] = []
    func add(_ stretch: WorkStretch, _ scale: Double, _ time: Nanoseconds, _ work: Int64) {
      if stretches[stretch] == nil { order.append(stretch) }
      stretches[stretch, default: (scale, [])].batches.append((time.inSeconds, Double(work)))
    }
    for (place, steps) in outcome.steps.enumerated() {
      let (group, scales) = (scaled.plan.groups[place], scaled.scales[place])
      if scaled.isRound[place], let scale = scales.first, scale != 1 {
        let time = steps.reduce(Nanoseconds.zero) { $0 + $1.wall }
        add(.rounds(group.steps), scale, time, group.repeats)
        continue
      }
      for (step, (plan, scale)) in zip(steps, zip(group.steps, scales)) where scale != 1 {
        add(.units(plan.kind, plan.unit), scale, step.wall, plan.units)
      }
    }
    var means = BatchMeans()
    for stretch in order {
      if let found = stretches[stretch] { means.add(found.batches, scale: found.scale) }
    }
    return means.halfWidth(of: whole)
  }

  /// Wall times, scaled to the whole where a window was simulated.
  private func times(
    _ outcome: MachineOutcome,
    _ scaled: ScaledPlan,
    _ planned: ExactPlan
  ) -> OperationTimes {
    var times = OperationTimes()
    let isSourced = planned.plan.groups.isEmpty
    times.stageTwoCPU = isSourced ? outcome.work(.stageTwo) : planned.plan.work(.stageTwo)
    let whole = planned.plan.work(.stageTwo) + planned.plan.work(.hostSide)
    var done = Nanoseconds.zero
    for group in outcome.steps { for step in group where step.kind != .sleep { done += step.work } }
    times.simulatedShare = isSourced ? 1 : min(1, done.inSeconds / max(1e-12, whole.inSeconds))
    times.stageTwo = .seconds(rounding: wall(outcome, scaled) { $0 == .stageTwo })
    guard scaled.isCut else {
      times.whole = outcome.ended - outcome.began
      return times
    }
    times.whole = .seconds(rounding: wall(outcome, scaled) { _ in true })
    if case .fast = extent {
      times.errorBound = halfWidth(outcome, scaled, of: times.whole.inSeconds)
      return times
    }
    times.errorBound = 1 / Double(max(1, scaled.plan.groups.reduce(0) { $0 + $1.repeats }))
    times.errorBound = min(0.05, max(0.01, times.errorBound))
    return times
  }

  /// Scaled wall time of the steps of some kinds.
  private func wall(
    _ outcome: MachineOutcome,
    _ scaled: ScaledPlan,
    of isWanted: (WorkKind) -> Bool
  ) -> Double {
    var sum = 0.0
    for (place, group) in outcome.steps.enumerated() {
      let scales = place < scaled.scales.count ? scaled.scales[place] : []
      for (index, step) in group.enumerated() where isWanted(step.kind) {
        sum += step.wall.inSeconds * (index < scales.count ? scales[index] : 1)
      }
    }
    return sum
  }

  private func writeProtect(_ outcome: MachineOutcome, _ report: RunReport) -> WriteProtectTimes {
    var times = WriteProtectTimes()
    times.total = report.operation.whole
    times.callP99 = report.operation.whole
    times.timedCalls = 1
    times.worstStall = outcome.locks.holds.max ?? .zero
    times.calls = 1
    return times
  }

  private func addLoads(
    _ outcome: MachineOutcome,
    _ scaled: ScaledPlan,
    to report: inout RunReport
  ) {
    let load = operation.workload.network
    let hasBytes = (load.flows > 0 && load.offered > .zero) || load.datagrams > 0
    if hasBytes { report.network = network(outcome, scaled) }
    if load.requests > 0 { report.requests = outcome.requests }
    if load.connects > 0 { report.connects = outcome.connects }
    if operation.workload.storage.queueDepth > 0 { report.storage = storage(outcome, scaled) }
  }

  private func network(_ outcome: MachineOutcome, _ scaled: ScaledPlan) -> NetworkOutcome {
    var network = outcome.network
    let before = rate(outcome.baselineBytes, outcome.baseline)
    let during = judged(outcome, scaled, \.bytes, outcome.stageTwoBytes, outcome.leastBytes)
    network.baseline = BitRate(rawValue: max(0, Int64(saturating: (before * 8).rounded(.down))))
    network.during = BitRate(rawValue: max(0, Int64(saturating: (during * 8).rounded(.down))))
    network.retained = before > 0 ? min(1, during / before) : 1
    var bytes = 0.0
    var time = 0.0
    for (place, group) in outcome.steps.enumerated() {
      let scales = place < scaled.scales.count ? scaled.scales[place] : []
      for (index, step) in group.enumerated() {
        let scale = index < scales.count ? scales[index] : 1
        bytes += Double(step.bytes) * scale
        time += step.wall.inSeconds * scale
      }
    }
    network.duringWhole = BitRate(
      rawValue: time > 0 ? max(0, Int64(saturating: (bytes / time * 8).rounded(.down))) : 0
    )
    if operation.workload.operation == .migration, time >= MachineInput.leastJudged.inSeconds {
      // Stage-2 work and waiting for the link alternate: the operation is one stretch.
      network.during = network.duringWhole
      network.retained = before > 0 ? min(1, bytes / time / before) : 1
    }
    return network
  }

  private func storage(_ outcome: MachineOutcome, _ scaled: ScaledPlan) -> StorageOutcome {
    var storage = StorageOutcome()
    storage.baseline = rate(outcome.baselineRequests, outcome.baseline)
    storage.during = judged(
      outcome,
      scaled,
      \.requests,
      outcome.stageTwoRequests,
      outcome.leastRequests
    )
    storage.retained = storage.baseline > 0 ? min(1, storage.during / storage.baseline) : 1
    storage.latency = outcome.storage
    return storage
  }

  /// What is done in a second of the stage-2 part; of a shorter one than IO is judged over, in a
  /// second of that least time from the operation's beginning.
  ///
  /// Where parts of the operation were left out, every step counts as often as it stands for: a piece
  /// of the pages and a piece of the blocks are no sample of both.
  private func judged(
    _ outcome: MachineOutcome,
    _ scaled: ScaledPlan,
    _ key: KeyPath<StepOutcome, Int64>,
    _ count: Int64,
    _ least: Int64
  ) -> Double {
    if scaled.isCut, outcome.stop == .completed {
      let sums = stageTwoPart(outcome, scaled, key)
      if sums.time > 0 { return sums.count / sums.time }
    }
    let length = outcome.stageTwoEnded - outcome.began
    guard length < MachineInput.leastJudged, outcome.stop == .completed else {
      return rate(count, length)
    }
    return rate(least, MachineInput.leastJudged)
  }

  /// Scaled time, and what was done in it, from the beginning to the end of the last stage-2 step.
  private func stageTwoPart(
    _ outcome: MachineOutcome,
    _ scaled: ScaledPlan,
    _ key: KeyPath<StepOutcome, Int64>
  ) -> (count: Double, time: Double) {
    let steps = zip(outcome.steps, scaled.scales).flatMap { Array(zip($0, $1)) }
    let end = steps.lastIndex { $0.0.kind == .stageTwo } ?? -1
    return steps.prefix(end + 1).reduce((0, 0)) { sums, one in
      let (step, scale) = one
      return (sums.0 + Double(step[keyPath: key]) * scale, sums.1 + step.wall.inSeconds * scale)
    }
  }

  private func rate(_ count: Int64, _ time: Nanoseconds) -> Double {
    time > .zero ? Double(count) / time.inSeconds : 0
  }
}
