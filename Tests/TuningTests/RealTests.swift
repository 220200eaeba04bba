// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
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
      let time = try clock.measure { report = try bench.window(policy, replicates: 1).first }
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
