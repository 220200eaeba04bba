// SPDX-License-Identifier: GPL-3.0-or-later

/// How far a campaign is.
package struct CampaignStatus: Hashable, Sendable, Codable {
  /// The campaign's name.
  package let name: String
  /// The seed of the design.
  package let seed: UInt64
  /// The simulator's version.
  package let simulator: String
  /// How much of its operation a run simulates.
  package let extent: CampaignExtent?
  /// Runs of each point.
  package let replicates: Int
  /// Runs of the design.
  package let runs: Int
  /// Runs that are done.
  package let done: Int
  /// Runs that are still to be made.
  package let waiting: Int
  /// Runs that cannot be made, or met their limit.
  package let refused: Int
  /// Runs whose process died twice.
  package let crashed: Int
  /// Runs a second of the processes that are at work now; nil where none is.
  package let rate: Double?
  /// The digest of the runs that are done, in the order of the design; nil unless it was asked for.
  package var digest: String?

  enum CodingKeys: String, CodingKey {
    case name, seed, simulator, extent
    case replicates = "replicate_count"
    case runs = "run_count"
    case done = "done_count"
    case waiting = "waiting_count"
    case refused = "refused_count"
    case crashed = "crashed_count"
    case rate = "runs_per_s"
    case digest = "runs_digest"
  }

  /// Seconds until the rest is made at the present rate, where there is one.
  package var secondsLeft: Double? {
    rate.flatMap { $0 > 0 && waiting > 0 ? Double(waiting) / $0 : nil }
  }
}

/// How far the campaigns of a store are, and who is at work on them.
package struct StoreStatus: Hashable, Sendable, Codable {
  /// The store.
  package let store: String
  /// Its campaigns, in the order in which they were begun.
  package let campaigns: [CampaignStatus]
  /// The processes that are at work.
  package let workers: [CampaignWorker]
  /// Runs that are not there and will not come, at most a thousand.
  package let failures: [FailedRun]
}

extension RunDatabase {
  /// How far a campaign, or all of them, are; with `digests` every run is read for the digest of all.
  package func status(
    of name: String? = nil,
    digests: Bool = false
  ) throws(CampaignError) -> StoreStatus {
    let chosen = if let name { [try design(named: name)] } else { try designs() }
    let workers = try workers()
    var (campaigns, failures) = ([CampaignStatus](), [FailedRun]())
    for design in chosen {
      campaigns.append(try status(of: design, workers, digests))
      failures += try self.failures(of: design, atMost: max(0, 1_000 - failures.count))
    }
    return StoreStatus(store: self.name, campaigns: campaigns, workers: workers, failures: failures)
  }

  private func status(
    of design: StoredDesign,
    _ workers: [CampaignWorker],
    _ digests: Bool
  ) throws(CampaignError) -> CampaignStatus {
    let tally = try tally(of: design)
    let rates = workers.filter { $0.work == design.name && $0.age > 0 }.map {
      Double($0.made) / $0.age
    }
    return CampaignStatus(
      name: design.name,
      seed: design.seed,
      simulator: design.simulator,
      extent: design.plan?.extent,
      replicates: design.plan?.replicates ?? 1,
      runs: tally.total,
      done: tally[.done],
      waiting: tally[.waiting],
      refused: tally[.refused],
      crashed: tally[.crashed],
      rate: rates.isEmpty ? nil : rates.reduce(0, +),
      digest: digests ? try digest(of: design) : nil
    )
  }
}
