// SPDX-License-Identifier: GPL-3.0-or-later

import Campaigns
package import CostModels
package import Foundation
import Scenarios

/// How far a campaign is.
package struct CampaignState: Hashable, Sendable, Codable {
  /// The campaign's name.
  package let name: String
  /// The seed of the design.
  package let seed: UInt64
  /// The simulator's version.
  package let simulator: String
  /// Runs of the design.
  package let runs: Int
  /// Runs that are done.
  package let done: Int
  /// The digest of the runs that are done, in the order of the design.
  package let digest: String

  enum CodingKeys: String, CodingKey {
    case name, seed, simulator
    case runs = "run_count"
    case done = "done_count"
    case digest = "runs_digest"
  }
}

extension ModelBuilder {
  /// How far the campaign in a file is; throws where the file is of another campaign.
  package func status(of file: URL) throws(ModelError) -> CampaignState {
    let identity = try identity()
    do throws(CampaignError) {
      return try state(of: RunStore(reading: file, identity: identity))
    } catch {
      throw .campaign(error)
    }
  }

  /// The runs of this campaign that are in a file, in the order of the design.
  package func observations(in file: URL) throws(ModelError) -> [Observation] {
    let identity = try identity()
    do throws(CampaignError) {
      return try RunStore(reading: file, identity: identity).observations
    } catch {
      throw .campaign(error)
    }
  }

  /// Puts the runs of several files of this campaign into another one.
  package func merge(_ files: [URL], into target: URL) throws(ModelError) -> CampaignState {
    let identity = try identity()
    do throws(CampaignError) {
      let sources = try files.map { (file) throws(CampaignError) in
        try RunStore(reading: file, identity: identity)
      }
      let store = try RunStore(target, identity: identity)
      for source in sources {
        for run in source.runs where !store.isDone(run.index) { try store.append(run) }
      }
      return try state(of: store)
    } catch {
      throw .campaign(error)
    }
  }

  private func identity() throws(ModelError) -> CampaignIdentity {
    CampaignIdentity(
      name: specification.name,
      seed: specification.seed,
      points: try points(),
      simulator: Scenario.simulatorVersion
    )
  }

  private func state(of store: RunStore) throws(CampaignError) -> CampaignState {
    CampaignState(
      name: specification.name,
      seed: specification.seed,
      simulator: Scenario.simulatorVersion,
      runs: specification.runs,
      done: store.done.count,
      digest: try store.digest()
    )
  }
}

extension RunStore {
  /// The finished runs as a fit sees them, in the order of the design.
  var observations: [Observation] {
    runs.compactMap { run in
      run.featureVector.map { Observation(features: $0, report: run.report, group: run.group) }
    }
  }
}
