// SPDX-License-Identifier: GPL-3.0-or-later

package import CostModels
package import Observations
package import Policies
package import Profiles

/// One case of a what-if: a question and the policy it is asked about.
package struct WhatIfCase: Sendable {
  /// What distinguishes the case, such as `chunk=2MiB`.
  package let label: String
  /// The swept value as a number (bytes, nanoseconds or as it is); nil where it is none.
  package let position: Double?
  /// Where the policy runs.
  package let question: Question
  /// The policy.
  package let policy: Policy

  /// Creates a case.
  package init(label: String, position: Double? = nil, question: Question, policy: Policy) {
    self.label = label
    self.position = position
    self.question = question
    self.policy = policy
  }
}

/// What the figures of a what-if come from.
package enum AnswerSource: String, Hashable, Sendable, CaseIterable, Codable {
  /// The cost model, inside of its domain or at its edge.
  case model
  /// The simulator, because it was asked for.
  case simulation
  /// The simulator, because the model does not reach here.
  case simulationOutsideDomain = "simulation-outside-domain"
  /// The simulator, because there is no model.
  case simulationWithoutModel = "simulation-without-model"
}

/// A percentile of runs that is the largest of its samples, or of no sample at all.
package struct SampleCount: Hashable, Sendable, Codable {
  /// The percentile.
  package let response: Response
  /// The least samples that a run of the case had.
  package let count: Int64

  enum CodingKeys: String, CodingKey {
    case response
    case count = "sample_count"
  }
}

/// One case answered.
package struct WhatIfPoint: Hashable, Sendable, Codable {
  /// The case's label.
  package let label: String
  /// The swept value as a number (bytes, nanoseconds or as it is); nil where it is none.
  package let position: Double?
  /// The host profile's name.
  package let host: String
  /// The kernel profile's name.
  package let kernel: String
  /// The workload profile's name.
  package let workload: String
  /// The policy's text.
  package let policy: String
  /// The responses, the objective first.
  package let effects: [Effect]
  /// The objective under the present policy of the same question, in its response's unit.
  package let present: Double?
  /// Whether the present policy of the same question keeps all limits.
  package let isPresentFeasible: Bool
  /// The limits it breaks.
  package let violations: [Violation]
  /// Whether it may leave a stale translation.
  package let safety: SafetyVerdict
  /// Where the figures come from.
  package let source: AnswerSource
  /// How far the model reaches here; nil without a model.
  package let place: Validity.Place?
  /// Why the model's place is not inside.
  package let placeReason: String?
  /// The responses of which some run saw no sample, or too few for a percentile below the largest;
  /// nil where there are none.
  package let fewSamples: [SampleCount]?
  /// The knobs that the policy turns and that change nothing here, such as a chunk on the path of an
  /// exiting process; nil where there are none.
  package let idleKnobs: [IdleKnob]?
  /// What each predicted effect is made of, where it was asked for; the terms add up to it.
  package let explanation: [Explanation]?

  enum CodingKeys: String, CodingKey {
    case label, position, host, kernel, workload, policy, effects
    case present = "present_objective"
    case isPresentFeasible = "present_keeps_limits"
    case violations, safety, source
    case place = "domain"
    case placeReason = "domain_reason"
    case fewSamples = "few_samples"
    case idleKnobs = "idle_knobs"
    case explanation
  }

  /// The value of a response: the simulated one where there is one.
  package func value(of response: Response) -> Double? {
    let effect = effects.first { $0.response == response }
    return effect?.simulated?.value ?? effect?.predicted?.value
  }
}

/// A place in a sweep or comparison where the choice changes.
package struct WhatIfFlip: Hashable, Sendable, Codable {
  /// The label before.
  package let after: String
  /// The label from which on it is different.
  package let from: String
  /// What changes, in one sentence.
  package let sentence: String
}

/// The answer to a what-if.
package struct WhatIfAnswer: Hashable, Sendable, Codable {
  /// The version of the JSON form.
  package static let schemaVersion = 2

  /// The version of the form this was written in.
  package let schema: Int
  /// What is optimized.
  package let objective: Metric
  /// The limits as asked.
  package let limits: [String]
  /// The cost model's identity; nil where there is none.
  package let model: String?
  /// The key that is swept, or nil for a comparison.
  package let swept: String?
  /// The host's present policy in the first case, for comparison.
  package let present: WhatIfPoint
  /// The cases in order.
  package let points: [WhatIfPoint]
  /// Where the choice changes from one case to the next of a sweep.
  package let flips: [WhatIfFlip]
  /// The label of the best feasible and safe case, where there is one.
  package let best: String?

  enum CodingKeys: String, CodingKey {
    case schema = "schema_version"
    case objective, limits, model, swept, present, points, flips, best
  }
}
