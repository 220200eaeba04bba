// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness
import Scenarios
import TestSupport
import Testing

@testable import Tuning

/// A question on the profiles that ship with the project.
func shipped(
  workload: String = "container-churn",
  host: String = "graviton3",
  kernel: String = "6.1"
) throws -> Question {
  let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("models")
  let store = ProfileStore(directories: [models])
  return Question(
    host: try store.load(HostProfile.self, named: host).profile,
    kernel: try store.load(KernelProfile.self, named: kernel).profile,
    workload: try store.load(WorkloadProfile.self, named: workload).profile
  )
}

@Suite struct RealTests {
  /// The simulator with windows of a few slices, which a debug build runs in a moment.
  private var shortTools: TuningTools {
    var window = Window.standard
    (window.stageTwo, window.hostSide) = (.milliseconds(60), .milliseconds(20))
    return TuningTools(
      simulator: ScenarioSimulator(window: window),
      predictor: nil,
      safety: RuleSafety()
    )
  }

  /// Pages and blocks beside storage: what is left out weighs as much as it is long, whatever is run.
  ///
  /// Without the weights the share comes out a fifth too high.
  @Test func sharesOfMixedMemoryAreThoseOfTheWhole() throws {
    let question = try shipped(workload: "mixed-thp", host: "thunderx2")
    var setup = question.setup
    setup.workload.memory.size = .gibibytes(4)
    let policy = try Policy(parsing: "path=munmap,slice=64KiB").canonical(in: question.setting)
    var scenario = Scenario(setup, policy: policy, seed: Seed(1))
    let exact = try #require(try scenario.run().storage)
    var window = Window.standard
    window.stageTwo = .milliseconds(100)
    scenario.extent = .window(window)
    let report = try scenario.run()
    let cut = try #require(report.storage)
    #expect(report.operation.simulatedShare < 0.7 && exact.retained < 0.75)
    #expect(abs(exact.retained - cut.retained) < 0.02, "\(exact.retained) and \(cut.retained)")
  }

  /// A long teardown in many slices is run on whole tiles of it: the same times and percentiles as
  /// every call of it.
  @Test func manyCallsAreSampledByTiles() throws {
    var question = try shipped(workload: "rpc-latency")
    question.workload.memory.size = .gibibytes(32)
    question.workload.memory.blockShare = 0.5
    question.workload.network.flows = 0
    question.workload.network.requests = 200
    let policy = try Policy(parsing: "path=munmap,slice=2MiB,pause=20ms")
      .canonical(in: question.setting)
    let reports = try [false, true].map { isUnabridged in
      try ScenarioSimulator(isUnabridged: isUnabridged)
        .report(question, policy: policy, seed: Seed(3), extent: .full)
    }
    #expect(reports[0].simulated * 3 < reports[1].simulated)
    let times = reports.map { $0.operation.whole.inSeconds }
    #expect(abs(times[0] / times[1] - 1) < 0.01, "\(times)")
    let latencies = reports.compactMap { $0.requests?.mean?.inSeconds }
    #expect(latencies.count == 2 && abs(latencies[0] / latencies[1] - 1) < 0.05, "\(latencies)")
  }

  /// The thread's host: the munmap variant keeps at least 97 % of goodput, never by a hazard, at a
  /// teardown that no slice of a coarse grid with the same goodput beats by over a hundredth.
  @Test func theFleetKeepsItsGoodputAtTheLeastTeardown() throws {
    var question = try shipped()
    question.workload.memory.size = .gibibytes(8)
    // Rows are run three times each, as are paths that may keep the limits; what is open eight times.
    question.budget = 128
    let tools = shortTools
    let answer = try Recommender(question, tools: tools).recommend()
    let row = try #require(answer.recommended, "\(answer.why)")
    #expect(answer.verdict == .change && row.role == .today && row.isConfirmed)
    #expect(answer.safety.isSafe && row.violations.isEmpty)
    func value(_ effects: [Effect], _ response: Response) -> Double? {
      effects.first { $0.response == response }?.simulated?.value
    }
    #expect(try #require(value(row.effects, .goodputRetained)) >= 0.97)
    let time = try #require(value(row.effects, .teardownTime))
    let grid = try ["256KiB", "1MiB", "4MiB", "64MiB"].map {
      try Policy(parsing: "slice=\($0)", over: question.presentPolicy)
    }
    let others = try WhatIf(question, tools: tools, exact: true).comparison(grid).points
    for other in others where other.violations.isEmpty {
      #expect(time <= 1.01 * (other.value(of: .teardownTime) ?? 0), "\(other.policy)")
    }
    let largest = try #require(answer.alternatives.first { $0.name.contains("largest block") })
    #expect(largest.reason.contains("breaks io.goodput>=0.97"))
    #expect(answer.why.contains { $0.contains("1GiB") })
    for path in answer.paths where path.violations.isEmpty {
      #expect(try time <= 1.01 * #require(value(path.effects, .teardownTime)), "\(path.policy)")
    }
    #expect(answer.holds.map(\.key).contains("vm.block_share"))
  }

  /// The answer that ships for the whole 256 GiB, of this simulator and model.
  @Test func theShippedAnswerKeepsTheFleetsGoodput() throws {
    let store = try Shipped()
    guard case .answer(let answer) = try store.answers.find(shipped(), engine: store.engine) else {
      Issue.record("no answer of this program ships; \(Shipped.remedy)")
      return
    }
    let row = try #require(answer.recommended)
    let kept = row.effects.first { $0.response == .goodputRetained }?.simulated?.value
    #expect(try #require(kept) >= 0.97 && row.violations.isEmpty && answer.safety.isSafe)
    let largest = try #require(answer.alternatives.first { $0.name.contains("largest block") })
    #expect(largest.reason.contains("breaks io.goodput>=0.97"))
    let exit = try #require(answer.paths.first { $0.path == .processExit })
    #expect(exit.effects.contains { $0.response == .teardownTime && $0.simulated != nil })
  }

  /// A limit relative to the present policy is one of paired runs: the present one keeps it.
  @Test func aRelativeLimitIsKeptByThePresentPolicyHoweverNoisy() throws {
    var question = try shipped(workload: "map-create-storm")
    question.budget = 16
    let answer = try Recommender(question, tools: shortTools).recommend()
    #expect(answer.asked.limits == ["teardown.time<=1.03x"])
    #expect(answer.verdict != .noneFeasible)
    #expect(answer.rows[0].violations.isEmpty && answer.rows[0].isConfirmed)
  }

  /// Prints an answer with the simulator; long, so only where S2TUNE_BENCHMARK is set.
  @Test(.enabled(if: environment("S2TUNE_BENCHMARK") != nil))
  func recommendsForTheFleet() throws {
    var question = try shipped(kernel: environment("S2TUNE_KERNEL") ?? "6.1")
    if let knobs = environment("S2TUNE_KNOBS").flatMap(KnobChoice.init) { question.knobs = knobs }
    let tools = TuningTools(
      simulator: ScenarioSimulator(),
      predictor: nil,
      safety: RuleSafety()
    )
    let clock = ContinuousClock()
    for text in ["chunk=1GiB", "chunk=2MiB", "slice=4MiB", "slice=64MiB", "path=process-exit"] {
      let policy = try Policy(parsing: text, over: question.presentPolicy)
      let bench = Bench(question, tools: tools)
      var report: RunReport?
      let time = try clock.measure { report = try bench.runs(policy, replicates: 1, .window).first }
      let values = Response.allCases.compactMap { response in
        report?.value(of: response).map { "\(response.phrase) \(response.written($0))" }
      }
      print(text, time, report?.events ?? 0, values.joined(separator: "; "))
    }
    let time = try clock.measure {
      let answer = try Recommender(question, tools: tools).recommend()
      print(String(decoding: try AnswerStore.json(answer), as: UTF8.self))
    }
    print("recommend took \(time)")
  }
}
