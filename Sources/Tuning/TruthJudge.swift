// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Profiles
import Randomness
import Search

/// Judges policies by fresh runs that no search has seen.
struct TruthJudge {
  let one: SearchCase
  let bench: Bench
  let replicates: Range<Int>

  /// Policies that keep the limits in fresh runs and among which the best one is taken.
  private static let contenders = 8
  /// A violation of a single run, on the responses' scales, that may be chance.
  private static let slack = 0.01

  init(_ one: SearchCase, tools: TuningTools, replicates: Range<Int>) throws(TuningError) {
    self.one = one
    bench = Bench(one.question, tools: tools)
    self.replicates = replicates
  }

  /// What fresh runs say of a policy.
  struct Verdict {
    let policy: Policy
    /// The mean of the objective, in its response's unit.
    let value: Double
    /// The largest relative excess over a limit; zero where all are kept.
    let excess: Double
  }

  /// The means of a policy's fresh runs against objective and limits.
  func verdict(_ policy: Policy) throws(TuningError) -> Verdict {
    let requests = replicates.map {
      RunRequest(policy: policy, replicate: $0, extent: .full)
    }
    let means = try bench.means(requests, one.goal)
    let problem = one.goal.problem
    let excesses = problem.constraints.map { limit in
      guard problem.violations(of: means).contains(where: { $0 > 0 }) else { return 0.0 }
      let gap = means[limit.response] - limit.bound
      let isBroken =
        problem.responses[limit.response].cost(means[limit.response])
        > problem.responses[limit.response].cost(limit.bound)
      return isBroken ? gap.magnitude / max(limit.bound.magnitude, 1) : 0
    }
    return Verdict(policy: policy, value: means[0], excess: excesses.max() ?? 0)
  }

  /// The best of the whole space: fresh runs of those that nearly keep the limits in their single
  /// run, by their objective, until enough of them keep the limits for good.
  func best() throws(TuningError) -> Verdict? {
    let near = one.table.indices.filter {
      one.problem.violation(of: one.table[$0]) <= Self.slack
    }
    let ranked = near.sorted { (one.objective($0), $0) < (one.objective($1), $1) }
    var kept: [Verdict] = []
    for point in ranked where kept.count < Self.contenders {
      let verdict = try verdict(one.safe.policies[point])
      if verdict.excess <= 0 { kept.append(verdict) }
    }
    return kept.min { one.goal.objectiveLoss($0.value, against: $1.value) < 0 }
  }
}

extension Goal {
  /// How much worse a value of the objective is than another, as a share; below zero is better.
  func objectiveLoss(_ value: Double, against other: Double) -> Double {
    let response = problem.responses[0]
    guard value != other else { return 0 }
    let isWorse = response.cost(value) > response.cost(other)
    let share = (value - other).magnitude / max(other.magnitude, .leastNormalMagnitude)
    return isWorse ? share : -share
  }
}

/// The strategies that are compared on a table.
enum EvaluatedStrategy: String, CaseIterable {
  case model, genetic, sobol, random

  /// The points that a study of this strategy evaluates.
  func run(_ one: SearchCase, budget: Int, seed: Seed) -> [Int] {
    let (space, problem) = (one.safe.space, one.problem)
    func study(_ strategy: some Strategy) -> [Int] {
      var strategy = strategy
      let study = Study(problem: problem, budget: budget, batch: ClassSearch.batch)
      return study.run(&strategy) { $0.map { one.table[$0] } }.observations.map(\.point)
    }
    switch self {
    case .model: return study(ModelStrategy(space: space, problem: problem, seed: seed))
    case .genetic:
      return study(GeneticStrategy(space: space, problem: problem, seed: seed, population: 20))
    case .sobol: return study(SobolStrategy(space: space, seed: seed))
    case .random: return study(RandomStrategy(space: space, seed: seed))
    }
  }
}
