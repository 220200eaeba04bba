// SPDX-License-Identifier: GPL-3.0-or-later

import CostModels
import Foundation
import Observations
import Policies
import Profiles
import Scenarios
import Testing

@testable import Tuning

/// The cost model that answers use: it must go with this program, or be made again with
/// `Benchmarks/model/rebuild.sh`.
@Suite struct ShippedModelTests {
  static func load() throws -> CostModel {
    let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("models")
    let file = models.appendingPathComponent("cost/standard.json")
    return try CostModel(
      json: Data(contentsOf: file),
      file: file.path,
      simulator: Scenario.simulatorVersion
    )
  }

  @Test("The shipped model is of this simulator and these features, and holds every response")
  func fits() throws {
    let model = try Self.load()
    #expect(model.responses == Response.allCases, "run Benchmarks/model/rebuild.sh")
    #expect(model.accuracy.allSatisfy { $0.runs >= 100 })
    #expect(model.origin.rebuild.hasPrefix("s2tune fit --name standard"))
  }

  @Test(
    "Shipped questions lie among its runs, and values in their intervals",
    arguments: ["container-churn", "live-migration", "storage-randwrite", "rpc-latency"]
  )
  func answers(workload: String) throws {
    let question = try shipped(workload: workload)
    let predictor = ModelPredictor(model: try Self.load())
    let found = try predictor.predictions(question, policy: question.presentPolicy)
    #expect(!found.isEmpty)
    for (response, value) in found {
      #expect(!value.isExtrapolated, "\(response) of \(workload)")
      #expect(value.low <= value.value && value.value <= value.high, "\(response)")
    }
  }

  @Test(
    "The terms of every prediction add up to it",
    arguments: ["container-churn", "live-migration", "storage-randwrite", "rpc-latency"]
  )
  func explains(workload: String) throws {
    let question = try shipped(workload: workload)
    let predictor = ModelPredictor(model: try Self.load())
    for text in ["chunk=64KiB", "chunk=2MiB", "chunk=largest-block"] {
      let policy = try Policy(parsing: text, over: question.presentPolicy)
        .canonical(in: question.setting)
      let predicted = try predictor.predictions(question, policy: policy)
      let explained = try predictor.explanations(question, policy: policy)
      #expect(Set(explained.map(\.response)) == Set(predicted.keys))
      for explanation in explained {
        let sum = explanation.parts.reduce(0) { $0 + $1.amount }
        let size = explanation.parts.reduce(1e-9) { max($0, $1.amount.magnitude) }
        #expect((sum - explanation.value).magnitude <= 1e-12 * size, "\(explanation)")
        #expect(explanation.value == predicted[explanation.response]?.value)
      }
    }
  }
}
