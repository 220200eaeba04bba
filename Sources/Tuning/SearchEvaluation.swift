// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Profiles
import Quantities
import Randomness
import Search

/// How good the search is on one space that was simulated whole.
package struct SearchCaseScore: Hashable, Sendable, Codable {
  /// The case, `host/kernel/workload`.
  package let name: String
  /// Policies that are possible and safe.
  package let points: Int
  /// Policies that the hazards remove.
  package let hazardous: Int
  /// Safe policies that keep all limits.
  package let feasible: Int
  /// The objectives of the front; their names carry the units.
  package let objectives: [String]
  /// The best policy of the whole space that keeps the limits in fresh runs.
  package let best: String
  /// Its objective, in the unit of the first objective.
  package let bestValue: Double
  /// Where its ordered knobs stand in their ranges.
  package let bestPlaces: [KnobPlace]
  /// The share of the whole front's hypervolume, by strategy, budget and seed.
  package let volumes: [VolumeScore]
  /// What the recommender chose, by seed.
  package let queries: [QueryScore]

  enum CodingKeys: String, CodingKey {
    case name, points, hazardous, feasible, objectives
    case best = "best_policy"
    case bestValue = "best_value"
    case bestPlaces = "best_places"
    case volumes, queries
  }

  /// Whether the best policy turns some ordered knob, and all of those lie inside of their ranges.
  package var isBestInside: Bool { !bestPlaces.isEmpty && bestPlaces.allSatisfy(\.isInside) }
}

/// The share of the true hypervolume that one strategy reached with one budget, seed by seed.
package struct VolumeScore: Hashable, Sendable, Codable {
  /// The strategy's name.
  package let strategy: String
  /// Simulations it was given.
  package let budget: Int
  /// Shares, 0 to 1, in the order of the seeds.
  package let shares: [Double]
}

/// One recommendation held against the best of its whole space.
package struct QueryScore: Hashable, Sendable, Codable {
  /// The seed of the search's own choices.
  package let seed: UInt64
  /// The recommended policy; nil where it said that none is feasible.
  package let policy: String?
  /// How much worse its objective is than the best one's, as a share; nil without a policy.
  package let regret: Double?
  /// The largest relative excess over a limit in fresh runs; zero where all are kept.
  package let excess: Double?
  /// Simulations spent.
  package let runs: Int
}

/// Summary figures over all cases and seeds, beside their targets.
package struct SearchQuality: Hashable, Sendable, Codable {
  /// One figure with its target.
  package struct Figure: Hashable, Sendable, Codable {
    /// What it is.
    package let name: String
    /// Its value, a share.
    package let value: Double
    /// The target, a share.
    package let target: Double
    /// Whether the target is met: at least it where `isFloor`, at most it otherwise.
    package let isMet: Bool

    enum CodingKeys: String, CodingKey {
      case name, value, target
      case isMet = "met"
    }
  }

  /// The version of the JSON form.
  package static let schemaVersion = 2

  /// The version of the form this was written in.
  package let schema: Int
  /// The simulator's version.
  package let simulator: String
  /// Seeds a case.
  package let seeds: Int
  /// Simulations in all.
  package let runs: Int
  /// The figures with targets.
  package let figures: [Figure]
  /// The cases.
  package let cases: [SearchCaseScore]

  enum CodingKeys: String, CodingKey {
    case schema = "schema_version"
    case simulator, seeds, runs, figures, cases
  }

  /// Whether every target is met.
  package var isGood: Bool { figures.allSatisfy(\.isMet) }
}

/// Holds the search against whole spaces: strategies by hypervolume, answers by regret.
package struct SearchEvaluation: Sendable {
  /// Seeds of each strategy and of each recommendation.
  package var seeds = 10
  /// Simulations that the strategies are given, one study each.
  package var budgets = [100, 200]
  /// Simulations that a recommendation may spend.
  package var queryBudget = Question.standardBudget
  /// Fresh runs of each policy that is judged.
  package var freshRuns = 8
  private let tools: TuningTools
  private let cache: RunCache

  /// The first replicate that no search has seen.
  private static let fresh = 5_000

  /// Creates an evaluation with a simulator and an oracle.
  package init(tools: TuningTools) {
    cache = RunCache(tools.simulator)
    self.tools = tools.replacing(simulator: cache)
  }

  /// Scores the questions one after the other; `each` is told each score as it is known.
  package func quality(
    of questions: [Question],
    simulator: String,
    each: (_ one: SearchCase, _ score: SearchCaseScore) throws(TuningError) -> Void = { _, _ in }
  ) throws(TuningError) -> SearchQuality {
    var scores: [SearchCaseScore] = []
    for question in questions {
      let one = try SearchCase(question, tools: tools, store: cache)
      let score = try score(one)
      scores.append(score)
      try each(one, score)
    }
    return SearchQuality(
      schema: SearchQuality.schemaVersion,
      simulator: simulator,
      seeds: seeds,
      runs: cache.count,
      figures: figures(scores),
      cases: scores
    )
  }

  private func score(_ one: SearchCase) throws(TuningError) -> SearchCaseScore {
    let judge = try TruthJudge(one, tools: tools, replicates: fresh)
    let best = try judge.best()
    var queries: [QueryScore] = []
    for seed in 0..<UInt64(seeds) { queries.append(try query(one, judge, best, seed: seed)) }
    return SearchCaseScore(
      name: one.name,
      points: one.safe.policies.count,
      hazardous: one.whole.policies.count - one.safe.policies.count,
      feasible: one.table.count { one.problem.isFeasible($0) },
      objectives: one.objectives,
      best: best.map { $0.policy.description } ?? "none",
      bestValue: best?.value ?? .nan,
      bestPlaces: best.map { one.places(of: $0.policy) } ?? [],
      volumes: volumes(one),
      queries: queries
    )
  }

  private var fresh: Range<Int> { Self.fresh..<(Self.fresh + freshRuns) }

  /// Every strategy with every budget on the table; no simulation is made.
  private func volumes(_ one: SearchCase) -> [VolumeScore] {
    let truth = one.volume(one.table)
    return budgets.flatMap { budget in
      EvaluatedStrategy.allCases.map { kind in
        let shares = (0..<UInt64(seeds)).map { seed in
          let found = kind.run(one, budget: budget, seed: Seed(seed + 1))
          return truth > 0 ? one.volume(found.map { one.table[$0] }) / truth : 1
        }
        return VolumeScore(strategy: kind.rawValue, budget: budget, shares: shares)
      }
    }
  }

  private func query(
    _ one: SearchCase,
    _ judge: TruthJudge,
    _ best: TruthJudge.Verdict?,
    seed: UInt64
  ) throws(TuningError) -> QueryScore {
    var question = one.question
    question.budget = queryBudget
    question.searchSeed = seed + 1
    let choice = try Recommender(question, tools: tools).choose()
    guard let policy = choice.policy else {
      // Right where nothing is feasible, and a miss of the whole objective where something is.
      return QueryScore(
        seed: seed + 1,
        policy: nil,
        regret: best == nil ? 0 : .infinity,
        excess: nil,
        runs: choice.runs
      )
    }
    let verdict = try judge.verdict(policy)
    return QueryScore(
      seed: seed + 1,
      policy: policy.description,
      regret: best.map { max(0, one.goal.objectiveLoss(verdict.value, against: $0.value)) },
      excess: verdict.excess,
      runs: choice.runs
    )
  }

  private func figures(_ cases: [SearchCaseScore]) -> [SearchQuality.Figure] {
    let targets = [100: 0.98, 200: 0.995]
    let count = Double(max(1, cases.count))
    let inside = Double(cases.count(where: \.isBestInside)) / count
    let hazardous = Double(cases.count { $0.hazardous > 0 }) / count
    var figures: [SearchQuality.Figure] = [
      .atLeast(1, "spaces with their best point inside the ranges", inside),
      .atLeast(1, "spaces with hazardous points", hazardous),
    ]
    for budget in budgets {
      let shares = cases.flatMap(\.volumes)
        .filter { $0.strategy == EvaluatedStrategy.model.rawValue && $0.budget == budget }
        .flatMap(\.shares)
      guard let target = targets[budget] else { continue }
      figures.append(
        .atLeast(target, "hypervolume with \(budget) simulations, mean", Self.mean(shares))
      )
    }
    let queries = cases.flatMap(\.queries)
    let regrets = queries.compactMap(\.regret).sorted()
    figures.append(.atMost(0.01, "regret, median", Self.quantile(regrets, 0.5)))
    figures.append(.atMost(0.05, "regret, p90", Self.quantile(regrets, 0.9)))
    let excesses = queries.compactMap(\.excess)
    let broken = excesses.filter { $0 > 0 }
    let share = Double(broken.count) / Double(max(1, excesses.count))
    figures.append(.atMost(0.05, "answers that break a limit in fresh runs", share))
    let far = Double(broken.count { $0 >= 0.02 }) / Double(max(1, broken.count))
    figures.append(.atMost(0.01, "of those, by 2 % or more", far))
    return figures
  }

  private static func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(max(1, values.count))
  }

  /// The value below which a share of the sorted values lies.
  private static func quantile(_ sorted: [Double], _ share: Double) -> Double {
    guard !sorted.isEmpty else { return 0 }
    return sorted[min(sorted.count - 1, Int((share * Double(sorted.count)).rounded(.down)))]
  }
}

extension SearchQuality.Figure {
  fileprivate static func atLeast(_ target: Double, _ name: String, _ value: Double) -> Self {
    Self(name: name, value: value, target: target, isMet: value >= target)
  }

  fileprivate static func atMost(_ target: Double, _ name: String, _ value: Double) -> Self {
    Self(name: name, value: value, target: target, isMet: value <= target)
  }
}
