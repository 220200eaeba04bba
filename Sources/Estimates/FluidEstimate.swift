// SPDX-License-Identifier: GPL-3.0-or-later

import Operations

/// What a fluid estimate says of an operation: times in nanoseconds, shares of what there is without
/// a walker.
struct FluidEstimate: Hashable, Sendable {
  var stageTwo = 0.0
  var whole = 0.0
  var longestHold = 0.0
  var goodput = 1.0
  var iops = 1.0
  var requestP99 = 0.0
  /// Time of the parts that a windowed run keeps.
  var simulated = 0.0
}

extension FluidEstimate {
  /// Events of an estimate: some ten nanoseconds each on today's servers.
  private static let budget = 2_200
  /// Simulated time that an estimate should see, and the longest period it may slow down to.
  private static let (horizon, longestPeriod) = (150e6, 300e3)

  /// Estimates a plan on a CPU: the rounds of a sliced operation together, else walk and freeing
  /// each on its own.
  init(_ groups: [FluidGroup], on cpu: SharedCPU) {
    guard let first = groups.first else { return }
    guard !first.repeats else {
      (self, _) = Self.phase(groups, on: cpu, isFirst: true)
      return
    }
    var bars = LatencyBars()
    for (index, group) in groups.enumerated() {
      let (part, latencies) = Self.phase([group], on: cpu, isFirst: index == 0)
      bars.merge(latencies, weight: part.simulated)
      if index == 0 { self = part } else { whole += part.whole }
    }
    requestP99 = bars.quantile(0.99)
  }

  /// Estimates groups that follow one another.
  ///
  /// Where everything fast is far shorter than the scheduler's slices, a second estimate with fewer,
  /// slower interrupts sees more of the latter; holds and short latencies come from the first.
  private static func phase(
    _ groups: [FluidGroup],
    on cpu: SharedCPU,
    isFirst: Bool
  ) -> (FluidEstimate, LatencyBars) {
    let factor = Self.dilation(groups, cpu)
    guard factor > 1 else { return run(groups, on: cpu, events: budget, isFirst) }
    let slow = groups.map { $0.dilated(by: factor) }
    var found = run(slow, on: cpu.dilated(by: factor), events: budget, isFirst)
    let isShort = found.0.requestP99 < 1e6
    let fast = run(groups, on: cpu, events: budget / 2, isFirst, listens: isShort)
    found.0.longestHold = fast.0.longestHold
    if isShort {
      found.0.requestP99 = fast.0.requestP99
      found.1 = fast.1
    }
    return found
  }

  private static func run(
    _ groups: [FluidGroup],
    on cpu: SharedCPU,
    events: Int,
    _ isFirst: Bool,
    listens: Bool = true
  ) -> (FluidEstimate, LatencyBars) {
    var run = FluidRun(cpu, groups, budget: events, isFirst: isFirst, listens: listens)
    return (run.estimate(), run.latencies)
  }

  private static func dilation(_ groups: [FluidGroup], _ cpu: SharedCPU) -> Double {
    guard cpu.packetRate > 0 else { return 1 }
    var period = max(cpu.moderation, 1 / cpu.packetRate)
    for group in groups {
      let chunk = group.steps.filter { $0.kind == .stageTwo }
        .map { $0.yieldsBetween ? $0.unit : $0.work }.max()
      period = max(period, group.repeats ? min(chunk ?? 0, group.round) : chunk ?? 0)
    }
    var factor = min(4 * horizon / (Double(budget) * period), longestPeriod / period)
    if cpu.queueDepth > 0 {
      let cycle = cpu.diskLatency + cpu.queueDepth * (cpu.completion + cpu.submission)
      factor = min(factor, 400e3 / cycle)
    }
    return max(1, factor.rounded(.down))
  }
}

extension FluidGroup {
  /// The group with everything fast slowed down.
  func dilated(by factor: Double) -> FluidGroup {
    var slow = self
    for index in steps.indices {
      if repeats {
        slow.steps[index].unit *= factor
      } else if steps[index].units >= factor {
        slow.steps[index].unit *= factor
        slow.steps[index].units /= factor
      }
    }
    guard repeats else { return slow }
    slow.rounds /= factor
    slow.kept = max(1, kept / factor)
    return slow
  }
}

/// One run of a plan on a fluid CPU, and what it sums up.
private struct FluidRun {
  /// Bytes, requests and time of the stage-2 part.
  struct Progress {
    var bytes = 0.0
    var requests = 0.0
    var time = 0.0

    /// Adds what was done between two moments, `weight` times.
    mutating func add(from start: Progress, to end: Progress, weight: Double = 1) {
      bytes += weight * (end.bytes - start.bytes)
      requests += weight * (end.requests - start.requests)
      time += weight * (end.time - start.time)
    }
  }

  /// Wall times of a group's parts over its rounds, in nanoseconds.
  struct Walls {
    var rounds = 0.0
    var before = 0.0
    var stageTwo = 0.0
    var after = 0.0

    /// These, and what came later `weight` times.
    func adding(_ all: Walls, weight: Double) -> Walls {
      Walls(
        rounds: rounds + weight * (all.rounds - rounds),
        before: before + weight * (all.before - before),
        stageTwo: stageTwo + weight * (all.stageTwo - stageTwo),
        after: after + weight * (all.after - after)
      )
    }
  }

  let cpu: SharedCPU
  let groups: [FluidGroup]
  let budget: Int
  /// Whether the walker comes to an undisturbed CPU, or goes on where it has walked before.
  let isFirst: Bool
  /// Whether latencies are asked for: nothing else depends on them.
  let listens: Bool
  private var fluid: FluidCPU
  private var found = FluidEstimate()
  private var booked = 0.0
  private var sums = Progress()

  /// Latencies of the first milliseconds, when the walker's initial credit decides who runs.
  private var early = LatencyBars()
  private var earlyTime = 0.0
  private var began = 0.0

  /// All latencies: those after the beginning stand for all that an estimate leaves out.
  var latencies: LatencyBars {
    var all = LatencyBars()
    all.merge(early, weight: earlyTime)
    all.merge(fluid.latencies, weight: max(1, max(found.simulated, sums.time) - earlyTime))
    return all
  }

  init(_ cpu: SharedCPU, _ groups: [FluidGroup], budget: Int, isFirst: Bool, listens: Bool) {
    (self.isFirst, self.listens) = (isFirst, listens)
    self.cpu = cpu
    self.groups = groups
    self.budget = budget
    fluid = FluidCPU(cpu)
  }

  mutating func estimate() -> FluidEstimate {
    let before = warmUp()
    begin()
    let all = groups.reduce(0) { $0 + $1.round * $1.kept }
    for group in groups {
      let share = group.round * group.kept / max(1, all)
      walk(group, events: max(200, Int(Double(budget) * share)))
    }
    found.longestHold = fluid.longestHold
    if before.bytes > 0, sums.time > 0 {
      found.goodput = sums.bytes / sums.time / before.bytes
    }
    if before.requests > 0, sums.time > 0 {
      found.iops = sums.requests / sums.time / before.requests
    }
    if cpu.hasRequests, listens {
      drain()
      found.requestP99 = latencies.quantile(0.99)
    }
    return found
  }

  /// Lets the loads run without a walker; returns their rates per nanosecond.
  private mutating func warmUp() -> Progress {
    let isHeavy = cpu.networkShare > 0.85
    var length = 4 * cpu.interruptPeriod
    if cpu.packetRate <= 0 { length = 0 }
    if cpu.queueDepth > 0 { length = 3e6 * cpu.dilation }
    if isHeavy { length = 30e6 }
    let start = passing(to: 0.3 * length)
    let end = passing(to: length)
    let time = max(1, end.time - start.time)
    let isSteady = !isHeavy && cpu.queueDepth == 0
    let offered = cpu.segmentRate * cpu.segment
    return Progress(
      bytes: isSteady ? offered : (end.bytes - start.bytes) / time,
      requests: (end.requests - start.requests) / time
    )
  }

  private var progress: Progress {
    Progress(bytes: fluid.bytes, requests: fluid.reaped, time: fluid.now)
  }

  private mutating func passing(to time: Double) -> Progress {
    fluid.wakesAt = max(fluid.now, time)
    while fluid.wakesAt < .infinity { fluid.run(upTo: .max) }
    return progress
  }

  /// The walker becomes runnable after the 60 ms that windowed runs warm up.
  private mutating func begin() {
    fluid.scheduler.charge(fluid.now)
    if fluid.now > 0 {
      fluid.scheduler.stretch(
        by: max(1, 60e6 / fluid.now),
        walker: FluidTask.walker,
        credit: isFirst ? fluid.scheduler.slice / 2 : 0
      )
    }
    fluid.settle(
      after: isFirst
        ? fluid.scheduler.slice / 2 + fluid.scheduler.wakeupLead : fluid.scheduler.wakeupLead
    )
    fluid.isActive = true
    fluid.isAsleep = false
    fluid.events = 0
    fluid.latencies.isOn = listens
    booked = fluid.now
    began = fluid.now
    fluid.wake(FluidTask.walker)
    if fluid.scheduler.current < 0 { fluid.reschedule() }
  }

  /// Runs rounds of a group until all that are kept are done or the events are spent.
  private mutating func walk(_ group: FluidGroup, events: Int) {
    var limit = fluid.events + events
    let start = progress
    var (walls, first) = (Walls(), Walls())
    var (last, settled) = (start, start)
    while walls.rounds < group.kept - 1e-9, fluid.events < limit {
      let wasSettled = fluid.settled != nil
      round(of: group, limit: limit, &walls, &last)
      if group.repeats, !wasSettled, fluid.settled != nil {
        (first, settled) = (walls, last)
        limit = max(limit, fluid.events + events / 2)
      }
    }
    if group.repeats {
      var weight = group.kept / max(1, walls.rounds)
      if first.rounds > 0, walls.rounds > first.rounds {
        // The walker's first turn comes once, what follows it again and again.
        weight = (group.kept - first.rounds) / (walls.rounds - first.rounds)
        walls = first.adding(walls, weight: weight)
        sums.add(from: start, to: settled)
        sums.add(from: settled, to: last, weight: weight)
      } else {
        sums.add(from: start, to: last, weight: weight)
      }
    } else {
      sumOnce(from: start, to: last, wall: walls.before + walls.stageTwo)
    }
    book(group, walls)
  }

  /// Runs all steps of one round.
  private mutating func round(
    of group: FluidGroup,
    limit: Int,
    _ walls: inout Walls,
    _ last: inout Progress
  ) {
    let isFreeing = !group.steps.contains { $0.kind == .stageTwo }
    var hasWalked = false
    for (index, step) in group.steps.enumerated() {
      let resets = index == 0 || group.steps[index - 1].longest != step.longest
      let wall = run(step, resets: resets, limit: limit)
      if step.kind == .stageTwo {
        walls.stageTwo += wall
        hasWalked = true
        last = progress
      } else if hasWalked || isFreeing {
        walls.after += wall
      } else {
        walls.before += wall
      }
    }
    walls.rounds += 1
  }

  /// Sums up a walk that does not repeat: what came after the walker's first turn stands for all
  /// of the wall time that the estimate leaves out.
  private mutating func sumOnce(from start: Progress, to last: Progress, wall: Double) {
    guard let middle = fluid.settled, middle.time > start.time, last.time > middle.time else {
      sums.add(from: start, to: last)
      return
    }
    let settled = Progress(bytes: middle.bytes, requests: middle.requests, time: middle.time)
    let rest = (wall - (middle.time - start.time)) / (last.time - middle.time)
    sums.add(from: start, to: settled)
    sums.add(from: settled, to: last, weight: max(1, rest))
  }

  /// Runs a step; returns its wall time, that of the whole where events ran out.
  private mutating func run(_ step: FluidStep, resets: Bool, limit: Int) -> Double {
    let stepBegan = booked
    let done = fluid.run(step, resets: resets, limit: limit + 400)
    let wall = fluid.now - booked
    booked = fluid.now
    if earlyTime == 0, fluid.now - began > 8e6, wall < 8e6 {
      earlyTime = fluid.now - began
      early = fluid.latencies
      fluid.latencies = LatencyBars()
      fluid.latencies.isOn = listens
    }
    guard done < 1 else { return wall }
    fluid.events = min(fluid.events, limit + 200)
    if step.units < 1.5, done > 0.001, cpu.hasRequests {
      // Whoever asked in a stretch that nothing breaks waits for its end.
      let length = wall / done
      fluid.waiting = 0
      fluid.latencies.add(0, length, weight: cpu.singleRate * length)
    }
    if let settled = fluid.settled, settled.time > stepBegan {
      // The walker's first turn is over: the rest goes on as it went since.
      let rest = (1 - done) * step.work
      let since = settled.left - rest
      if since > 0.02 * step.work { return wall + rest * (fluid.now - settled.time) / since }
    }
    // Of a step that hardly began there is no pace to go by.
    return done > 0.02 ? wall / done : wall + (1 - done) * step.work
  }

  private mutating func book(_ group: FluidGroup, _ walls: Walls) {
    let all = walls.before + walls.stageTwo + walls.after
    if group.repeats {
      let scale = group.rounds / max(1, walls.rounds)
      found.stageTwo += walls.stageTwo * scale
      found.whole += all * scale
    } else {
      found.simulated += all
      found.stageTwo += walls.stageTwo * group.stageTwoScale
      found.whole +=
        walls.before + walls.stageTwo * group.stageTwoScale + walls.after * group.hostScale
    }
  }

  /// Lets what still waits be read.
  private mutating func drain() {
    fluid.isActive = false
    fluid.step = FluidStep(kind: .sleep, unit: 0)
    if fluid.scheduler.current == FluidTask.walker {
      fluid.scheduler.sleep(now: fluid.now)
      fluid.reschedule()
    } else {
      fluid.scheduler.remove(FluidTask.walker, now: fluid.now)
    }
    fluid.wakesAt = fluid.now + 80e6
    let limit = fluid.events + 4_000
    while fluid.waiting > 0, fluid.wakesAt < .infinity, fluid.events < limit {
      fluid.run(upTo: fluid.events + 50)
    }
  }
}
