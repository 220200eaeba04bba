// SPDX-License-Identifier: GPL-3.0-or-later

import Events
import Machine
import PageTables
import Policies
import Profiles
import Quantities
import Randomness

extension Scenario {
  /// What a report says it is a report of.
  var identity: RunIdentity {
    RunIdentity(
      host: host.name,
      kernel: kernel.name,
      workload: workload.name,
      policy: policy.description,
      seed: seed.rawValue
    )
  }

  /// Runs the machine on a plan and turns what it measured into a report.
  func execute(_ operation: Operation) throws(ScenarioError) -> (report: RunReport, trace: Trace) {
    switch extent {
    case .exact: return try execute(operation, ScaledPlan(whole: operation.plan))
    case .window(let window):
      return try execute(operation, ScaledPlan(operation.plan, window: window), window.warmUp)
    case .fast(let fast): return try execute(operation, fast)
    }
  }

  /// Runs more and more of the operation until what is left out is known well enough.
  private func execute(
    _ operation: Operation,
    _ fast: FastRun
  ) throws(ScenarioError) -> (report: RunReport, trace: Trace) {
    var fast = fast
    while true {
      let scaled = ScaledPlan(operation.plan, window: fast.window).divided(into: fast.batches)
      let result = try execute(operation, scaled, fast.window.warmUp)
      let isLimited = result.report.stop != .completed
      if !scaled.isCut || isLimited || result.report.operation.errorBound <= fast.target {
        return result
      }
      fast = fast.doubled
    }
  }

  private func execute(
    _ operation: Operation,
    _ scaled: ScaledPlan,
    _ warmUp: Nanoseconds? = nil
  ) throws(ScenarioError) -> (report: RunReport, trace: Trace) {
    var input: MachineInput
    do throws(PageTableError) {
      input = try MachineInput(host: host, kernel: kernel, plan: scaled.plan, seed: seed)
    } catch {
      throw .pageTables(error)
    }
    input.network = workload.network
    input.storage = workload.storage
    input.interrupt = policy.interrupt
    input.threadedNAPI = policy.threadedNAPI
    input.competitors = workload.competitors
    input.limits = limits
    input.switches = switches
    input.traceLimit = traceLimit
    if let warmUp { input.warmUp = warmUp }
    let outcome = input.run()
    var report = report(outcome, scaled, operation)
    report.neighbours = try neighbours(operation)
    return (report, outcome.trace)
  }

  /// What this operation's stage-2 work takes alone, beside its neighbours, and what theirs takes
  /// without it; all alike, and all invalidating at the same time.
  private func neighbours(_ operation: Operation) throws(ScenarioError) -> NeighbourOutcome? {
    guard workload.neighbours > 0 else { return nil }
    func work(beside count: Int) throws(ScenarioError) -> Nanoseconds {
      var scenario = self
      scenario.workload.neighbours = count
      return try scenario.plan().plan.work(.stageTwo)
    }
    return NeighbourOutcome(
      teardowns: workload.neighbours,
      alone: try work(beside: 0),
      beside: operation.plan.work(.stageTwo),
      othersBefore: try work(beside: workload.neighbours - 1)
    )
  }

  private func report(
    _ outcome: MachineOutcome,
    _ scaled: ScaledPlan,
    _ operation: Operation
  ) -> RunReport {
    var report = RunReport(identity: identity)
    report.stop = outcome.stop
    report.fidelity = fidelity(scaled)
    report.simulated = outcome.stopped.sinceStart
    report.events = outcome.events
    report.digest = outcome.digest
    report.counts = operation.counts
    report.cpu = outcome.cpu
    report.masked = outcome.masked
    report.operation = times(outcome, scaled, operation)
    if outcome.locks.holds.count > 0 { report.locks = outcome.locks }
    if workload.operation == .logEnable { report.writeProtect = writeProtect(outcome, report) }
    addLoads(outcome, scaled, to: &report)
    if workload.operationsPerHour > 0 {
      report.fleet = FleetOutcome(
        cpus: host.cpus,
        queues: host.nic.queues,
        operationsPerHour: workload.operationsPerHour,
        duration: report.operation.whole
      )
    }
    return report
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
    _ operation: Operation
  ) -> OperationTimes {
    var times = OperationTimes()
    times.stageTwoCPU = operation.plan.work(.stageTwo)
    let whole = operation.plan.work(.stageTwo) + operation.plan.work(.hostSide)
    var done = Nanoseconds.zero
    for group in outcome.steps { for step in group where step.kind != .sleep { done += step.work } }
    times.simulatedShare = min(1, done.inSeconds / max(1e-12, whole.inSeconds))
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
    zip(outcome.steps, scaled.scales).reduce(0.0) { sum, group in
      zip(group.0, group.1).reduce(sum) {
        isWanted($1.0.kind) ? $0 + $1.0.wall.inSeconds * $1.1 : $0
      }
    }
  }

  private func writeProtect(_ outcome: MachineOutcome, _ report: RunReport) -> WriteProtectTimes {
    var times = WriteProtectTimes()
    times.total = report.operation.whole
    times.callP99 = report.operation.whole
    times.worstStall = outcome.locks.holds.max
    times.calls = 1
    return times
  }

  private func addLoads(
    _ outcome: MachineOutcome,
    _ scaled: ScaledPlan,
    to report: inout RunReport
  ) {
    let load = workload.network
    let hasBytes = (load.flows > 0 && load.offered > .zero) || load.datagrams > 0
    if hasBytes { report.network = network(outcome, scaled) }
    if load.requests > 0 { report.requests = outcome.requests }
    if load.connects > 0 { report.connects = outcome.connects }
    if workload.storage.queueDepth > 0 { report.storage = storage(outcome) }
  }

  private func network(_ outcome: MachineOutcome, _ scaled: ScaledPlan) -> NetworkOutcome {
    var network = outcome.network
    let before = rate(outcome.baselineBytes, outcome.baseline)
    let during = rate(outcome.stageTwoBytes, outcome.stageTwoEnded - outcome.began)
    network.baseline = BitRate(rawValue: Int64(before * 8))
    network.during = BitRate(rawValue: Int64(during * 8))
    network.retained = before > 0 ? during / before : 1
    var bytes = 0.0
    var time = 0.0
    for (group, scales) in zip(outcome.steps, scaled.scales) {
      for (step, scale) in zip(group, scales) {
        bytes += Double(step.bytes) * scale
        time += step.wall.inSeconds * scale
      }
    }
    network.duringWhole = BitRate(rawValue: time > 0 ? Int64(bytes / time * 8) : 0)
    return network
  }

  private func storage(_ outcome: MachineOutcome) -> StorageOutcome {
    var storage = StorageOutcome()
    storage.baseline = rate(outcome.baselineRequests, outcome.baseline)
    storage.during = rate(outcome.stageTwoRequests, outcome.stageTwoEnded - outcome.began)
    storage.retained = storage.baseline > 0 ? storage.during / storage.baseline : 1
    storage.latency = outcome.storage
    return storage
  }

  private func rate(_ count: Int64, _ time: Nanoseconds) -> Double {
    time > .zero ? Double(count) / time.inSeconds : 0
  }
}
