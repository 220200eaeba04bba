// SPDX-License-Identifier: GPL-3.0-or-later

import CostModels
import Foundation
import Observations
import Profiles
import Quantities
import TestSupport
import Testing

/// What must be noticed: intervals that are too narrow, and a model of another machine.
@Suite("Judging a cost model on runs it never saw")
struct JudgementTests {
  /// Runs of a machine that no fit has seen.
  static func fresh(_ machine: ToyMachine = ToyMachine()) -> [Observation] {
    machine.campaign(600, seed: 99)
  }

  @Test("Intervals cover nine in ten runs, and would not if they were a third narrower")
  func coverage() async throws {
    // Enough noise that no interval is as narrow as the rounding of a run's values.
    let model = try await CostModelTests.model(ToyMachine(noise: 0.02), runs: 800)
    let fit = try model.model(of: .teardownTime)
    let target = 0.84...0.96
    func share(_ factor: Double) -> Double {
      let runs = Self.fresh(ToyMachine(noise: 0.02))
      let hits = runs.count { run in
        let value = run.value(of: .teardownTime) ?? .nan
        let estimate = fit.predict(run.features)
        let low = estimate.value - factor * (estimate.value - estimate.low)
        let high = estimate.value + factor * (estimate.high - estimate.value)
        return low <= value && value <= high
      }
      return Double(hits) / Double(runs.count)
    }
    #expect(target.contains(share(1)), "\(share(1))")
    #expect(!target.contains(share(2.0 / 3)), "\(share(2.0 / 3))")
  }

  @Test("A model fitted to a machine without its main mechanism misses its target on the real one")
  func wrongMachine() async throws {
    var wrong = ToyMachine()
    wrong.starves = false
    let honest = try await CostModelTests.model()
    let fooled = try await CostModelTests.model(wrong)
    func row(_ model: CostModel) throws -> Accuracy {
      Accuracy(of: try model.model(of: .goodputRetained), on: Self.fresh())
    }
    let target = AccuracyTarget(for: .goodputRetained)
    let (right, caught) = (try row(honest), try row(fooled))
    #expect(right.median < target.median && right.ninetieth < target.ninetieth, "\(right)")
    #expect(caught.median > target.median && caught.coverage < 0.5, "\(caught)")
    #expect(target.misses(caught).count == 3, "\(target.misses(caught))")
  }

  @Test("Simpler ways are fitted to the same runs, and the model beats each of them")
  func rivals() async throws {
    let machine = ToyMachine()
    let split = SplitRuns(machine.campaign(400, seed: 7))
    let scores = try await RivalScore.all(
      [.goodputRetained],
      on: split,
      settings: ToyMachine.settings
    )
    #expect(scores.map(\.rival) == Rival.allCases)
    let own = try await CostModelTests.model().accuracy.first { $0.response == .goodputRetained }
    for score in scores where score.rival == .structure || score.rival == .neighbour {
      #expect(score.ninetieth > (own?.ninetieth ?? .infinity), "\(score)")
    }
  }

  @Test("A fit predicts to four digits what it predicted when it was recorded, in any build")
  func goldenDigest() async throws {
    // Digits, not bytes: the last bits of exp and log differ between processors.
    let model = try await CostModelTests.model(runs: 200)
    var text = ""
    for place in [0.1, 0.3, 0.5, 0.7, 0.9] {
      for estimate in model.predict(ToyMachine.features([place, 1 - place, 0.5])) {
        let values = [estimate.low, estimate.value, estimate.high]
        let texts = values.map { significant($0 > 1e6 ? $0 / 1e9 : $0, digits: 4) }
        text += texts.joined(separator: " ") + "\n"
      }
    }
    Golden.check(text, "models/toy-predictions.txt")
  }
}
