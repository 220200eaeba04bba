// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import CostModels
import Foundation
import Operations
import Profiles
import Scenarios
import Tuning

/// What answers: a cost model where there is one, and the simulator on so many threads.
struct AnswerOptions: ParsableArguments {
  @Option(
    name: .customLong("cost-model"),
    help: ArgumentHelp(
      "A fitted cost model, or none to answer by simulation alone; without it the shipped one.",
      valueName: "file"
    ),
    completion: .file(extensions: ["json"])
  )
  var costModel: String?

  @Option(help: "Threads that simulate, all processors unless given; the answer is the same.")
  var workers: Int?

  /// The model these options name, or the shipped one that goes with this simulator.
  func model(_ store: ProfileStore) throws -> CostModel? {
    if costModel == "none" { return nil }
    if let costModel { return try CostModel(named: costModel) }
    switch try ShippedModel(in: store) {
    case .none: return nil
    case .stale(let sentence):
      note("\(sentence); answering by simulation until 's2tune fit' has made a new one")
      return nil
    case .model(let model, _): return model
    }
  }

  /// The threads that simulate; refuses an illegal number.
  func threads() throws -> Int { try legalWorkers(workers) }
}

/// The same, with a limit of a run's events.
struct EngineOptions: ParsableArguments {
  @OptionGroup var answering: AnswerOptions
  @OptionGroup var limit: LimitOptions
  @OptionGroup var kept: StoreOptions

  /// The model that answers, where there is one.
  func model(_ store: ProfileStore) throws -> CostModel? { try answering.model(store) }

  /// The threads that simulate; refuses an illegal number.
  func threads() throws -> Int { try answering.threads() }

  /// Everything an answer is made with.
  func tools(
    _ store: ProfileStore,
    progress: ProgressLine = ProgressLine()
  ) throws -> TuningTools {
    TuningTools(
      model: try model(store),
      workers: try threads(),
      eventLimit: try limit.events(isSampled: false),
      progress: { progress.show($0, of: $1, "runs") }
    ).over(try kept.database())
  }
}

extension CostModel {
  /// Reads the model in a file that the user names.
  init(named path: String) throws {
    let text = try UserFile.read(path, limit: 64 << 20)
    try self.init(json: Data(text.utf8), file: path, simulator: Scenario.simulatorVersion)
  }
}

extension CostModelError: Refusal {
  var status: Status { .data }
}
