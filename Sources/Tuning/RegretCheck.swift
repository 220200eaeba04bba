// SPDX-License-Identifier: GPL-3.0-or-later

import Operations
package import Policies
import Profiles
import Search

/// An answer beside the best policy that an independent search found, both judged by fresh whole runs.
package struct RegretCheck: Hashable, Sendable, Codable {
  /// The question, `host/kernel/workload memory`.
  package let name: String
  /// The recommended policy; nil where the answer was that none keeps the limits.
  package let policy: String?
  /// The mean of its objective, in the unit of the objective; nil without a policy.
  package let value: Double?
  /// Whether it keeps the limits in fresh runs; nil without a policy.
  package let isKept: Bool?
  /// The best policy of the independent search that keeps the limits; nil where it found none.
  package let rival: String?
  /// The mean of its objective.
  package let rivalValue: Double?
  /// How much worse the answer's objective is, as a share; zero where it is as good or better, nil
  /// where one of the two has no policy.
  package let regret: Double?
  /// Policies that the independent search ran.
  package let trials: Int
  /// Which knobs both could turn.
  package let knobs: KnobChoice

  /// Whether the answer said that no policy keeps the limits, and one does.
  package var isFalseNone: Bool { policy == nil && rival != nil }

  enum CodingKeys: String, CodingKey {
    case name, policy, value, rival, regret, trials, knobs
    case isKept = "limits_kept"
    case rivalValue = "rival_value"
  }
}

/// The regrets of many answers.
package struct RegretQuality: Hashable, Sendable, Codable {
  /// The version of the JSON form.
  package static let schemaVersion = 1

  /// The version of the form this was written in.
  package let schema: Int
  /// The simulator's version.
  package let simulator: String
  /// The cost model's identity; nil where answers were made by simulation alone.
  package let model: String?
  /// One check a question.
  package let checks: [RegretCheck]

  /// Adds up checks.
  package init(simulator: String, model: String?, checks: [RegretCheck]) {
    schema = Self.schemaVersion
    (self.simulator, self.model, self.checks) = (simulator, model, checks)
  }

  enum CodingKeys: String, CodingKey {
    case schema = "schema_version"
    case simulator, model, checks
  }

  /// The regret below which a share of them lies; zero without any.
  package func regret(_ share: Double) -> Double {
    let sorted = checks.compactMap(\.regret).sorted()
    guard !sorted.isEmpty else { return 0 }
    return sorted[min(sorted.count - 1, Int((share * Double(sorted.count)).rounded(.down)))]
  }

  /// Answers that say none where there is one.
  package var falseNones: Int { checks.count(where: \.isFalseNone) }
  /// Answers whose policy breaks a limit in the mean of fresh runs.
  package var broken: Int { checks.count { $0.isKept == false } }

  /// Whether all targets are met: a hundredth in the middle, a twentieth for nine in ten, no false none.
  package var isGood: Bool { regret(0.5) <= 0.01 && regret(0.9) <= 0.05 && falseNones == 0 }
}

/// Holds an answer against an independent search.
package struct RegretChecker: Sendable {
  private let question: Question
  private let tools: TuningTools
  private let bench: Bench
  private let goal: Goal

  /// Replicates that neither answer nor search has seen.
  private static let fresh = 9_100..<9_103
  /// Policies of the search that are judged, and those of them at most that keep the limits.
  private static let contenders = 12
  private static let enough = 4

  /// Prepares the check of a question's answer: `tools` look for better policies, `judge` runs what
  /// is compared.
  package init(
    _ question: Question,
    tools: TuningTools,
    judge: TuningTools
  ) throws(TuningError) {
    (self.question, self.tools) = (question, tools)
    bench = Bench(question, tools: judge)
    let present = try bench.reports(Self.requests(question.presentPolicy))
    goal = try Goal(question, present: Recommender.means(present))
  }

  private static func requests(_ policy: Policy) -> [RunRequest] {
    fresh.map { RunRequest(policy: policy, replicate: $0, extent: .full) }
  }

  /// Searches with so many whole runs and judges what it finds beside the answer.
  package func check(
    _ answer: Policy?,
    name: String,
    trials: Int,
    seed: UInt64
  ) throws(TuningError) -> RegretCheck {
    var search = IndependentSearch(question, tools: tools, goal: goal, trials: trials, seed: seed)
    var best: (policy: Policy, values: [Double])?
    var kept = 0
    for policy in try search.search(keeping: Self.contenders) where kept < Self.enough {
      let values = try bench.means(Self.requests(policy), goal)
      guard goal.violations(of: values).isEmpty else { continue }
      kept += 1
      if let other = best, goal.objectiveLoss(values[0], against: other.values[0]) >= 0 { continue }
      best = (policy, values)
    }
    let own = try answer.map { policy throws(TuningError) in
      try bench.means(Self.requests(policy), goal)
    }
    var regret: Double?
    if let own, let best { regret = max(0, goal.objectiveLoss(own[0], against: best.values[0])) }
    return RegretCheck(
      name: name,
      policy: answer?.description,
      value: own?[0],
      isKept: own.map { goal.violations(of: $0).isEmpty },
      rival: best?.policy.description,
      rivalValue: best?.values[0],
      regret: regret,
      trials: trials,
      knobs: question.knobs
    )
  }
}
