// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations
package import Operations
import PageTables
package import Policies
import Profiles
package import Quantities
package import Randomness
package import Scenarios

/// The simulator as what runs policies.
package struct ScenarioSimulator: PolicySimulator {
  /// How much a window keeps.
  package var window: Window
  /// Events that a run may execute; one that would take more is refused.
  package var eventLimit: Int64
  /// Whether every call and chunk is run, however many there are: as a run of `simulate` does.
  package var isUnabridged: Bool
  /// What is done to every scenario before it is run, such as putting a watch over it; nothing that
  /// changes its report.
  package var prepare: @Sendable (_ scenario: inout Scenario) -> Void = { _ in }
  /// Memory of which a whole run lays out no more where a teardown repeats itself; nil is as much as
  /// anybody waits for.
  package var mostMemory: ByteCount?

  /// Creates a simulator.
  package init(
    window: Window = .standard,
    eventLimit: Int64 = Scenario.standardEventLimit,
    isUnabridged: Bool = false
  ) {
    (self.window, self.eventLimit, self.isUnabridged) = (window, eventLimit, isUnabridged)
  }

  /// The report of one run; throws the scenario's sentence.
  package func report(
    _ question: Question,
    policy: Policy,
    seed: Seed,
    extent: RunExtent
  ) throws(TuningError) -> RunReport {
    try run(Scenario(question.setup, policy: policy, seed: seed), extent, watching: nil).report
  }

  /// The same report of a whole run, and what every context did in a stretch of it.
  package func watched(
    _ question: Question,
    policy: Policy,
    seed: Seed,
    span: TimelineSpan
  ) throws(TuningError) -> (report: RunReport, timeline: Timeline?) {
    try run(Scenario(question.setup, policy: policy, seed: seed), .full, watching: span)
  }

  private func run(
    _ asked: Scenario,
    _ extent: RunExtent,
    watching span: TimelineSpan?
  ) throws(TuningError) -> (report: RunReport, timeline: Timeline?) {
    var scenario = asked
    scenario.eventLimit = eventLimit
    prepare(&scenario)
    if extent == .window { scenario.extent = .window(window) }
    let scale = isUnabridged ? 1 : shorten(&scenario, extent)
    var (report, timeline): (RunReport, Timeline?)
    do {
      if let span {
        (report, timeline) = try scenario.run(watching: span)
      } else {
        (report, timeline) = (try scenario.run(), nil)
      }
    } catch {
      throw .simulation(error.description)
    }
    if report.stop == .eventLimit { throw .simulation(refusal(report)) }
    if scale > 1 { report.stretch(by: scale) }
    return (report, timeline)
  }

  /// What is said of a run that came to its limit of events.
  private func refusal(_ report: RunReport) -> String {
    "it takes more than \(eventLimit) events: \(report.stopCause ?? "all of one kind"); make that "
      + "less, or raise --max-events"
  }

  /// Leaves out memory of a teardown whose pieces repeat each other, tile by tile: what is left has the
  /// same share of every kind of piece, so that shares and percentiles stay what they are.
  ///
  /// A window lays out what it reaches; a whole run as many pieces as anybody waits for. Returns how
  /// many times longer the operation is.
  private func shorten(_ scenario: inout Scenario, _ extent: RunExtent) -> Double {
    let whole = scenario.workload.memory.size
    guard scenario.layout == .mix,
      let part = extent == .window ? reach(scenario) : limited(scenario)
    else { return 1 }
    let block = scenario.host.granule.entrySize(level: 2)
    let isTeardown = scenario.workload.operation == .teardown
    // Unmaps of pages and blocks are few in a minute: a tile's share is kept by its parts as well.
    let tile = isTeardown ? max(.gibibytes(1), block * 8) : block * 4
    let tiles = max(part.divided(roundedUpBy: tile), extent == .window ? 4 : 8)
    let kept = tile * tiles
    guard kept < whole else { return 1 }
    scenario.workload.memory.size = kept
    return Double(whole.rawValue) / Double(kept.rawValue)
  }

  /// The memory after which a teardown repeats itself, where it does.
  private func reach(_ scenario: Scenario) -> ByteCount? {
    guard scenario.workload.operation == .teardown else { return nil }
    let (policy, operation) = (scenario.policy, scenario.operation)
    if operation.path == .processExit { return nil }
    if policy.slice != nil, let slice = operation.slice { return slice * 8 }
    switch (policy.controller, policy.chunk) {
    case (.timeBudget, _), (.fixed, .visits): return .zero
    default: return nil
    }
  }

  /// As much memory as a whole run lays out under this simulator's own limit, where there is one.
  private func limited(_ scenario: Scenario) -> ByteCount? {
    let part = sample(scenario)
    guard let mostMemory, scenario.workload.operation == .teardown,
      scenario.operation.path != .processExit
    else { return part }
    return min(part ?? scenario.workload.memory.size, mostMemory)
  }

  /// As much memory as a whole run lays out, where it repeats itself: 2^18 calls that wait for a minute
  /// in all, or 2^21 chunks.
  private func sample(_ scenario: Scenario) -> ByteCount? {
    let (policy, operation) = (scenario.policy, scenario.operation)
    let whole = scenario.workload.memory.size
    if scenario.workload.operation == .reclaim { return sampleOfCalls(scenario) }
    guard scenario.workload.operation == .teardown else { return nil }
    if let slice = operation.slice {
      let paused = policy.pause > .zero ? Self.longestWait / policy.pause + 1 : .max
      let calls = max(Self.leastCalls, min(Self.mostCalls, paused))
      return whole.divided(roundedUpBy: slice) > calls ? slice * calls : nil
    }
    guard policy.controller == .fixed, operation.path != .processExit else { return nil }
    let visited: Int64? = if case .visits(let count) = policy.chunk { Int64(count) } else { nil }
    let page = scenario.host.granule.page
    let size = operation.setting.size(of: policy.chunk)
    guard let chunk = visited.map({ page * min($0, 1 << 20) }) ?? size else { return nil }
    return whole.divided(roundedUpBy: chunk) > Self.mostChunks ? chunk * Self.mostChunks : nil
  }

  /// As much memory as a minute of unmaps at a rate of their own takes, where all of them take longer
  /// than anybody waits for.
  private func sampleOfCalls(_ scenario: Scenario) -> ByteCount? {
    guard let period = scenario.operation.callPeriod, period > .zero else { return nil }
    let (unmap, memory) = (scenario.workload.unmap, scenario.workload.memory)
    let (page, block) = (
      scenario.host.granule.page, scenario.host.granule.entrySize(level: 2)
    )
    // Without a range of its own a call is a page or a block.
    let blocks = Double(memory.size.rawValue) * memory.blockShare
    let pages = Double(memory.size.rawValue) - blocks
    let calls =
      (unmap.stride ?? unmap.range).map { Double(memory.size.divided(roundedUpBy: $0)) }
      ?? blocks / Double(block.rawValue) + pages / Double(page.rawValue)
    let whole = period.inSeconds * calls
    guard whole > PolicySpace.longestWait.inSeconds else { return nil }
    let part = Double(memory.size.rawValue) * Self.longestWait.inSeconds / whole
    return ByteCount(rawValue: Int64(part))
  }

  private static let mostCalls: Int64 = 1 << 18
  private static let leastCalls: Int64 = 1 << 10
  private static let mostChunks: Int64 = 1 << 21
  private static let longestWait = Nanoseconds.seconds(60)
}

extension RunReport {
  /// Makes a report of a part of an operation one of an operation so many times as long: its times and
  /// what is counted over it.
  fileprivate mutating func stretch(by scale: Double) {
    operation.stretch(by: scale)
    func scaled(_ count: Int64) -> Int64 { Int64((Double(count) * scale).rounded()) }
    if var connects {
      connects.attempted = scaled(connects.attempted)
      connects.failed = scaled(connects.failed)
      connects.slow = scaled(connects.slow)
      self.connects = connects
    }
    if var guest {
      guest.calls = scaled(guest.calls)
      guest.refills = scaled(guest.refills)
      guest.faultTime = .seconds(rounding: guest.faultTime.inSeconds * scale)
      self.guest = guest
    }
    if var faults {
      faults.faults = scaled(faults.faults)
      faults.retries = scaled(faults.retries)
      faults.notifierCalls = scaled(faults.notifierCalls)
      self.faults = faults
    }
  }
}

extension OperationTimes {
  /// Scales every time of an operation of which only a part was laid out.
  fileprivate mutating func stretch(by scale: Double) {
    func scaled(_ time: Nanoseconds) -> Nanoseconds {
      .seconds(rounding: time.inSeconds * scale)
    }
    stageTwo = scaled(stageTwo)
    whole = scaled(whole)
    stageTwoCPU = scaled(stageTwoCPU)
    simulatedShare /= scale
    errorBound = max(errorBound, 0.01)
  }
}
