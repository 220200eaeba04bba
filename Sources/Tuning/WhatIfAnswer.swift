// SPDX-License-Identifier: GPL-3.0-or-later

public import CostModels
public import Policies
public import Profiles

/// One case of a what-if: a question and the policy it is asked about.
public struct WhatIfCase: Sendable {
  /// What distinguishes the case, such as `chunk=2MiB`.
  public let label: String
  /// The swept value as a number (bytes, nanoseconds or as it is); nil where it is none.
  public let position: Double?
  /// Where the policy runs.
  public let question: Question
  /// The policy.
  public let policy: Policy

  /// Creates a case.
  public init(label: String, position: Double? = nil, question: Question, policy: Policy) {
    self.label = label
    self.position = position
    self.question = question
    self.policy = policy
  }
}

/// What the figures of a what-if come from.
public enum AnswerSource: String, Hashable, Sendable, CaseIterable, Codable {
  /// The cost model, inside of its domain or at its edge.
  case model
  /// The simulator, because it was asked for.
  case simulation
  /// The simulator, because the model does not reach here.
  case simulationOutsideDomain = "simulation-outside-domain"
  /// The simulator, because there is no model.
  case simulationWithoutModel = "simulation-without-model"
}

/// One case answered.
public struct WhatIfPoint: Hashable, Sendable, Codable {
  /// The case's label.
  public let label: String
  /// The swept value as a number (bytes, nanoseconds or as it is); nil where it is none.
  public let position: Double?
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
  /// The objective under the present policy of the same question, in its response's unit.
  public let present: Double?
  /// Whether the present policy of the same question keeps all limits.
  public let isPresentFeasible: Bool
  /// The limits it breaks.
  public let violations: [Violation]
  /// Whether it may leave a stale translation.
  public let safety: SafetyVerdict
  /// Where the figures come from.
  public let source: AnswerSource
  /// How far the model reaches here; nil without a model.
  public let place: Validity.Place?
  /// Why the model's place is not inside.
  public let placeReason: String?
  /// What each predicted effect is made of, where it was asked for; the terms add up to it.
  public let explanation: [Explanation]?

  enum CodingKeys: String, CodingKey {
    case label, position, host, kernel, workload, policy, effects
    case present = "present_objective"
    case isPresentFeasible = "present_keeps_limits"
    case violations, safety, source
    case place = "domain"
    case placeReason = "domain_reason"
    case explanation
  }

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
  public static let schemaVersion = 2

  /// The version of the form this was written in.
  public let schema: Int
  /// What is optimized.
  public let objective: Metric
  /// The limits as asked.
  public let limits: [String]
  /// The cost model's identity; nil where there is none.
  public let model: String?
  /// The key that is swept, or nil for a comparison.
  public let swept: String?
  /// The host's present policy in the first case, for comparison.
  public let present: WhatIfPoint
  /// The cases in order.
  public let points: [WhatIfPoint]
  /// Where the choice changes from one case to the next of a sweep.
  public let flips: [WhatIfFlip]
  /// The label of the best feasible and safe case, where there is one.
  public let best: String?

  enum CodingKeys: String, CodingKey {
    case schema = "schema_version"
    case objective, limits, model, swept, present, points, flips, best
  }
}
