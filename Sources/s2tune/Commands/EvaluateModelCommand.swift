// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Campaigns
import CostModels
import Foundation
import Profiles
import Reports
import Scenarios
import Tuning

/// `s2tune evaluate model`: how well the cost model predicts runs that it never saw.
struct EvaluateModel: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model",
    abstract: "Measures the cost model on runs that no fit has seen.",
    discussion: """
      Prints median and p90 error of every response, what its 90 % intervals cover, the noise that \
      no model can avoid, the target, and the same errors of simpler models on the same runs. \
      Ends with 1 where a target is missed. The full size is 2000 runs. Examples:
        s2tune evaluate model
        s2tune evaluate model --runs 200 --fronts 50 --rivals 0 --format json
      """
  )

  @OptionGroup var common: CommonOptions
  @OptionGroup var design: DesignOptions
  @Option(
    name: .customLong("cost-model"),
    help: "The model's file; without it the shipped one.",
    completion: .file(extensions: ["json"])
  )
  var costModel: String?
  @Option(help: "Held-out runs, 20 to 100000.")
  var runs = 2_000
  @Option(help: "Runs near Pareto fronts, 0 to 10000.")
  var fronts = 300
  @Option(help: "Runs that simpler models are fitted to, 0 for none, else 100 to 100000.")
  var rivals = 2_000
  @Option(help: "Points that are run four times to measure the noise, 0 to 10000.")
  var replicated = 100
  @Option(help: "The seed of the held-out runs; not the model's own.")
  var seed: UInt64 = 1_000_001
  @OptionGroup var runsStore: StoreOptions

  func run() throws {
    try check()
    let store = try common.store()
    let model = try model(store)
    guard model.origin.seed != seed else {
      throw Failure.usage("--seed \(seed) is the model's own; runs it has seen judge nothing")
    }
    var builder = ModelBuilder(
      design.specification(named: model.origin.name, in: store, runs: runs, seed: seed),
      profiles: store
    )
    builder.workers = try design.threads()
    var trial = ModelTrial(model, builder: builder)
    (trial.frontRuns, trial.rivalRuns) = (fronts, rivals)
    trial.replicatedPoints = min(replicated, runs)
    let kept = try runsStore.database() ?? RunDatabase()
    let progress = ProgressLine()
    let evaluation = try waiting { [trial] in
      try await trial.evaluate(runsIn: kept) { progress.show($0, of: $1, "runs") }
    }
    progress.clear()
    switch common.format {
    case .text: try answer(evaluation.text())
    case .json: try answer(json: evaluation, .evaluateModel)
    }
    if !evaluation.meetsTargets { throw Negative() }
  }

  private func check() throws {
    func check(_ name: String, _ value: Int, _ legal: ClosedRange<Int>) throws {
      guard legal.contains(value) else {
        let range = "\(legal.lowerBound) to \(legal.upperBound)"
        throw Failure.usage("--\(name) \(value) is not legal; write a number from \(range)")
      }
    }
    try check("runs", runs, 20...100_000)
    try check("fronts", fronts, 0...10_000)
    try check("replicated", replicated, 0...10_000)
    if rivals != 0 { try check("rivals", rivals, 100...100_000) }
  }

  private func model(_ store: ProfileStore) throws -> CostModel {
    if let costModel { return try CostModel(named: costModel) }
    switch try ShippedModel(in: store) {
    case .none: throw Failure.data("there is no cost model; 's2tune fit' makes one")
    case .stale(let sentence): throw Failure.data("\(sentence); 's2tune fit' makes a new one")
    case .model(let model, _): return model
    }
  }
}
