// SPDX-License-Identifier: GPL-3.0-or-later

public import PageTables
public import Policies
public import Profiles
import Quantities
public import Randomness
public import Scenarios

/// The simulator as what runs policies.
public struct ScenarioSimulator: PolicySimulator {
  /// The guest's tables where a dump says what they are; nil lays out the workload's own mix.
  public var tables: StageTwo?

  /// Whether a dump says what the guest's tables are.
  public var hasOwnTables: Bool { tables != nil }
  /// How much a window keeps.
  public var window: Window

  /// Creates a simulator.
  public init(tables: StageTwo? = nil, window: Window = ScenarioSimulator.standardWindow) {
    self.tables = tables
    self.window = window
  }

  /// The window that comparisons use: 0.4 s of stage-2 work and 0.1 s of host-side work.
  public static var standardWindow: Window {
    var window = Window()
    window.stageTwo = .milliseconds(400)
    window.hostSide = .milliseconds(100)
    return window
  }

  /// The report of one run; throws the scenario's sentence.
  public func report(
    _ question: Question,
    policy: Policy,
    seed: Seed,
    extent: RunExtent
  ) throws(TuningError) -> RunReport {
    var scenario = Scenario(
      host: question.host,
      kernel: question.kernel,
      workload: question.workload,
      policy: policy,
      seed: seed
    )
    scenario.tables = tables
    var scale = 1.0
    if extent == .window {
      scenario.extent = .window(window)
      scale = shorten(&scenario)
    }
    do {
      var report = try scenario.run()
      if scale > 1 { report.operation.stretch(by: scale) }
      return report
    } catch {
      throw .simulation(error.description)
    }
  }

  /// Leaves out memory of a teardown that a window would not reach.
  ///
  /// Slices, and chunks that end on work or time, repeat each other: a window lays out eight of the
  /// former, at least 4 GiB, and the times are scaled to all of them. Returns the scale.
  private func shorten(_ scenario: inout Scenario) -> Double {
    let whole = scenario.workload.memory.size
    guard tables == nil, scenario.workload.operation == .teardown,
      let kept = repeated(scenario), kept < whole
    else { return 1 }
    scenario.workload.memory.size = kept
    return Double(whole.rawValue) / Double(kept.rawValue)
  }

  /// The memory after which a teardown repeats itself, where it does.
  private func repeated(_ scenario: Scenario) -> ByteCount? {
    let (policy, least) = (scenario.policy, ByteCount.gibibytes(4))
    let path = policy.path ?? scenario.workload.teardownPath
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
