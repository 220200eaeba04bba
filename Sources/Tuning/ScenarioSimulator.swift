// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations
package import Operations
import PageTables
package import Policies
import Profiles
import Quantities
package import Randomness
import Scenarios

/// The simulator as what runs policies.
package struct ScenarioSimulator: PolicySimulator {
  /// How much a window keeps.
  package var window: Window
  /// Events that a run may execute; one that would take more is refused.
  package var eventLimit: Int64

  /// Creates a simulator.
  package init(window: Window = .standard, eventLimit: Int64 = Scenario.standardEventLimit) {
    (self.window, self.eventLimit) = (window, eventLimit)
  }

  /// The report of one run; throws the scenario's sentence.
  package func report(
    _ question: Question,
    policy: Policy,
    seed: Seed,
    extent: RunExtent
  ) throws(TuningError) -> RunReport {
    var scenario = Scenario(question.setup, policy: policy, seed: seed)
    scenario.eventLimit = eventLimit
    var scale = 1.0
    switch extent {
    case .window:
      scenario.extent = .window(window)
      scale = shorten(&scenario)
    case .full where isEndless(scenario):
      var fast = FastRun()
      fast.target = Self.precision
      scenario.extent = .fast(fast)
    case .full: break
    }
    var report: RunReport
    do {
      report = try scenario.run()
    } catch {
      throw .simulation(error.description)
    }
    if report.stop == .eventLimit { throw .simulation(refusal(report)) }
    if scale > 1 { report.operation.stretch(by: scale) }
    return report
  }

  /// What is said of a run that came to its limit of events.
  private func refusal(_ report: RunReport) -> String {
    "it takes more than \(eventLimit) events: \(report.stopCause ?? "all of one kind"); make that "
      + "less, or raise --max-events"
  }

  /// Calls above which a whole run is made by batch means: its pieces are alike, and there are more of
  /// them than anybody waits for.
  private static let mostCalls: Int64 = 1 << 18
  /// The half-width, as a share of the time, at which batch means are good enough for a whole run.
  private static let precision = 0.005

  /// Whether an operation has so many calls, or waits so long between them.
  private func isEndless(_ scenario: Scenario) -> Bool {
    guard let slice = scenario.operation.slice else { return false }
    let calls = scenario.workload.memory.size.divided(roundedUpBy: slice)
    let waits = scenario.policy.pause.inSeconds * Double(calls)
    return calls > Self.mostCalls || waits > PolicySpace.longestWait.inSeconds
  }

  /// Leaves out memory of a teardown that a window would not reach.
  ///
  /// Slices, and chunks that end on work or time, repeat each other: a window lays out eight of the
  /// former, at least 4 GiB, and the times are scaled to all of them. Returns the scale.
  private func shorten(_ scenario: inout Scenario) -> Double {
    let whole = scenario.workload.memory.size
    guard scenario.layout == .mix, scenario.workload.operation == .teardown,
      let kept = repeated(scenario), kept < whole
    else { return 1 }
    scenario.workload.memory.size = kept
    return Double(whole.rawValue) / Double(kept.rawValue)
  }

  /// The memory after which a teardown repeats itself, where it does.
  private func repeated(_ scenario: Scenario) -> ByteCount? {
    let (policy, least) = (scenario.policy, ByteCount.gibibytes(4))
    let path = scenario.operation.path
    if path == .processExit { return nil }
    if let slice = policy.slice { return path == .memslotDelete ? nil : max(slice * 8, least) }
    switch (policy.controller, policy.chunk) {
    case (.timeBudget, _), (.fixed, .visits): return least
    default: return nil
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
