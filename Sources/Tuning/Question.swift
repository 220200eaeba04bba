// SPDX-License-Identifier: GPL-3.0-or-later

package import Operations
package import Policies
package import Profiles

/// Which knobs an answer may turn.
package enum KnobChoice: String, Hashable, Sendable, CaseIterable, Codable {
  /// Those that need no kernel patch.
  case today
  /// Those that need a kernel change.
  case kernel
  /// All of them.
  case any
}

/// What a user asks: where, for what, under which limits, and how hard to look.
@dynamicMemberLookup
package struct Question: Sendable {
  /// The host, the kernel, the workload and how the guest is mapped.
  package var setup: Setup
  /// What the host does now; nil is what its kernel does when nobody tunes it.
  package var present: Policy?
  /// What is to be least (or most); nil is the operation's own measure.
  package var objective: Metric?
  /// The limits an answer must keep; nil is the workload's own.
  package var serviceLevels: [ServiceLevel]?
  /// The program that runs the guest.
  package var vmm = VMM.other
  /// Knobs that stay as they are.
  package var pinned: Set<PolicyKey> = []
  /// Which knobs may be turned.
  package var knobs = KnobChoice.today
  /// Simulator runs that the answer may spend, those that explain it included; at least
  /// `Question.leastBudget`.
  package var budget = Question.standardBudget
  /// The confidence of the final comparison, 0 to 1, both excluded.
  package var confidence = 0.95
  /// The root of all chance.
  package var seed: UInt64 = 1
  /// The seed of the search's own choices; nil is `seed`, which also seeds the runs.
  package var searchSeed: UInt64?
  /// Of knobs with a size or a time, every n-th value only: for spaces that are simulated whole.
  package var thinning = 1

  /// The fewest runs that can verify anything: two finalists and the present policy, three times.
  package static let leastBudget = 9
  /// The runs that are spent where the user says nothing.
  package static let standardBudget = 192

  /// Asks about a setup, with everything else as it is by default.
  package init(_ setup: Setup) { self.setup = setup }

  /// Asks about a workload on a host and a kernel, the guest laid out by the workload's mix.
  package init(host: HostProfile, kernel: KernelProfile, workload: WorkloadProfile) {
    self.init(Setup(host: host, kernel: kernel, workload: workload))
  }

  /// The parts of the setup.
  package subscript<Part>(dynamicMember part: WritableKeyPath<Setup, Part>) -> Part {
    get { setup[keyPath: part] }
    set { setup[keyPath: part] = newValue }
  }

  /// Where policies of this question run.
  package var setting: PolicySetting { setup.setting }

  /// Whether the answer may turn a knob: it is not pinned, the guest's program can be told, and the
  /// host has another CPU where the knob needs one.
  package func mayTurn(_ key: PolicyKey) -> Bool {
    !pinned.contains(key) && vmm.offers(key) && (key != .irq || setup.host.cpus > 1)
  }

  /// Whether a policy may be the answer: it needs only knobs of the class that may be turned.
  package func allows(_ policy: Policy) -> Bool {
    let present = presentPolicy
    let needed = PolicySpace.knobClass(of: policy, from: present)
    return switch knobs {
    case .any: true
    case .today: needed == .today
    case .kernel: needed == .kernel || policy == present
    }
  }

  /// What the host does now, with what the workload leaves to it written out.
  package var presentPolicy: Policy {
    var policy = present ?? vmm.present(over: setting.baseline, setup.workload.operation)
    if setup.workload.operation == .teardown {
      policy.path = policy.path(over: setup.workload.teardownPath)
    }
    if setup.workload.operation == .migration {
      policy.logStart = policy.logStart(over: setup.workload.migration)
    }
    return policy.canonical(in: setting)
  }

  /// What is optimized.
  package var goal: Metric { objective ?? setup.workload.measure }

  /// The limits that hold.
  package var limits: [ServiceLevel] { serviceLevels ?? setup.workload.serviceLevels }

  /// Refuses what can never be answered, with a sentence.
  package func check() throws(TuningError) {
    guard budget >= Self.leastBudget else {
      throw .budgetTooSmall(budget: budget, least: Self.leastBudget)
    }
    try checkGoal()
  }

  /// Refuses limits that contradict each other, an illegal confidence and an impossible present
  /// policy, with a sentence.
  package func checkGoal() throws(TuningError) {
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

extension WorkloadProfile {
  /// The metric that a tuner of this workload minimises when the user names none: where unmaps come at
  /// a rate of their own, no policy ends them sooner, and what the guest loses is left.
  var measure: Metric {
    operation == .reclaim && unmap.rate ?? 0 > 0 ? .guestLost : operation.measure
  }
}

extension StageTwoOperation {
  /// The metric that a tuner of this operation minimises when the user names none.
  package var measure: Metric {
    switch self {
    case .teardown, .mapCreate, .map, .dirty, .populate, .reclaim: .teardownTime
    case .logEnable: .protectTotal
    case .migration: .migrationTime
    }
  }
}
