// SPDX-License-Identifier: GPL-3.0-or-later

import Randomness
import Search
import TestSupport
import Testing

@Suite struct StrategyQualityTests {
  /// Paired by seed: the model's share of the hypervolume against that of random choice.
  @Test func theModelBeatsRandomChoice() throws {
    let trade = try Trade(sizes: 9)
    let study = Study(problem: trade.problem, budget: 50, batch: 5)
    let gains = Property.seeds(4).map { seed in
      var model = ModelStrategy(space: trade.space, problem: trade.problem, seed: Seed(seed))
      var random = RandomStrategy(space: trade.space, seed: Seed(seed))
      let mine = trade.share(study.run(&model) { $0.map(trade.values) }.observations)
      let other = trade.share(study.run(&random) { $0.map(trade.values) }.observations)
      return mine - other
    }
    let gain = Estimate(gains)
    #expect(gain.value - gain.margin(confidence: 0.95) > 0, "gains \(gains)")
  }

  @Test func aTruePriorMakesTheModelNearlyPerfect() throws {
    let trade = try Trade(sizes: 9)
    let values = trade.space.points.indices.map(trade.values)
    let prior = trade.problem.responses.indices.map { response in values.map { $0[response] } }
    var model = ModelStrategy(
      space: trade.space,
      problem: trade.problem,
      seed: Seed(1),
      prior: prior
    )
    let study = Study(problem: trade.problem, budget: 50, batch: 5)
    let share = trade.share(study.run(&model) { $0.map(trade.values) }.observations)
    #expect(share > 0.97, "share \(share)")
  }

  /// Around the best point nothing that a small step reaches is left unseen.
  @Test(arguments: Property.seeds(3))
  func smallStepsLeaveNoBetterNeighbour(seed: UInt64) throws {
    let trade = try Trade(sizes: 9)
    let model = ModelStrategy(space: trade.space, problem: trade.problem, seed: Seed(seed))
    var strategy = PolishStrategy(
      space: trade.space,
      problem: trade.problem,
      model: model,
      start: 16
    )
    let study = Study(problem: trade.problem, budget: 120, batch: 4)
    let seen = study.run(&strategy) { $0.map(trade.values) }.observations
    func key(_ point: Int) -> (Double, Double) {
      let values = trade.values(point)
      return (trade.problem.violation(of: values), trade.problem.costs(of: values)[0])
    }
    let best = try #require(seen.map(\.point).min { key($0) < key($1) })
    let steps = trade.space.neighbours(of: best)
    #expect(!steps.isEmpty && Set(steps).isSubset(of: Set(seen.map(\.point))))
    #expect(steps.allSatisfy { key($0) >= key(best) })
  }

  /// A neighbour differs in one dimension that matters at both, by one level where it has an order.
  @Test func neighboursAreOneStepAway() throws {
    let space = try Trade(sizes: 4).space
    for point in stride(from: 0, to: space.count, by: 7) {
      let found = space.neighbours(of: point)
      #expect(!found.contains(point) && Set(found).count == found.count)
      for other in found {
        let changed = space.dimensions.indices.filter {
          space.isActive($0, at: space.points[point]) && space.isActive($0, at: space.points[other])
            && space.points[point].levels[$0] != space.points[other].levels[$0]
        }
        #expect(changed.count == 1)
        guard let place = changed.first, space.dimensions[place].levels[0].position != nil
        else { continue }
        let step = space.points[point].levels[place] - space.points[other].levels[place]
        #expect(step.magnitude == 1)
      }
    }
  }

  @Test func aToleranceEndsTheSearch() throws {
    let trade = try Trade(sizes: 3)
    var settings = ModelStrategy.Settings()
    settings.tolerance = 0.02
    var model = ModelStrategy(
      space: trade.space,
      problem: trade.problem,
      seed: Seed(1),
      settings: settings
    )
    let result = Study(problem: trade.problem, budget: 1000, batch: 4).run(&model) {
      $0.map(trade.values)
    }
    #expect(result.stop == .converged)
    #expect(result.observations.count < trade.space.count)
  }
}
