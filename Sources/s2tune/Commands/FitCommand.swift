// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Campaigns
import Files
import CostModels
import Foundation
import Profiles
import Tuning

/// `s2tune fit`: makes the runs of a design and fits a cost model to them.
struct FitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit",
    abstract: "Runs a design in the simulator and fits a cost model to the runs.",
    discussion: """
      Prints the error of every response on runs that no fit has seen. The same options give the \
      same file. Example:
        s2tune fit --name churn --hosts graviton3 --kernels 6.1 \\
          --workloads container-churn --runs 400 --output churn.json
      """
  )

  @OptionGroup var common: CommonOptions
  @Option(help: "The model's name.")
  var name = "standard"
  @OptionGroup var design: DesignOptions
  @Option(help: "Runs to make, 60 to 100000.")
  var runs = 4_000
  @Option(help: "The seed of the design and of every run.")
  var seed: UInt64 = 1
  @Option(
    help: ArgumentHelp(
      "Runs to add where the model of the design's runs has its widest intervals, near fronts and "
        + "near limits, 0 to 10000; they are fitted and judge nothing.",
      valueName: "runs"
    )
  )
  var active = 0
  @Option(help: "The date that the model carries; the fit knows no clock.")
  var date = ""
  @OptionGroup var runsStore: StoreOptions
  @Option(name: .shortAndLong, help: "The file the model is written to.", completion: .file())
  var output: String?
  @Flag(help: "Replaces the output file if it exists.")
  var force = false

  func run() throws {
    guard (60...100_000).contains(runs) else {
      throw Failure.usage("--runs \(runs) is not legal; write a number from 60 to 100000")
    }
    guard (0...10_000).contains(active) else {
      throw Failure.usage("--active \(active) is not legal; write a number from 0 to 10000")
    }
    let store = try common.store()
    if let output, !force, FileManager.default.fileExists(atPath: output) {
      throw FileError.exists(path: output)
    }
    let kept = try runsStore.database() ?? RunDatabase()
    var builder = ModelBuilder(specification(store), profiles: store)
    builder.workers = try design.threads()
    let progress = ProgressLine()
    let model = try waiting { [builder] in
      try await builder.makeModel(runsIn: kept) {
        progress.show($0, of: $1, "runs")
      }
    }
    progress.clear()
    try write(model)
  }

  private func specification(_ store: ProfileStore) -> ModelSpecification {
    var specification = design.specification(named: name, in: store, runs: runs, seed: seed)
    (specification.date, specification.additions) = (date, active)
    return specification
  }

  private func write(_ model: CostModel) throws {
    if let output {
      let text = String(decoding: try model.json(), as: UTF8.self)
      try UserFile.write(text, to: output, force: force)
    }
    switch common.format {
    case .text: try answer(model.card)
    case .json: try answer(json: ModelSummary(model), .fit)
    }
  }
}

/// What `fit` prints of a model as JSON.
struct ModelSummary: Encodable {
  let origin: ModelOrigin
  let accuracy: [Accuracy]

  init(_ model: CostModel) { (origin, accuracy) = (model.origin, model.accuracy) }
}

extension ModelError: Refusal {
  var status: Status {
    if case .profile(let error) = self { error.status } else { .data }
  }
}
