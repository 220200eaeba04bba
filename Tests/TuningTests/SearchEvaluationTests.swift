// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Policies
import Profiles
import Quantities
import Testing

@testable import Tuning

/// A space of the formula that is small enough to be simulated whole.
private func reduced() -> Question {
  var question = exampleQuestion()
  question.knobs = .any
  question.thinning = 6
  return question
}

private func evaluation(workers: Int = 2, seeds: Int = 2) -> SearchEvaluation {
  var evaluation = SearchEvaluation(tools: exampleTools(predicts: false, workers: workers))
  (evaluation.seeds, evaluation.budgets, evaluation.queryBudget) = (seeds, [30], 40)
  evaluation.freshRuns = 3
  return evaluation
}

@Suite struct SearchEvaluationTests {
  @Test func answersAreHeldAgainstTheBestOfTheWholeSpace() throws {
    let quality = try evaluation().quality(of: [reduced()], simulator: "formula")
    let one = try #require(quality.cases.first)
    #expect(one.points > 60 && one.hazardous > 0 && (1..<one.points).contains(one.feasible))
    // The formula without noise says what the best is.
    let question = reduced()
    let safe = try PolicySpace(question).policies.filter {
      FormulaSafety().verdict(question, policy: $0).isSafe
    }
    let truths = safe.map { FormulaSimulator.truth(question, $0) }.filter { $0.kept >= 0.97 }
    let best = try #require(truths.map(\.time).min())
    #expect(abs(one.bestValue / 1e9 / best - 1) < 0.02, "\(one.bestValue) and \(best)")
    #expect(one.queries.count == 2)
    for query in one.queries {
      #expect(try #require(query.regret) < 0.1 && query.runs <= 60)
      #expect(try #require(query.excess) < 0.02)
    }
    #expect(one.volumes.map(\.strategy) == ["model", "genetic", "sobol", "random"])
    for score in one.volumes { #expect(score.shares.allSatisfy { $0 > 0.2 && $0 <= 1 }) }
    #expect(quality.figures.contains { $0.name == "regret, median" })
  }

  @Test func theSameBytesForAnyNumberOfWorkers() throws {
    let texts = try [1, 3].map { workers in
      try AnswerStore.json(
        evaluation(workers: workers, seeds: 1).quality(of: [reduced()], simulator: "formula")
      )
    }
    #expect(texts[0] == texts[1])
  }

  /// The table holds what another optimizer needs: knobs, points, costs, limits and the truth.
  @Test func tablesHoldTheWholeSpace() throws {
    var tables: [SearchTable] = []
    _ = try evaluation(seeds: 1).quality(of: [reduced()], simulator: "formula") { one, score in
      tables.append(SearchTable(one, score))
    }
    let table = try #require(tables.first)
    #expect(table.points.count == table.costs.count && table.costs[0].count == 3)
    #expect(table.violations.allSatisfy { $0.count == 1 })
    #expect(table.volume > 0 && table.reference.count == 3)
    for point in table.points {
      #expect(zip(point, table.knobs).allSatisfy { $0 < $1.levels.count })
    }
    let data = try AnswerStore.json(table)
    #expect(try AnswerStore.decoder.decode(SearchTable.self, from: data) == table)
  }
}
