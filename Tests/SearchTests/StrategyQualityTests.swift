// SPDX-License-Identifier: GPL-3.0-or-later

import Randomness
import Search
import TestSupport
import Testing

/// A made-up trade of time against interference, with an interaction and a limit: it ranks
/// strategies and says nothing about hardware.
struct Trade {
  let space: Space
  let problem = Problem(
    responses: [
      Response("time", .minimize, scale: .logarithmic), Response("kept", .maximize),
      Response("hold", .minimize, scale: .logarithmic),
    ],
    objectives: [0, 1, 2],
    constraints: [Constraint(response: 2, bound: 300)]
  )

  /// A trade with this many levels on both of its sizes.
  init(sizes: Int) throws {
    let scale = (0..<sizes).map { Level("\($0)", at: Double($0)) }
    space = try Space([
      Dimension("rule", levels: [Level("a"), Level("b"), Level("c")]),
      Dimension("size", levels: scale),
      Dimension("mode", levels: [Level("now"), Level("late")]),
      Dimension("slice", levels: scale, when: [Condition("mode", in: ["late"])]),
      Dimension("pause", levels: (0..<6).map { Level("\($0)", at: Double($0)) }),
    ])
  }

  func values(_ point: Int) -> [Double] {
    let levels = space.points[point].levels
    let size = Double(levels[1]) / 4, slice = Double(levels[3]) / 4
    let rule = [1.0, 0.8, 1.3][levels[0]]
    let late = levels[2] == 1
    let pause = Double(levels[4])
    let time = rule * (1 + 3 / (1 + size * size)) + (late ? 0.4 * slice : 0.9) + 0.15 * pause
    let hold = 20 * rule * (1 + size * size * (late ? 0.5 : 1) + (late ? slice : 0))
    let kept = 1 / (1 + hold / 200) + 0.03 * pause * (1 - 0.1 * pause)
    return [time, kept, hold]
  }

  /// The share of the whole space's hypervolume that observations reach.
  func share(_ observations: [Observation]) -> Double {
    let all = space.points.indices.map { Observation(point: $0, values: values($0)) }
    let truth = feasibleCosts(all)
    let reference = (0..<3).map { column in
      (truth.front().map { truth[$0, column] }.max() ?? 0) + 0.1
    }
    return feasibleCosts(observations).hypervolume(reference: reference)
      / truth.hypervolume(reference: reference)
  }

  private func feasibleCosts(_ observations: [Observation]) -> Costs {
    let feasible = observations.filter { problem.isFeasible($0.values) }
    return Costs(feasible.map { problem.costs(of: $0.values) }, width: 3)
  }
}

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

  /// The whole space's front is within reach of two hundred evaluations of a large space, at less
  /// than a millisecond a suggestion; measured only where S2TUNE_BENCHMARK is set, in release.
  @Test(.enabled(if: environment("S2TUNE_BENCHMARK") != nil))
  func ownOverheadOnALargeSpace() throws {
    let trade = try Trade(sizes: 32)
    #expect(trade.space.count > 19_000)
    for budget in [100, 200] {
      var reached: [String] = []
      var spent = Duration.zero
      for seed in Property.seeds(5) {
        var model = ModelStrategy(space: trade.space, problem: trade.problem, seed: Seed(seed))
        let study = Study(problem: trade.problem, budget: budget, batch: 8)
        var result: StudyResult?
        spent += ContinuousClock().measure {
          result = study.run(&model) { $0.map(trade.values) }
        }
        let observations = try #require(result).observations
        reached.append("\(trade.share(observations))")
      }
      print("\(budget) evaluations: \(spent / (5 * budget)) a suggestion; shares \(reached)")
    }
  }
}
