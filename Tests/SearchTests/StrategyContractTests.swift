// SPDX-License-Identifier: GPL-3.0-or-later

import Randomness
import Search
import TestSupport
import Testing

/// The strategies that ship, each built from space, problem and seed.
enum Kind: String, CaseIterable, CustomTestStringConvertible {
  case random, sobol, genetic, model, polish

  var testDescription: String { rawValue }

  func make(_ space: Space, _ problem: Problem, _ seed: Seed) -> any Strategy {
    switch self {
    case .random: return RandomStrategy(space: space, seed: seed)
    case .sobol: return SobolStrategy(space: space, seed: seed)
    case .genetic: return GeneticStrategy(space: space, problem: problem, seed: seed, population: 6)
    case .model:
      var settings = ModelStrategy.Settings()
      settings.initial = 5
      return ModelStrategy(space: space, problem: problem, seed: seed, settings: settings)
    case .polish:
      let model = ModelStrategy(space: space, problem: problem, seed: seed)
      return PolishStrategy(space: space, problem: problem, model: model, start: 5)
    }
  }
}

/// Two objectives and a limit over any space: bowls around different corners, and a wall.
struct Landscape {
  let space: Space
  let problem = Problem(
    responses: [
      SearchResponse("time", .minimize, scale: .logarithmic), SearchResponse("kept", .maximize),
      SearchResponse("stall", .minimize),
    ],
    objectives: [0, 1],
    constraints: [Constraint(response: 2, bound: 0.8)]
  )

  func values(_ point: Int) -> [Double] {
    let levels = space.points[point].levels.map { Double($0) }
    let sum = levels.enumerated().reduce(0) { $0 + $1.element * Double($1.offset + 1) }
    let near = levels.reduce(0) { $0 + ($1 - 1) * ($1 - 1) }
    let stall = levels.first == 0 && sum > 9 ? Double.infinity : near / 6
    return [1 + sum, 1 / (1 + near), stall]
  }
}

@Suite struct StrategyContractTests {
  @Test(arguments: Kind.allCases, Property.seeds(3))
  func staysInSpaceWithoutRepetition(kind: Kind, seed: UInt64) throws {
    let land = Landscape(space: try exampleSpace())
    var strategy = kind.make(land.space, land.problem, Seed(seed))
    var seen: Set<Int> = []
    while true {
      let suggestion = strategy.suggest(count: 4)
      if let stop = suggestion.stop {
        #expect(stop == .exhausted)
        break
      }
      #expect((1...4).contains(suggestion.points.count))
      for point in suggestion.points {
        #expect(land.space.points.indices.contains(point))
        #expect(seen.insert(point).inserted, "\(kind) suggested \(point) again, seed \(seed)")
      }
      strategy.observe(suggestion.points.map { EvaluatedPoint(point: $0, values: land.values($0)) })
    }
    #expect(seen.count == land.space.count)
  }

  @Test(arguments: Kind.allCases)
  func askingChangesNothing(kind: Kind) throws {
    let land = Landscape(space: try exampleSpace())
    var strategy = kind.make(land.space, land.problem, Seed(7))
    for _ in 0..<4 {
      let first = strategy.suggest(count: 3)
      #expect(strategy.suggest(count: 3) == first)
      strategy.observe(first.points.map { EvaluatedPoint(point: $0, values: land.values($0)) })
    }
  }

  @Test(arguments: Kind.allCases)
  func sameSeedSamePath(kind: Kind) throws {
    let land = Landscape(space: try exampleSpace())
    let study = Study(problem: land.problem, budget: 14, batch: 2)
    let paths = try [UInt64(3), 3, 4].map { seed in
      var strategy = kind.make(land.space, land.problem, Seed(seed))
      return try run(study, &strategy, land)
    }
    #expect(paths[0] == paths[1])
    #expect(paths[0] != paths[2])
  }

  /// Opens the existential, so that one test serves every kind.
  private func run(
    _ study: Study,
    _ strategy: inout any Strategy,
    _ land: Landscape
  ) throws -> [EvaluatedPoint] {
    func open(_ strategy: inout some Strategy) -> [EvaluatedPoint] {
      study.run(&strategy) { $0.map(land.values) }.observations
    }
    return open(&strategy)
  }

  @Test(arguments: Kind.allCases)
  func emptyAndOnePointSpacesEnd(kind: Kind) throws {
    let none = Landscape(space: try Space([]))
    #expect(kind.make(none.space, none.problem, Seed(1)).suggest(count: 2).stop == .emptySpace)
    let one = Landscape(space: try Space([Dimension("x", levels: [Level("a")])]))
    var strategy = kind.make(one.space, one.problem, Seed(1))
    #expect(strategy.suggest(count: 5).points == [0])
    strategy.observe([EvaluatedPoint(point: 0, values: [1, 1, 0])])
    #expect(strategy.suggest(count: 5).stop == .exhausted)
  }

  @Test(arguments: Kind.allCases)
  func takesObservationsItDidNotPropose(kind: Kind) throws {
    let land = Landscape(space: try exampleSpace())
    var strategy = kind.make(land.space, land.problem, Seed(5))
    strategy.observe((0..<9).map { EvaluatedPoint(point: $0, values: land.values($0)) })
    // The same point twice is a replicate, and infinity is the worst value.
    strategy.observe([EvaluatedPoint(point: 2, values: [.infinity, 0, .infinity])])
    let suggestion = strategy.suggest(count: 4)
    #expect(suggestion.points.allSatisfy { $0 >= 9 })
  }

  /// The first points of a Sobol sequence fill every third of the first dimension.
  @Test(arguments: Property.seeds(5))
  func sobolSpreads(seed: UInt64) throws {
    let space = try Space([
      Dimension("x", levels: (0..<3).map { Level("\($0)") }),
      Dimension("y", levels: (0..<16).map { Level("\($0)") }),
    ])
    let points = SobolStrategy(space: space, seed: Seed(seed)).suggest(count: 24).points
    let counts = (0..<3).map { level in
      points.count { space.points[$0].levels[0] == level }
    }
    #expect(counts.allSatisfy { (6...10).contains($0) }, "\(counts), seed \(seed)")
  }

  @Test func aStudyStopsAtItsBudgetAndKeepsOnlyFeasiblePointsInFront() throws {
    let land = Landscape(space: try exampleSpace())
    var strategy = RandomStrategy(space: land.space, seed: Seed(2))
    let result = Study(problem: land.problem, budget: 9, batch: 4).run(&strategy) {
      $0.map(land.values)
    }
    #expect(result.stop == .budget)
    #expect(result.observations.count == 9)
    #expect(!result.front.isEmpty)
    for index in result.front {
      #expect(land.problem.isFeasible(result.observations[index].values))
    }
  }
}
