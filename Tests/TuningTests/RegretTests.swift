// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Policies
import Profiles
import Quantities
import Testing

@testable import Tuning

@Suite struct RegretTests {
  private func checker(_ question: Question) throws -> RegretChecker {
    let tools = exampleTools(predicts: false, workers: 2)
    return try RegretChecker(question, tools: tools, judge: tools)
  }

  /// What keeps the limit at the least time, by the formula and over the grid that answers come from.
  private func best(_ question: Question) throws -> (policy: Policy, time: Double) {
    let kept = try PolicySpace(question).policies.compactMap { policy -> (Policy, Double)? in
      let truth = FormulaSimulator.truth(question, policy)
      return truth.kept >= 0.97 ? (policy, truth.time) : nil
    }
    return try #require(kept.min { $0.1 < $1.1 })
  }

  @Test func aBestPolicyHasNoRegretAndIsFoundByTheIndependentSearchAsWell() throws {
    let question = exampleQuestion()
    let best = try best(question)
    let check = try checker(question).check(best.policy, name: "x", trials: 120, seed: 1)
    #expect(try #require(check.regret) < 0.01 && check.isKept == true && !check.isFalseNone)
    // It knows no grid, and comes as near.
    #expect(try #require(check.rivalValue) / 1e9 < best.time * 1.05, "\(check)")
  }

  @Test func aWorsePolicyHasItsRegretAndNoneIsFalse() throws {
    let question = exampleQuestion()
    let best = try best(question)
    var slow = best.policy
    slow.path = .munmap
    (slow.slice, slow.pause) = (.mebibytes(1), .microseconds(50))
    slow = slow.canonical(in: question.setting)
    let checker = try checker(question)
    let found = try checker.check(slow, name: "x", trials: 80, seed: 1)
    let times = [slow, try Policy(parsing: #require(found.rival))].map {
      FormulaSimulator.truth(question, $0.canonical(in: question.setting)).time
    }
    #expect(times[0] > times[1] * 1.05)
    #expect(abs(try #require(found.regret) - (times[0] / times[1] - 1)) < 0.03)
    let none = try checker.check(nil, name: "x", trials: 80, seed: 1)
    #expect(none.isFalseNone && none.regret == nil && none.isKept == nil)
    let broken = try checker.check(question.presentPolicy, name: "x", trials: 10, seed: 1)
    #expect(broken.isKept == false)
    let quality = RegretQuality(simulator: "f", model: nil, checks: [found, none, broken])
    #expect(quality.falseNones == 1 && quality.broken == 1 && !quality.isGood)
  }

  @Test func theIndependentSearchStaysAmongWhatIsAllowed() throws {
    for knobs in KnobChoice.allCases {
      var question = exampleQuestion()
      question.knobs = knobs
      question.pinned = [.irq]
      let tools = exampleTools(predicts: false, workers: 2)
      let runs = try Bench(question, tools: tools)
        .runs(question.presentPolicy, replicates: 3, .full)
      let goal = try Goal(question, present: Recommender.means(runs))
      var search = IndependentSearch(question, tools: tools, goal: goal, trials: 60, seed: 3)
      let found = try search.search(keeping: 60)
      #expect(found.count > 20 && Set(found).count == found.count)
      for policy in found {
        #expect(question.allows(policy) && policy.interrupt == .sameCPU)
        #expect(tools.safety.verdict(question, policy: policy).isSafe)
        #expect((try? policy.validate(in: question.setting)) != nil)
      }
    }
  }
}
