// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Campaigns
import Foundation
import Tuning

/// A store of runs that a command reads and adds to, where one is named.
struct StoreOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A store of runs ('s2tune campaign'): what was run before, by whatever command, is not run again. "
        + "Without it S2TUNE_STORE, and without that none.",
      valueName: "file"
    ),
    completion: .file()
  )
  var store: String?

  /// The store, where one is named.
  func database() throws -> RunDatabase? {
    let named = store ?? ProcessInfo.processInfo.environment["S2TUNE_STORE"]
    guard let named, !named.isEmpty else { return nil }
    return try RunDatabase(named)
  }
}

/// The store of campaigns.
struct CampaignStoreOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The store of runs. Without it S2TUNE_STORE, and without that s2tune/runs.db in XDG_DATA_HOME or ~/.local/share.",
      valueName: "file"
    ),
    completion: .file()
  )
  var store: String?

  /// The path of the store.
  var path: String {
    let environment = ProcessInfo.processInfo.environment
    if let named = store ?? environment["S2TUNE_STORE"], !named.isEmpty { return named }
    let home = environment["HOME"] ?? "."
    let data = environment["XDG_DATA_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    return (data ?? home + "/.local/share") + "/s2tune/runs.db"
  }

  /// Opens the store; the directory of the standard one is made where it is missing.
  func database(_ access: RunDatabase.Access = .write) throws -> RunDatabase {
    if access == .create, store == nil {
      let folder = URL(filePath: path).deletingLastPathComponent()
      try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }
    return try RunDatabase(path, access: access)
  }
}

extension TuningTools {
  /// The same tools over a store of runs, where there is one.
  func over(_ store: RunDatabase?) -> TuningTools {
    guard let store, let simulator = simulator as? ScenarioSimulator else { return self }
    return replacing(simulator: StoredSimulator(simulator, store: store))
  }
}

extension CampaignError: Refusal {
  var status: Status {
    switch self {
    case .emptyDesign, .tooFewPoints, .policy, .unknownDesign: .usage
    case .file(_, let reason) where reason.hasPrefix("cannot be written"): .output
    case .run, .cluster, .file, .foreign, .corrupt: .data
    }
  }
}
