// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

package import Randomness

/// The enumerating strategy: a surrogate scores every canonical point.
///
/// A Gaussian process a response stands on an optional prior mean (a cost model). The criterion is
/// the logarithm of the expected hypervolume improvement over the smoothed front of what was
/// observed, by common normal draws, plus the logarithm of the probability that all limits are
/// kept. A batch is built greedily, with the variance near a chosen point reduced.
package struct ModelStrategy: Strategy {
  /// Limits of the strategy's own work.
  package struct Settings: Hashable, Sendable, Codable {
    /// Points of the initial design, spread over the space; at least two.
    package var initial = 12
    /// Points that are scored with variances; above this the grid is screened by its means.
    package var screened = 4096
    /// Observations that the surrogate keeps at most.
    package var members = 256
    /// Normal draws of the criterion.
    package var draws = 8
    /// The search has converged where the best expected improvement falls below this share of the
    /// front's hypervolume; zero never stops.
    package var tolerance = 0.0

    /// The standard limits.
    package init() {}
  }

  /// The name `model`.
  package let name = "model"
  private let space: Space
  private let problem: Problem
  private let seed: Seed
  private let settings: Settings
  private let modelled: [Int]
  private var ledger: Ledger
  private var models: [SurrogateModel]
  private var nextRefit: Int
  private var screen: [Int] = []

  /// Creates the strategy.
  ///
  /// `prior` gives, for each response of the problem, its expected value at every canonical point
  /// (`[responses][points]`, in the response's unit), or is empty where nothing is known.
  package init(
    space: Space,
    problem: Problem,
    seed: Seed,
    prior: [[Double]] = [],
    settings: Settings = Settings()
  ) {
    precondition(
      prior.isEmpty || prior.count == problem.responses.count,
      "a prior covers every response"
    )
    self.space = space
    self.problem = problem
    self.seed = seed
    self.settings = settings
    let used = problem.objectives + problem.constraints.map(\.response)
    modelled = problem.responses.indices.filter { used.contains($0) }
    ledger = Ledger(count: space.count)
    let grid = Grid(space: space)
    models = modelled.map { response in
      let means = prior.isEmpty ? [] : prior[response].map { problem.responses[response].cost($0) }
      return SurrogateModel(grid: grid, prior: means)
    }
    nextRefit = settings.initial
  }

  /// Chooses up to `count` unobserved points.
  package func suggest(count: Int) -> Suggestion {
    precondition(count > 0, "a suggestion has at least one point")
    if let stop = ledger.stop { return Suggestion(points: [], stop: stop) }
    let done = ledger.observations.count
    guard done >= settings.initial, !screen.isEmpty else {
      let wanted = min(count, max(1, settings.initial - done))
      return Suggestion(points: spread(wanted))
    }
    var criterion = Criterion(
      problem: problem,
      modelled: modelled,
      models: models,
      front: front(),
      settings: settings,
      stream: seed.replicate(UInt64(done)).stream("criterion")
    )
    let open = screen.indices.filter { !ledger.contains(screen[$0]) }
    let picks = criterion.best(count, among: open, points: screen)
    if criterion.share < settings.tolerance { return Suggestion(points: [], stop: .converged) }
    var stream = seed.replicate(UInt64(done)).stream("fill")
    let wanted = picks.isEmpty ? count : min(count, picks.count)
    return Suggestion(points: ledger.fill(picks.map { screen[$0] }, to: wanted, stream: &stream))
  }

  /// Takes results; the surrogate is refitted when its data have grown by half.
  package mutating func observe(_ observations: [EvaluatedPoint]) {
    ledger.append(observations)
    guard ledger.observations.count >= nextRefit, space.count > 0 else {
      if !screen.isEmpty { extend(observations) }
      return
    }
    refit()
    let count = ledger.observations.count
    nextRefit = count + min(max(count / 2, 4), 64)
  }

  private mutating func extend(_ observations: [EvaluatedPoint]) {
    for observation in observations {
      for (place, response) in modelled.enumerated() {
        let cost = problem.responses[response].cost(observation.values[response])
        models[place].append(point: observation.point, cost: cost)
      }
    }
  }

  private mutating func refit() {
    let kept = remembered()
    let points = kept.map(\.point)
    for (place, response) in modelled.enumerated() {
      let costs = kept.map { problem.responses[response].cost($0.values[response]) }
      models[place].refit(points: points, costs: costs)
    }
    screen = screened()
    for place in models.indices { models[place].screen(screen) }
  }

  /// All observations, or the best and a regular sample of the others where there are too many.
  private func remembered() -> [EvaluatedPoint] {
    let all = ledger.observations
    guard all.count > settings.members else { return all }
    var keep = [Bool](repeating: false, count: all.count)
    let ranking = Ranking(problem: problem, observations: all)
    for index in ranking.best(settings.members * 3 / 4) { keep[index] = true }
    let stride = max(1, all.count / (settings.members / 4))
    for index in Swift.stride(from: 0, to: all.count, by: stride) { keep[index] = true }
    return all.indices.filter { keep[$0] }.map { all[$0] }
  }

  /// Every point of a small space; of a large one those whose means look best, and a sample.
  private func screened() -> [Int] {
    guard space.count > settings.screened else { return Array(0..<space.count) }
    let means = models.map { $0.meansOfAll(count: space.count) }
    let count = ledger.observations.count
    var stream = seed.replicate(UInt64(count)).stream("screen")
    var keep = [Bool](repeating: false, count: space.count)
    let rounds = 16
    for _ in 0..<rounds {
      let scores = scalarised(means, stream: &stream)
      // The cut is a quantile of every sixteenth score, which saves sorting them all.
      let sample = Swift.stride(from: 0, to: scores.count, by: 16).map { scores[$0] }.sorted()
      let share = settings.screened * 3 / 4 * sample.count / rounds / space.count
      let cut = sample[min(sample.count - 1, max(1, share))]
      for point in scores.indices where scores[point] < cut { keep[point] = true }
    }
    let stride = max(1, space.count / max(1, settings.screened / 4))
    let start = Int(stream.uniform(below: UInt64(stride)))
    for point in Swift.stride(from: start, to: space.count, by: stride) { keep[point] = true }
    return keep.indices.filter { keep[$0] }
  }

  /// A weighted worst case of the objectives, with broken limits added.
  private func scalarised(_ means: [[Double]], stream: inout Stream) -> [Double] {
    let ranges = means.map { (low: $0.min() ?? 0, high: $0.max() ?? 0) }
    var scores = [Double](repeating: -.infinity, count: space.count)
    for objective in problem.objectives {
      guard let place = modelled.firstIndex(of: objective) else { continue }
      let weight = 0.05 + stream.uniform()
      let (low, span) = (ranges[place].low, max(ranges[place].high - ranges[place].low, 1e-12))
      for point in scores.indices {
        scores[point] = max(scores[point], weight * (means[place][point] - low) / span)
      }
    }
    for limit in problem.constraints {
      guard let place = modelled.firstIndex(of: limit.response) else { continue }
      let bound = problem.responses[limit.response].cost(limit.bound)
      let span = max(ranges[place].high - ranges[place].low, 1e-12)
      for point in scores.indices { scores[point] += max(0, means[place][point] - bound) / span }
    }
    return scores
  }

  /// The smoothed costs of the observed feasible points.
  private func front() -> Costs {
    let feasible = ledger.observations.filter { problem.isFeasible($0.values) }
    let points = feasible.map(\.point)
    let smoothed = problem.objectives.map { objective in
      modelled.firstIndex(of: objective).map { models[$0].smoothed(points) } ?? []
    }
    let rows = points.indices.map { row in smoothed.map { $0[row] } }
    return Costs(rows, width: problem.objectives.count)
  }

  /// Points far from each other and from what was observed: greedy on a random sample.
  private func spread(_ count: Int) -> [Int] {
    let done = ledger.observations.count
    var stream = seed.replicate(UInt64(done)).stream("spread")
    let pool = ledger.fill([], to: min(space.count, 256), stream: &stream)
    let seen = ledger.observations.map(\.point)
    var chosen: [Int] = []
    var nearest = pool.map { candidate in seen.map { gap(candidate, $0) }.min() ?? .infinity }
    while chosen.count < min(count, pool.count) {
      guard let place = nearest.indices.max(by: { (nearest[$0], $1) < (nearest[$1], $0) })
      else { break }
      chosen.append(pool[place])
      for other in pool.indices {
        nearest[other] = min(nearest[other], gap(pool[other], pool[place]))
      }
      nearest[place] = -1
    }
    return chosen
  }

  /// How little the surrogate's starting kernel lets two points say about each other.
  private func gap(_ left: Int, _ right: Int) -> Double {
    guard let model = models.first else { return 0 }
    return -log(max(model.correlation(left, right), .leastNormalMagnitude))
  }
}
