// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Operations
import Policies
import Profiles
import Quantities
import TestSupport
import Testing

@testable import Tuning

/// The profiles that ship, as they are loaded.
private func loaded(_ workload: String, memory: String) throws -> LoadedSetup {
  let store = ProfileStore(directories: [packageRoot.appending(path: "models")])
  return try LoadedSetup(
    workload: workload,
    host: "graviton3",
    kernel: "6.1",
    from: store,
    setting: [("vm.memory", memory)]
  )
}

/// A predictor of one response: the time of an unmap is the price of a table times tables, under another
/// path that of a leaf.
private struct PricePredictor: PolicyPredictor {
  let identity = "prices"

  func predictions(
    _ question: Question,
    policy: Policy
  ) throws(TuningError) -> [Response: PredictedValue] {
    let host = question.host
    let isExit = policy.path == .processExit
    let price = isExit ? host.stage2.leafDestroyed : host.stage2.tableFreed
    let value = price.inNanoseconds * 1e6 + host.hostFree.page.inNanoseconds
    return [.teardownTime: PredictedValue(value: value, low: value, high: value)]
  }
}

@Suite struct AnswerStudyTests {
  /// The run that is drawn is the first of those that an answer counts, and its accounts add up.
  @Test func theWatchedRunIsTheFirstOfTheAnswers() throws {
    let setup = try loaded("container-churn", memory: "1GiB")
    var question = Question(setup.setup)
    question.budget = 20
    let tools = TuningTools(model: nil)
    let answer = try Recommender(question, tools: tools).recommend()
    let runs = try RunTracer(question, tools: tools).runs(of: answer)
    #expect(answer.verdict == .change && runs.runs.map(\.role) == ["now", "recommended"])
    let full = try #require(answer.fullRun?.digest)
    #expect(runs.runs.contains { $0.digest == full })
    for run in runs.runs {
      let timeline = try #require(run.timeline)
      for track in timeline.tracks {
        #expect(track.values.count == RunTracer.steps && track.values.allSatisfy { $0 >= 0 })
        guard track.lane != .reader, track.lane != .drops else { continue }
        #expect(track.values.allSatisfy { $0 <= 1.001 }, "\(track.lane)")
      }
      let cpu = try #require(run.accounts.first { $0.whole == .cpu })
      let sum = cpu.parts.reduce(0) { $0 + $1.time }
      let whole = try #require(
        answer.rows.first { $0.policy == run.policy }?.effects.first?.simulated?.value
      )
      // The operation, and half a second of machine around it at most.
      #expect(sum > 0.9 * whole && sum < 1.1 * whole + 5e8, "\(sum) of \(whole)")
    }
  }

  @Test func everyPartIsThereOrSaysWhyNot() throws {
    let setup = try loaded("ci-microvm", memory: "256MiB")
    var question = Question(setup.setup)
    question.budget = 9
    let tools = TuningTools(model: nil)
    let answer = try Recommender(question, tools: tools).recommend()
    let study = AnswerStudy(of: answer, to: question, loaded: setup, tools: tools)
    #expect(study.recommendation == answer && study.runs != nil)
    let missing = Set(study.absent.map(\.part))
    #expect(missing.isSuperset(of: [.compositions, .sensitivity, .hostValues]))
    #expect((study.front == nil) == missing.contains(.front))
    #expect((study.sweep == nil) == missing.contains(.sweep))
    #expect(study.absent.allSatisfy { !$0.reason.isEmpty })
    let again = AnswerStudy(of: answer, to: question, loaded: setup, tools: tools)
    #expect(again == study)
  }
}

@Suite struct HostValueTests {
  @Test func theValueThatMovesMostStandsFirst() throws {
    let setup = try loaded("container-churn", memory: "1GiB")
    let question = Question(setup.setup)
    var other = question.presentPolicy
    other.path = .processExit
    let study = HostValueStudy(question, predictor: PricePredictor())
    let answer = try #require(try study.answer(setup.host, recommended: other))
    #expect(answer.response == .teardownTime && answer.model == "prices")
    let assumed = setup.host.entries.filter { $0.provenance == .assumed }.map(\.key)
    #expect(answer.rows.allSatisfy { assumed.contains($0.key) })
    #expect(answer.rows.map(\.factor) == answer.rows.map(\.factor).sorted(by: >))
    // Of all prices these alone are in the formula; a page's is too small to matter.
    let own = ["stage2.table_freed", "stage2.leaf_destroyed"]
    #expect(Set(answer.rows.map(\.key)) == Set(own))
    for row in answer.rows {
      let reach = row.key == "stage2.table_freed" ? row.now : try #require(row.recommended)
      #expect(abs(reach.twice / reach.asIs - 2) < 1e-3 && abs(reach.half / reach.asIs - 0.5) < 1e-3)
    }
    #expect(
      try study.answer(setup.host, recommended: nil)?.rows.allSatisfy { $0.recommended == nil }
        == true
    )
  }

  @Test func whatTheModelDoesNotKnowHasNoAnswer() throws {
    let setup = try loaded("container-churn", memory: "1GiB")
    var question = Question(setup.setup)
    question.objective = .ioGoodput
    let study = HostValueStudy(question, predictor: PricePredictor())
    #expect(try study.answer(setup.host, recommended: nil) == nil)
  }
}
