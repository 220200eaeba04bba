// SPDX-License-Identifier: GPL-3.0-or-later

import CostModels
import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Search
import Testing

@testable import Tuning

/// Predicts a sum: ten seconds for a moved interrupt, and one for threaded NAPI.
private struct TwoKnobs: PolicyPredictor {
  let identity = "two knobs"
  func predictions(
    _ question: Question,
    policy: Policy
  ) throws(TuningError) -> [Response: PredictedValue] {
    let time =
      (policy.interrupt == .moved ? 10e9 : 0) + (policy.threadedNAPI ? 1e9 : 0) + 2e9
    let kept = policy.slice == nil ? 0.25 : 0.75
    return [
      .teardownTime: PredictedValue(value: time, low: time, high: time),
      .goodputRetained: PredictedValue(value: kept, low: kept, high: kept),
    ]
  }
}

@Suite struct SensitivityTests {
  private func question(_ knobs: KnobChoice) -> Question {
    var question = exampleQuestion()
    question.pinned = [.path]
    question.knobs = knobs
    return question
  }

  @Test("Of two knobs that add, each has its square's share and nothing is done together")
  func additive() throws {
    let answer = try SensitivityStudy(question(.today), predictor: TwoKnobs()).answer()
    let teardown = try #require(answer.rows.first { $0.response == .teardownTime })
    let shares = Dictionary(uniqueKeysWithValues: teardown.shares.map { ($0.knob, $0) })
    for (knob, share) in [("irq", 100.0 / 101), ("napi", 1.0 / 101), ("slice", 0), ("pause", 0)] {
      let found = try #require(shares[knob], "\(knob) of \(shares.keys)")
      #expect((found.first - share).magnitude < 1e-12, "\(found)")
      #expect((found.total - share).magnitude < 1e-12, "\(found)")
    }
    #expect(teardown.together < 1e-12)
    // Means of 0 or 10 s, of 0 or 1 s, and 2 s; half of the spread each.
    #expect((teardown.mean - 7.5e9).magnitude < 1)
    #expect((teardown.deviation - 1e9 * (25.25).squareRoot()).magnitude < 1)
    #expect(teardown.shares.allSatisfy { $0.knob != "class" }, "one class decides nothing")
  }

  @Test("A slice matters however many slices there are: the chance of none is that of one level")
  func levelsHaveEqualChance() throws {
    let answer = try SensitivityStudy(question(.today), predictor: TwoKnobs()).answer()
    let kept = try #require(answer.rows.first { $0.response == .goodputRetained })
    let grid = try PolicyGrid(question(.today))
    let slices = try #require(grid.space.dimensions.first { $0.name == "slice" }).levels.count
    let chance = 1 / Double(slices)
    let variance = 0.25 * chance * (1 - chance)
    #expect((kept.deviation - variance.squareRoot()).magnitude < 1e-12)
    #expect((try #require(kept.shares.first { $0.knob == "slice" }).first - 1).magnitude < 1e-12)
  }

  @Test("The class of knobs is one that interacts with all of them")
  func classes() throws {
    let answer = try SensitivityStudy(question(.any), predictor: TwoKnobs()).answer()
    let teardown = try #require(answer.rows.first { $0.response == .teardownTime })
    let irq = try #require(teardown.shares.first { $0.knob == "irq" })
    #expect(irq.first > 0.1 && irq.total > irq.first + 0.1)
    #expect(teardown.together > 0.1)
    #expect(answer.policies <= answer.points)
    // This kernel has no range TLBI: those flushes are named, not silently left out.
    #expect(answer.impossible.contains("tlbi=deferred"))
  }

  @Test(
    "The policies of every shipped kind of question are a grid",
    arguments: ["container-churn", "live-migration", "storage-randwrite", "rpc-latency"],
    ["5.10", "6.1", "6.12"]
  )
  func shippedQuestions(workload: String, kernel: String) throws {
    for host in ["graviton3", "ampere-altra", "tlbirange-vhe-2023"] {
      var question = try shipped(workload: workload, host: host, kernel: kernel)
      question.knobs = .any
      question.thinning = 4
      let grid = try PolicyGrid(question)
      #expect(grid.policies.count == grid.space.count)
      let distinct = Set(grid.policies)
      #expect(distinct == Set(try PolicySpace(question).policies), "\(host)")
    }
  }
}
