// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Operations
import Policies
import Profiles
import Randomness
import Scenarios
import Testing

@testable import Tuning

/// What ships beside the program: profiles, the cost model and the stored answers.
struct Shipped {
  /// What to do where answers are missing or of another program.
  static let remedy = "run Benchmarks/search/rebuild-answers.sh"
  let store: ProfileStore
  let answers: AnswerStore
  let engine: Engine

  init() throws {
    let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("models")
    store = ProfileStore(directories: [models])
    answers = AnswerStore(directories: [models.appendingPathComponent("answers")])
    let shelved = try ShippedModel(in: store)
    guard case .model(let model, _) = shelved else {
      throw Missing(what: "no cost model of this program ships: \(shelved)")
    }
    engine = Engine(
      simulator: Scenario.simulatorVersion,
      model: ModelPredictor(model: model).identity
    )
  }

  struct Missing: Error, CustomStringConvertible {
    let what: String
    var description: String { what }
  }

  /// The questions that `export --host all --workloads all` asks.
  func questions() throws -> [Question] {
    try store.names(of: .host).flatMap { host in
      try store.names(of: .workload).map { workload in
        Question(
          host: try store.load(HostProfile.self, named: host).profile,
          kernel: try store.load(KernelProfile.self, named: "6.1").profile,
          workload: try store.load(WorkloadProfile.self, named: workload).profile
        )
      }
    }
  }
}

@Suite struct ShippedAnswerTests {
  /// Every workload on every host has an answer of this program, which never is a hazard.
  @Test func everyQuestionHasAnAnswerOfThisProgram() throws {
    let shipped = try Shipped()
    let questions = try shipped.questions()
    #expect(questions.count >= 12 * 8)
    for question in questions {
      let name = "\(question.host.name)/\(question.workload.name)"
      switch try shipped.answers.find(question, engine: shipped.engine) {
      case .answer(let answer):
        #expect(answer.verdict == .noneFeasible || answer.safety.isSafe, "\(name)")
        #expect(answer.asked.host == question.host.name, "\(name)")
        #expect(answer.recommended?.violations.isEmpty ?? true, "\(name)")
      case .stale(let file, let engine):
        Issue.record("\(file) is of \(engine); \(Shipped.remedy)")
      case .nothing:
        Issue.record("\(name) has no stored answer; \(Shipped.remedy)")
      }
    }
  }

  /// The table of all answers is made without a run, and holds an entry for each.
  @Test func allAnswersMakeOneTable() throws {
    let shipped = try Shipped()
    let questions = try shipped.questions()
    let exporter = Exporter(store: shipped.answers, engine: shipped.engine) { _ in
      TuningTools(simulator: NoSimulator(), predictor: nil, safety: RuleSafety())
    }
    let table = try exporter.table(questions)
    #expect(table.entries.count == questions.count)
    #expect(table.header.contains("GPL-2.0-only OR MIT"))
  }

  /// An answer of another simulator or model is not used.
  @Test func answersOfAnotherProgramAreStale() throws {
    let shipped = try Shipped()
    let question = try #require(try shipped.questions().first)
    for engine in [
      Engine(simulator: "0", model: shipped.engine.model),
      Engine(simulator: shipped.engine.simulator, model: "another"),
    ] {
      guard case .stale = try shipped.answers.find(question, engine: engine) else {
        Issue.record("an answer was taken by \(engine)")
        continue
      }
    }
  }
}

/// A simulator that must not be asked.
private struct NoSimulator: PolicySimulator {
  func report(
    _ question: Question,
    policy: Policy,
    seed: Seed,
    extent: RunExtent
  ) throws(TuningError) -> RunReport {
    throw .simulation("an answer was missing")
  }
}
