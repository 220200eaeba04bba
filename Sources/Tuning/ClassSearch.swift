// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Policies
import Profiles
import Quantities
import Randomness
import Search

/// What a search of one class of knobs came to.
struct ClassSearchResult {
  /// Policies of the class that are possible and safe.
  var scored = 0
  /// Policies that the hazards removed.
  var hazardous = 0
  /// Policies that were simulated, in the order of the search.
  var simulated: [Policy] = []
  /// What was searched: the safe policies of the class.
  let space: PolicySpace

  init(_ space: PolicySpace) { self.space = space }

  /// What goes into the race: the best of those that keep the limits, some that keep them by more,
  /// then one that nearly keeps them, since one run says little about a policy that sits on a limit.
  ///
  /// Where none keeps them, those that come closest.
  ///
  /// Without the second kind all finalists may sit on a limit that none of them keeps for certain,
  /// while one that is hardly worse keeps it with ease. Of those that behave alike to the last digit
  /// the one found first stands for all.
  func best(_ count: Int, goal: Goal, bench: Bench) -> [Policy] {
    var rows: Set<[Double]> = []
    let seen = simulated.compactMap { policy -> Candidate? in
      guard let values = bench.knownValues(policy, goal, .window).first,
        rows.insert(values).inserted
      else { return nil }
      return Candidate(policy, values, goal.problem)
    }
    let kept = seen.filter { $0.violation <= 0 }.sorted { $0.cost < $1.cost }
    let broken = seen.filter { $0.violation > 0 }.sorted { $0.violation < $1.violation }
    let isClose = (broken.first?.violation ?? .infinity) <= Self.close
    let near = broken.prefix(max(count - kept.count, isClose ? 1 : 0))
    return spread(kept, count: count - near.count).map(\.policy) + near.map(\.policy)
  }

  /// A violation in a single run, on the responses' scales, that may be chance.
  private static let close = 0.1

  /// The cheaper half by cost alone; then steps, each the cheapest that keeps the limits with room
  /// that chance seldom takes and at least twice that of the one before; what is left of the count
  /// by cost again.
  private func spread(_ kept: [Candidate], count: Int) -> [Candidate] {
    var chosen = Array(kept.prefix((count + 1) / 2))
    var room = chosen.map(\.room).filter(\.isFinite).max() ?? 0
    while chosen.count < count,
      let next = kept.first(where: { $0.room >= max(2 * room, Candidate.comfort) })
    {
      guard !chosen.contains(where: { $0.policy == next.policy }) else { break }
      chosen.append(next)
      room = next.room
    }
    let rest = kept.filter { one in !chosen.contains { $0.policy == one.policy } }
    return chosen + rest.prefix(count - chosen.count)
  }
}

/// A policy with what one run says of it.
struct Candidate {
  let policy: Policy
  let violation: Double
  let cost: Double
  /// How far the nearest limit is, on its response's scale; limits that are met exactly, as a
  /// count of nothing is, say nothing of it.
  let room: Double

  init(_ policy: Policy, _ values: [Double], _ problem: Problem) {
    self.policy = policy
    violation = problem.violation(of: values)
    cost = problem.costs(of: values)[0]
    room = problem.violations(of: values).filter { $0 < 0 }.map { -$0 }.min() ?? .infinity
  }

  /// The room that another draw of chance seldom takes, on the responses' scales: replicates of a
  /// share differ by 0.7 points in one run of ten (docs/model-accuracy.md).
  static let comfort = 0.0075

  /// Whether the limits are kept, and by more than chance seldom takes.
  var isComfortable: Bool { violation <= 0 && room >= Self.comfort }
}

/// The search of one class of knobs: cost model over all points, then runs where they pay.
struct ClassSearch {
  let run: RecommendationRun
  let knobs: KnobChoice
  /// Runs at most, at least one.
  let budget: Int

  /// Runs that are asked for at once: fixed, so that the answer does not depend on the workers.
  static let batch = 4

  func search() throws(TuningError) -> ClassSearchResult {
    var question = run.question
    question.knobs = knobs
    let whole = try PolicySpace(question).patient(question)
    let safe = whole.restricted { run.tools.safety.verdict(question, policy: $0).isSafe }
    var result = ClassSearchResult(safe)
    result.scored = safe.policies.count
    result.hazardous = whole.policies.count - safe.policies.count
    guard !safe.policies.isEmpty else { return result }
    let prior = try prior(safe.policies, question)
    var strategy = strategy(safe, question, prior)
    let (bench, goal) = (run.bench, run.goal)
    func values(_ points: [Int]) throws(TuningError) -> [[Double]] {
      let requests = points.map { RunRequest(policy: safe.policies[$0], replicate: 0) }
      return try bench.values(requests, goal)
    }
    let start = start(safe, prior)
    strategy.observe(zip(start, try values(start)).map { EvaluatedPoint(point: $0, values: $1) })
    result.simulated = start.map { safe.policies[$0] }
    guard start.count < budget else { return result }
    let study = Study(problem: goal.problem, budget: budget - start.count, batch: Self.batch)
    let found = try study.run(&strategy, evaluate: values)
    result.simulated += found.observations.map { safe.policies[$0.point] }
    return result
  }

  /// The enumerating strategy, then small steps around the best.
  private func strategy(
    _ space: PolicySpace,
    _ question: Question,
    _ prior: [[Double]]
  ) -> PolishStrategy {
    var settings = ModelStrategy.Settings()
    settings.initial = prior.isEmpty ? max(4, budget / 3) : 4
    let model = ModelStrategy(
      space: space.space,
      problem: run.goal.problem,
      seed: Seed(question.searchSeed ?? question.seed).derived("search \(knobs.rawValue)"),
      prior: prior,
      settings: settings
    )
    return PolishStrategy(
      space: space.space,
      problem: run.goal.problem,
      model: model,
      start: budget * 2 / 3
    )
  }

  /// What is run before the strategy chooses: what the cost model likes best; without one, what
  /// turns a single knob: where nothing is known, what changes least is tried first.
  private func start(_ space: PolicySpace, _ prior: [[Double]]) -> [Int] {
    let count = min(4, max(1, budget / 2))
    let liked = favourites(prior, count: count)
    return liked.isEmpty ? space.plain(from: run.present, count: count) : liked
  }

  /// The cost model's value of every response at every point, or nothing without a model.
  private func prior(
    _ policies: [Policy],
    _ question: Question
  ) throws(TuningError) -> [[Double]] {
    guard let predictor = run.tools.predictor else { return [] }
    let predicted = try predictor.predictions(question, of: policies, workers: run.tools.workers)
    var rows = run.goal.problem.responses.map { _ in [Double]() }
    for values in predicted {
      for (place, value) in run.goal.values(values.mapValues(\.value)).enumerated()
      where !value.isNaN {
        rows[place].append(value)
      }
    }
    return rows.map { $0.count == policies.count ? $0 : [] }
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
