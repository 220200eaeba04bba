// SPDX-License-Identifier: GPL-3.0-or-later

public import Policies
public import Profiles
import Search

/// One case of a what-if: a question and the policy it is asked about.
public struct WhatIfCase: Sendable {
  /// What distinguishes the case, such as `chunk=2MiB`.
  public let label: String
  /// Where the policy runs.
  public let question: Question
  /// The policy.
  public let policy: Policy

  /// Creates a case.
  public init(label: String, question: Question, policy: Policy) {
    self.label = label
    self.question = question
    self.policy = policy
  }
}

/// What the figures of a what-if come from.
public enum AnswerSource: String, Hashable, Sendable, CaseIterable, Codable {
  /// The cost model, inside of its domain.
  case model
  /// The simulator, because it was asked for.
  case simulation
  /// The simulator, because the model does not reach here.
  case simulationOutsideDomain = "simulation-outside-domain"
}

/// One case answered.
public struct WhatIfPoint: Hashable, Sendable, Codable {
  /// The case's label.
  public let label: String
  /// The host profile's name.
  public let host: String
  /// The kernel profile's name.
  public let kernel: String
  /// The workload profile's name.
  public let workload: String
  /// The policy's text.
  public let policy: String
  /// The responses, the objective first.
  public let effects: [Effect]
  /// The limits it breaks.
  public let violations: [Violation]
  /// Whether it may leave a stale translation.
  public let safety: SafetyVerdict
  /// Where the figures come from.
  public let source: AnswerSource

  /// The value of a response: the simulated one where there is one.
  public func value(of response: Profiles.Response) -> Double? {
    let effect = effects.first { $0.response == response }
    return effect?.simulated?.value ?? effect?.predicted?.value
  }
}

/// A place in a sweep or comparison where the choice changes.
public struct WhatIfFlip: Hashable, Sendable, Codable {
  /// The label before.
  public let after: String
  /// The label from which on it is different.
  public let from: String
  /// What changes, in one sentence.
  public let sentence: String
}

/// The answer to a what-if.
public struct WhatIfAnswer: Hashable, Sendable, Codable {
  /// The version of the JSON form.
  public static let schemaVersion = 1

  /// The version of the form this was written in.
  public let schema: Int
  /// What is optimized.
  public let objective: Metric
  /// The limits as asked.
  public let limits: [String]
  /// The host's present policy in the first case, for comparison.
  public let present: WhatIfPoint
  /// The cases in order.
  public let points: [WhatIfPoint]
  /// Where the choice changes from one case to the next.
  public let flips: [WhatIfFlip]
  /// The label of the best feasible and safe case, where there is one.
  public let best: String?

  enum CodingKeys: String, CodingKey {
    case schema = "schema_version"
    case objective, limits, present, points, flips, best
  }
}

/// Answers what-if questions: from the cost model where it may be believed, else by runs.
public struct WhatIf: Sendable {
  private let question: Question
  private let tools: TuningTools
  private let isExact: Bool

  /// Runs a case when it is simulated.
  private static let replicates = 3

  /// Creates the answerer; `exact` simulates every case.
  public init(_ question: Question, tools: TuningTools, exact: Bool = false) {
    self.question = question
    self.tools = tools
    isExact = exact
  }

  /// One policy.
  public func point(_ policy: Policy) throws(TuningError) -> WhatIfAnswer {
    try answer([WhatIfCase(label: policy.description, question: question, policy: policy)])
  }

  /// Several policies side by side.
  public func comparison(_ policies: [Policy]) throws(TuningError) -> WhatIfAnswer {
    try answer(
      policies.map { WhatIfCase(label: $0.description, question: question, policy: $0) }
    )
  }

  /// A knob of a policy, or a property of the workload, over its values.
  ///
  /// - Parameters:
  ///   - sweep: The key and its values.
  ///   - policy: The policy that is varied, or that stays.
  ///   - workload: The workload as it was loaded, for keys of its profile.
  /// - Returns: The answer, one point a value.
  /// - Throws: A sentence where a value is not legal.
  public func sweep(
    _ sweep: Sweep,
    policy: Policy,
    workload: Loaded<WorkloadProfile>
  ) throws(TuningError) -> WhatIfAnswer {
    var cases: [WhatIfCase] = []
    for value in sweep.values {
      var question = question
      var policy = policy
      do {
        if let key = PolicyKey(rawValue: sweep.key) {
          try policy.set(key, to: value)
        } else {
          var changed = workload
          try changed.set(sweep.key, to: value)
          question.workload = changed.profile
        }
      } catch {
        throw .illegalSweep(text: "\(sweep.key)=\(value)", legal: "\(error)")
      }
      cases.append(
        WhatIfCase(label: "\(sweep.key)=\(value)", question: question, policy: policy)
      )
    }
    return try answer(cases)
  }

  /// Any cases, also over hosts and kernels; there is at least one.
  public func answer(_ cases: [WhatIfCase]) throws(TuningError) -> WhatIfAnswer {
    precondition(!cases.isEmpty, "a what-if asks about something")
    let first = cases[0].question
    let now = WhatIfCase(label: "now", question: first, policy: first.presentPolicy)
    let present = try raw(now)
    let goal = try Goal(first, present: present.values)
    var points: [WhatIfPoint] = []
    for one in cases { points.append(try point(one, raw(one), goal)) }
    return WhatIfAnswer(
      schema: WhatIfAnswer.schemaVersion,
      objective: first.goal,
      limits: goal.limits.map(\.level.description),
      present: point(now, present, goal),
      points: points,
      flips: flips(points),
      best: best(points, goal)
    )
  }

  /// What is known of a case before it is judged.
  private struct Raw {
    var predicted: [Profiles.Response: PredictedValue] = [:]
    var reports: [RunReport] = []
    var source = AnswerSource.model
    var values: [Profiles.Response: Double] {
      reports.isEmpty ? predicted.mapValues(\.value) : Recommender.means(reports)
    }
  }

  private func raw(_ one: WhatIfCase) throws(TuningError) -> Raw {
    do {
      try one.policy.validate(in: one.question.setting)
    } catch {
      throw .impossiblePolicy(error.description)
    }
    var raw = Raw()
    let policy = one.policy.canonical(in: one.question.setting)
    raw.predicted = try tools.predictor?.predictions(one.question, policy: policy) ?? [:]
    let isKnown = raw.predicted[one.question.goal.response] != nil
    let isOutside = raw.predicted.values.contains(where: \.isExtrapolated) || !isKnown
    guard isExact || isOutside else { return raw }
    raw.source = isExact ? .simulation : .simulationOutsideDomain
    raw.reports = try Bench(one.question, tools: tools)
      .window(policy, replicates: Self.replicates)
    return raw
  }

  private func point(_ one: WhatIfCase, _ raw: Raw, _ goal: Goal) -> WhatIfPoint {
    let known = raw.values
    let values = goal.shown.map { known[$0] ?? .nan }
    return WhatIfPoint(
      label: one.label,
      host: one.question.host.name,
      kernel: one.question.kernel.name,
      workload: one.question.workload.name,
      policy: one.policy.description,
      effects: goal.shown.map { effect($0, raw, one.question.confidence) },
      violations: goal.violations(of: values),
      safety: tools.safety.verdict(one.question, policy: one.policy),
      source: raw.source
    )
  }

  private func effect(_ response: Profiles.Response, _ raw: Raw, _ confidence: Double) -> Effect {
    let values = raw.reports.compactMap { $0.value(of: response) }
    return Effect(
      response: response,
      predicted: raw.predicted[response],
      simulated: values.isEmpty
        ? nil : SimulatedValue(Estimate(values), confidence: confidence)
    )
  }

  /// Where a limit begins or ends to be kept, or safety begins or ends.
  private func flips(_ points: [WhatIfPoint]) -> [WhatIfFlip] {
    zip(points, points.dropFirst()).flatMap { before, after in
      var found: [WhatIfFlip] = []
      func add(_ sentence: String) {
        found.append(WhatIfFlip(after: before.label, from: after.label, sentence: sentence))
      }
      let (old, new) = (before.violations.map(\.limit), after.violations.map(\.limit))
      for limit in new where !old.contains(limit) { add("\(limit) is broken from here on") }
      for limit in old where !new.contains(limit) { add("\(limit) is kept from here on") }
      if before.safety.isSafe != after.safety.isSafe {
        add(after.safety.isSafe ? "safe from here on" : after.safety.sentence)
      }
      return found
    }
  }

  private func best(_ points: [WhatIfPoint], _ goal: Goal) -> String? {
    let response = goal.problem.responses[0]
    let eligible = points.filter { $0.violations.isEmpty && $0.safety.isSafe }
    let costs = eligible.map { point in
      point.value(of: goal.objective).map { response.cost($0) } ?? .infinity
    }
    return eligible.indices.min { (costs[$0], $0) < (costs[$1], $1) }.map { eligible[$0].label }
  }
}
