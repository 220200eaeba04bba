// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Foundation
import Profiles
import Scenarios

/// What this installation is made of, and what of it is not as it should be.
struct Installation: Encodable {
  /// A directory of models and what is in it.
  struct Directory: Encodable {
    /// Where it is.
    let path: String
    /// What makes it one that is searched.
    let reason: ModelPlace.Reason
    /// Whether there is such a directory; without it every number is 0.
    let exists: Bool
    /// Profiles of hosts.
    let hosts: Int
    /// Profiles of kernels.
    let kernels: Int
    /// Profiles of workloads.
    let workloads: Int
    /// Stored answers.
    let answers: Int
    /// Whether there is a cost model.
    let hasCostModel: Bool

    enum CodingKeys: String, CodingKey {
      case path, reason, exists, hosts, kernels, workloads, answers
      case hasCostModel = "has_cost_model"
    }
  }

  /// How a part of the installation is.
  enum State: String, Encodable {
    /// As it should be.
    case good
    /// Worth knowing; every question is answered.
    case remark
    /// It keeps the program from answering.
    case broken
  }

  /// What was found of one part.
  struct Finding: Encodable {
    /// The part.
    let subject: String
    /// How it is.
    let state: State
    /// What was seen.
    let text: String
    /// What to do; absent where there is nothing to do.
    let remedy: String?

    init(_ subject: String, _ state: State, _ text: String, remedy: String? = nil) {
      (self.subject, self.state, self.text, self.remedy) = (subject, state, text, remedy)
    }
  }

  /// The program's version.
  let version: String
  /// The simulator's version; models and answers of another are not used.
  let simulator: String
  /// The program's file.
  let program: String
  /// The directories that are searched for models, in their order.
  let directories: [Directory]
  /// What was found, part by part.
  let findings: [Finding]

  /// Looks at the installation that a command with this `--models` would use.
  init(models named: String?) throws {
    let places = ProfileStore.places(named: named)
    let store = ProfileStore(directories: places.filter(\.exists).map(\.directory))
    version = S2Tune.configuration.version
    simulator = Scenario.simulatorVersion
    program = ProfileStore.executable().path
    directories = places.map { Directory($0) }
    findings =
      [Self.profiles(store), Self.environment(places)].compactMap(\.self)
      + Self.answering(store) + [Self.machine()] + Surroundings.findings()
  }

  /// What keeps the program from answering.
  var faults: [Finding] { findings.filter { $0.state == .broken } }
}

extension Installation.Directory {
  /// Counts what is in a directory of models.
  fileprivate init(_ place: ModelPlace) {
    let store = ProfileStore(directories: [place.directory])
    self.init(
      path: place.directory.standardizedFileURL.path,
      reason: place.reason,
      exists: place.exists,
      hosts: store.names(of: .host).count,
      kernels: store.names(of: .kernel).count,
      workloads: store.names(of: .workload).count,
      answers: StoredAnswer.all(in: place.directory).count,
      hasCostModel: store.path("cost/standard.json") != nil
    )
  }
}

extension Installation {
  /// Whether there are profiles of each kind, and all can be read.
  private static func profiles(_ store: ProfileStore) -> Finding {
    let missing = ProfileKind.allCases.filter { store.names(of: $0).isEmpty }
    guard missing.isEmpty else {
      return Finding(
        "profiles",
        .broken,
        "no profile of a \(missing.map(\.rawValue).joined(separator: ", of a ")) is found",
        remedy: "name the directory of models with --models or S2TUNE_MODELS, or install s2tune "
          + "again"
      )
    }
    do {
      let rows = try store.rows()
      return Finding("profiles", .good, "\(rows.count) profiles, and all can be read")
    } catch {
      return Finding(
        "profiles",
        .broken,
        "\(error)",
        remedy: "mend or remove that file; a file of that name further down the list is then used"
      )
    }
  }

  /// A variable that names nothing is silent everywhere else.
  private static func environment(_ places: [ModelPlace]) -> Finding? {
    guard let place = places.first(where: { $0.reason == .environment }), !place.exists else {
      return nil
    }
    return Finding(
      "variable",
      .remark,
      "S2TUNE_MODELS names \(place.directory.path), which is no directory; it is passed over",
      remedy: "name a directory of models, or unset it"
    )
  }
}
