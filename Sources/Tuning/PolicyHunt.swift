// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Policies
import Profiles
import Quantities
import Randomness
import Search

/// What a search of one class of knobs came to.
struct HuntResult {
  /// Policies of the class that are possible and safe.
  var scored = 0
  /// Policies that the hazards removed.
  var hazardous = 0
  /// Policies that were simulated, in the order of the search.
  var simulated: [Policy] = []

  /// The best of what was simulated: those that keep the limits first, by objective, then a few
  /// that nearly keep them, since one run says little about a policy that sits on a limit.
  func best(_ count: Int, goal: Goal, bench: Bench) -> [Policy] {
    let ranked = simulated.compactMap { policy -> (Policy, Double, Double)? in
      guard let values = bench.knownValues(policy, goal).first else { return nil }
      return (policy, goal.problem.violation(of: values), goal.problem.costs(of: values)[0])
    }
    let kept = ranked.filter { $0.1 <= 0 }.sorted { $0.2 < $1.2 }
    let broken = ranked.filter { $0.1 > 0 }.sorted { $0.1 < $1.1 }
    let near = broken.prefix(max(1, count - min(kept.count, count - 1)))
    return kept.prefix(count - 1).map(\.0) + near.map(\.0)
  }
}

/// The search of one class of knobs: cost model over all points, then runs where they pay.
struct PolicyHunt {
  let run: RecommendationRun
  let knobs: KnobChoice
  let budget: Int

  /// Runs that are asked for at once: fixed, so that the answer does not depend on the workers.
  static let batch = 4

  func hunt() throws(TuningError) -> HuntResult {
    var question = run.question
    question.knobs = knobs
    let whole = try PolicySpace(question)
    let safe = whole.restricted { run.tools.safety.verdict(question, policy: $0).isSafe }
    var result = HuntResult()
    result.scored = safe.policies.count
    result.hazardous = whole.policies.count - safe.policies.count
    guard !safe.policies.isEmpty else { return result }
    let study = Study(problem: run.goal.problem, budget: budget, batch: Self.batch)
    var strategy = try strategy(safe, question)
    let (bench, goal) = (run.bench, run.goal)
    let found = try study.run(&strategy) { (points) throws(TuningError) -> [[Double]] in
      let requests = points.map { RunRequest(policy: safe.policies[$0], replicate: 0) }
      return try bench.values(requests, goal)
    }
    result.simulated = found.observations.map { safe.policies[$0.point] }
    return result
  }

  /// The enumerating strategy; with a prior it starts from what the model likes best.
  private func strategy(
    _ space: PolicySpace,
    _ question: Question
  ) throws(TuningError) -> ModelStrategy {
    let prior = try prior(space.policies, question)
    var settings = ModelStrategy.Settings()
    settings.initial = prior.isEmpty ? max(4, budget / 3) : 4
    var strategy = ModelStrategy(
      space: space.space,
      problem: run.goal.problem,
      seed: Seed(question.searchSeed ?? question.seed).derived("search \(knobs.rawValue)"),
      prior: prior,
      settings: settings
    )
    let start = favourites(prior, count: min(4, budget / 2))
    let requests = start.map { RunRequest(policy: space.policies[$0], replicate: 0) }
    let values = try run.bench.values(requests, run.goal)
    strategy.observe(zip(start, values).map { Observation(point: $0, values: $1) })
    return strategy
  }

  /// The cost model's value of every response at every point, or nothing without a model.
  private func prior(
    _ policies: [Policy],
    _ question: Question
  ) throws(TuningError) -> [[Double]] {
    guard let predictor = run.tools.predictor, isQuickToCount(policies, question) else { return [] }
    var rows = run.goal.problem.responses.map { _ in [Double]() }
    for policy in policies {
      let predicted = try predictor.predictions(question, policy: policy)
      let values = run.goal.values(predicted.mapValues(\.value))
      for (place, value) in values.enumerated() where !value.isNaN { rows[place].append(value) }
    }
    return rows.map { $0.count == policies.count ? $0 : [] }
  }

  /// Whether the features of all policies take less time than the runs that they would save.
  ///
  /// Chunks that end on work or time have no two alike, so counting those of a large guest costs as
  /// much as simulating windows of them.
  private func isQuickToCount(_ policies: [Policy], _ question: Question) -> Bool {
    guard question.workload.memory.size > .gibibytes(1) else { return true }
    return policies.allSatisfy { policy in
      if case .timeBudget = policy.controller { return false }
      if case .visits(_) = policy.chunk { return false }
      return true
    }
  }

  /// The points that the prior ranks first: least violation, then best objective.
  private func favourites(_ prior: [[Double]], count: Int) -> [Int] {
    guard let first = prior.first, prior.allSatisfy({ $0.count == first.count }), !first.isEmpty
    else { return [] }
    let keys = first.indices.map { point in
      let values = prior.map { $0[point] }
      let problem = run.goal.problem
      return (problem.violation(of: values), problem.costs(of: values)[0], point)
    }
    return keys.sorted { $0 < $1 }.prefix(count).map(\.2)
  }
}
