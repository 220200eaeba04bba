// SPDX-License-Identifier: GPL-3.0-or-later

public import Policies
public import Profiles

/// Which knobs an answer may turn.
public enum KnobChoice: String, Hashable, Sendable, CaseIterable, Codable {
  /// Those that need no kernel patch.
  case today
  /// Those that need a kernel change.
  case kernel
  /// All of them.
  case any
}

/// What a user asks: where, for what, under which limits, and how hard to look.
public struct Question: Sendable {
  /// The host.
  public var host: HostProfile
  /// The kernel.
  public var kernel: KernelProfile
  /// The workload.
  public var workload: WorkloadProfile
  /// What the host does now; nil is what its kernel does when nobody tunes it.
  public var present: Policy?
  /// What is to be least (or most); nil is the operation's own measure.
  public var objective: Metric?
  /// The limits an answer must keep; nil is the workload's own.
  public var serviceLevels: [ServiceLevel]?
  /// Which knobs may be turned.
  public var knobs = KnobChoice.today
  /// Simulator runs that the answer may spend, those that explain it included; at least
  /// `Question.leastBudget`.
  public var budget = Question.standardBudget
  /// The confidence of the final comparison, 0 to 1, both excluded.
  public var confidence = 0.95
  /// The root of all chance.
  public var seed: UInt64 = 1
  /// The seed of the search's own choices; nil is `seed`, which also seeds the runs.
  public var searchSeed: UInt64?
  /// Of knobs with a size or a time, every n-th value only: for spaces that are simulated whole.
  public var thinning = 1

  /// The fewest runs that can verify anything: two finalists and the present policy, three times.
  public static let leastBudget = 9
  /// The runs that are spent where the user says nothing.
  public static let standardBudget = 192

  /// Asks about a workload on a host and a kernel, with everything else as it is by default.
  public init(host: HostProfile, kernel: KernelProfile, workload: WorkloadProfile) {
    self.host = host
    self.kernel = kernel
    self.workload = workload
  }

  /// Where policies of this question run.
  public var setting: PolicySetting {
    PolicySetting(
      granule: host.granule,
      ipaBits: workload.memory.ipaBits,
      release: kernel.release,
      features: host.features
    )
  }

  /// What the host does now, with the workload's teardown path written out.
  public var presentPolicy: Policy {
    var policy = present ?? setting.baseline
    if workload.operation == .teardown, policy.path == nil { policy.path = workload.teardownPath }
    return policy.canonical(in: setting)
  }

  /// What is optimized.
  public var goal: Metric { objective ?? workload.operation.measure }

  /// The limits that hold.
  public var limits: [ServiceLevel] { serviceLevels ?? workload.serviceLevels }

  /// Refuses what can never be answered, with a sentence.
  public func check() throws(TuningError) {
    guard budget >= Self.leastBudget else {
      throw .budgetTooSmall(budget: budget, least: Self.leastBudget)
    }
    try checkGoal()
  }

  /// Refuses limits that contradict each other, an illegal confidence and an impossible present
  /// policy, with a sentence.
  public func checkGoal() throws(TuningError) {
    guard confidence > 0, confidence < 1 else { throw .illegalConfidence(confidence) }
    for (index, level) in limits.enumerated() {
      let earlier = limits[..<index].first { $0.metric == level.metric && $0 != level }
      if let earlier { throw .contradiction(earlier.description, level.description) }
    }
    do {
      try presentPolicy.validate(in: setting)
    } catch {
      throw .impossiblePolicy(error.description)
    }
  }
}

extension StageTwoOperation {
  /// The metric that a tuner of this operation minimises when the user names none.
  public var measure: Metric {
    switch self {
    case .teardown, .mapCreate, .map, .dirty, .reclaim: .teardownTime
    case .logEnable: .protectTotal
    case .migration: .migrationTime
    }
  }
}
