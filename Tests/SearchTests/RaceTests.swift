// SPDX-License-Identifier: GPL-3.0-or-later

import Randomness
import Search
import TestSupport
import Testing

/// Finalists with known means; one shared draw a replicate, one draw of their own.
struct Field {
  let means: [Double]
  let limits: [Double]
  var shared = 0.3
  var own = 0.05
  let seed: Seed

  let problem = Problem(
    responses: [SearchResponse("time", .minimize), SearchResponse("kept", .maximize)],
    objectives: [0],
    constraints: [Constraint(response: 1, bound: 0.95)]
  )

  func values(_ run: RaceRun) -> [Double] {
    var common = seed.replicate(UInt64(run.replicate)).stream("common")
    var alone = seed.replicate(UInt64(run.replicate)).stream("own \(run.finalist)")
    let noise = shared * common.normal() + own * alone.normal()
    return [means[run.finalist] + noise, limits[run.finalist] + 0.002 * alone.normal()]
  }

  func race(budget: Int = 200, indifference: Double = 0) -> RaceResult {
    var settings = Race.Settings()
    settings.budget = budget
    settings.indifference = indifference
    return Race(problem: problem, settings: settings).run(finalists: means.count) {
      $0.map(values)
    }
  }
}

@Suite struct RaceTests {
  @Test func findsTheBestWhereNoiseIsShared() {
    let field = Field(means: [1.0, 1.2, 1.1, 1.5], limits: [1, 1, 1, 1], seed: Seed(1))
    let result = field.race()
    #expect(result.winner == 0)
    #expect(result.end == .separated)
    #expect(result.runs < 100)
    #expect(result.standings[3].eliminatedAfter != nil)
  }

  @Test func theFastestThatBreaksItsLimitDoesNotWin() {
    let field = Field(means: [0.5, 1.2, 1.6], limits: [0.90, 0.99, 1], seed: Seed(2))
    let result = field.race()
    #expect(result.winner == 1)
    #expect(result.standings[0].eliminatedAfter != nil)
    #expect(!result.standings[0].isConfirmed)
  }

  @Test func noneFeasibleNamesTheNearest() {
    let field = Field(means: [0.5, 1.2, 1.6], limits: [0.5, 0.9, 0.7], seed: Seed(3))
    let result = field.race()
    #expect(result.winner == nil)
    #expect(result.end == .noneFeasible)
    #expect(result.nearest == 1)
    #expect(abs(result.standings[1].violations[0].value - 0.05) < 0.01)
  }

  @Test func equalFinalistsEndByIndifferenceOrBudget() {
    let field = Field(means: [1, 1], limits: [1, 1], seed: Seed(4))
    #expect(field.race(indifference: 0.2).end == .indifferent)
    let spent = field.race(budget: 20)
    #expect(spent.end == .budget)
    #expect(spent.runs <= 20)
    #expect(spent.winner != nil)
  }

  @Test func aBudgetBelowTheMinimumVerifiesNothing() {
    let field = Field(means: [1, 2, 3], limits: [1, 1, 1], seed: Seed(5))
    let result = field.race(budget: 4)
    #expect(result.end == .budget)
    #expect(result.winner == nil)
  }

  /// Who may not leave before the third round is run three times at once, replicate by replicate; later
  /// rounds are of those left.
  @Test func firstRoundsComeTogether() {
    let field = Field(means: [1.0, 1.02], limits: [1, 1], seed: Seed(5))
    var asked: [[RaceRun]] = []
    _ = Race(problem: field.problem).run(finalists: 2) { runs in
      asked.append(runs)
      return runs.map(field.values)
    }
    let first = asked.first?.map { [$0.replicate, $0.finalist] }
    #expect(first == [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1]])
    #expect(asked.dropFirst().joined().allSatisfy { $0.replicate >= 3 })
  }

  /// What affords two rounds but not three runs two, as it did one by one.
  @Test func firstRoundsThatAreNotAffordedComeOneByOne() {
    let field = Field(means: [1.0, 1.02], limits: [1, 1], seed: Seed(5))
    var runs = 0
    let result = Race(problem: field.problem).run(
      finalists: 2,
      affords: { runs + $0.count <= 5 },
      evaluate: { asked in
        runs += asked.count
        return asked.map(field.values)
      }
    )
    #expect(runs == 4)
    #expect(result.end == .budget)
    #expect(result.winner == nil)
  }

  /// The error stays below the stated 5 %: 200 races between two close finalists.
  @Test func wrongEliminationsAreRare() {
    let wrong = (0..<200).filter { seed in
      var field = Field(means: [1.0, 1.02], limits: [1, 1], seed: Seed(UInt64(seed)))
      field.own = 0.1
      return field.race(budget: 60).standings[0].eliminatedAfter != nil
    }
    #expect(wrong.count <= 10, "the better of two left in races \(wrong)")
  }

  @Test func pairingUsesFewerRunsThanIndependentNoise() {
    let runs = [0.3, 0.0].map { shared in
      (0..<20).reduce(0) { sum, seed in
        var field = Field(means: [1.0, 1.1], limits: [1, 1], seed: Seed(UInt64(seed)))
        field.shared = shared
        field.own = shared > 0 ? 0.05 : 0.3
        return sum + field.race().runs
      }
    }
    #expect(runs[0] * 2 < runs[1])
  }

  @Test func estimatesHandleInfinityAndSingleRuns() {
    #expect(Estimate([1, .infinity]).value == .infinity)
    #expect(Estimate([3]).margin(confidence: 0.9) == .infinity)
    #expect(Estimate([3, 3, 3]).margin(confidence: 0.9) == 0)
    let estimate = Estimate([1, 2, 3, 4])
    #expect(
      abs(estimate.margin(confidence: 0.95) - 3.18244630528371 * estimate.standardError) < 1e-9
    )
  }
}

@Suite struct QuantileTests {
  /// Values from published tables of the Student and normal distributions.
  @Test(arguments: [
    (1, 0.975, 12.7062047), (2, 0.95, 2.9199856), (5, 0.99, 3.3649300), (30, 0.975, 2.0422725),
  ])
  func studentMatchesTables(freedom: Int, probability: Double, expected: Double) {
    #expect(abs(Quantiles.student(probability, freedom: freedom) - expected) < 1e-6)
    #expect(abs(Quantiles.student(1 - probability, freedom: freedom) + expected) < 1e-6)
  }

  @Test func normalMatchesTables() {
    #expect(abs(Quantiles.normal(0.975) - 1.959963985) < 1e-8)
    #expect(abs(Quantiles.normalBelow(-1) - 0.158655254) < 1e-8)
  }
}
