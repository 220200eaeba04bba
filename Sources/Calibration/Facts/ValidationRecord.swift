// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
package import Profiles
import Quantities
import Scenarios

/// What a validation found about facts that answers of a kind are judged by, as it is stored beside
/// the profiles.
package struct ValidationRecord: Hashable, Sendable, Codable {
  /// The version of the form.
  package static let schemaVersion = 1
  /// The file below a `models` directory.
  package static let path = "validation.json"

  /// One fact: what was measured and what the simulator gives.
  package struct Row: Hashable, Sendable, Codable {
    /// The fact's name.
    package let fact: String
    /// The kind of answer that it speaks for.
    package let family: Fact.Family
    /// What it says.
    package let says: String
    /// Where it is from.
    package let source: String
    /// Whether it set a value or only judges.
    package let use: Fact.Use
    /// The host, the kernel and the policy that were run, such as `graviton3, 6.1, chunk=1GiB`.
    package let run: String
    /// What is compared: a metric, with the words `over another policy` where it is a ratio.
    package let metric: String
    /// The claim as it was written.
    package let claim: String
    /// The measured value in the metric's unit; nil where the claim is a bound or an order.
    package let measured: Double?
    /// The mean over the seeds.
    package let simulated: Double
    /// The smallest over the seeds.
    package let low: Double
    /// The largest over the seeds.
    package let high: Double
    /// Whether the claim holds.
    package let holds: Bool
  }

  /// The version of the form this was written in.
  package let schema: Int
  /// The simulator that was validated.
  package let simulator: String
  /// The facts, in the order of their files.
  package let rows: [Row]

  enum CodingKeys: String, CodingKey {
    case schema = "schema_version"
    case simulator, rows
  }

  /// The results that speak for a kind of answer.
  package init(_ results: [FactResult]) {
    schema = Self.schemaVersion
    simulator = Scenario.simulatorVersion
    rows = results.compactMap(Row.init)
  }

  /// The record as it is stored.
  package func json() throws -> String { try JSON.text(self) + "\n" }
}

extension ValidationRecord.Row {
  init?(_ result: FactResult) {
    let fact = result.fact
    guard let family = fact.family, let mean = result.claimed, let spread = result.spread,
      let verdict = result.verdict
    else { return nil }
    let policy = fact.run.policy.isEmpty ? "the kernel's own policy" : fact.run.policy
    self.init(
      fact: fact.id,
      family: family,
      says: fact.says,
      source: fact.source,
      use: fact.use,
      run: "\(fact.run.host), Linux \(fact.run.kernel), \(policy)",
      metric: fact.metric.rawValue
        + (fact.versus.map { " over that of \($0.policy)" } ?? ""),
      claim: fact.claimText,
      measured: fact.claim.value,
      simulated: mean,
      low: spread.lowerBound,
      high: spread.upperBound,
      holds: verdict.holds
    )
  }

  /// The comparison in one sentence.
  package var sentence: String {
    let (given, lowest, highest) = (
      significant(simulated, digits: 3), significant(low, digits: 3), significant(high, digits: 3)
    )
    let range = lowest == highest ? "" : " (\(lowest) to \(highest))"
    let comparison: String
    if let measured, measured > 0 {
      let error = (simulated / measured - 1) * 100
      let text =
        abs(error) < 1000
        ? "\(error < 0 ? "-" : "+")\(significant(abs(error), digits: 2)) %"
        : "\(significant(simulated / measured, digits: 2)) times as much"
      comparison =
        "measured \(significant(measured, digits: 3)), simulated \(given)\(range), "
        + (use == .fit ? "fitted to it" : "off by \(text)")
    } else {
      comparison = "claimed \(claim), simulated \(given)\(range)"
    }
    return "\(fact), \(run): \(says): \(comparison)"
  }
}

extension Fact.Claim {
  /// The value that was measured; nil for bounds and orders.
  var value: Double? {
    switch self {
    case .point(let value, _), .ratio(let value, _), .within(let value, _), .contains(let value):
      value
    case .atLeast, .atMost, .below: nil
    }
  }
}

extension Fact.Family {
  /// The kinds of answer that a question belongs to.
  package static func of(_ workload: WorkloadProfile) -> [Self] {
    // A storm is the vCPUs' own: no load shares a CPU with it.
    guard workload.operation != .mapCreate, workload.operation != .dirty else { return [] }
    let network = workload.network
    var families: [Self] = []
    if network.flows > 0, network.offered > .zero { families.append(.flow) }
    if workload.storage.queueDepth > 0 { families.append(.storage) }
    return families
  }
}

/// What is stored about the error of answers, as far as this simulator can use it.
package enum StoredValidation: Hashable, Sendable {
  /// There is none.
  case none
  /// There is one, of another simulator or form; the sentence says which.
  case stale(String)
  /// There is one of this simulator.
  case record(ValidationRecord)

  /// Finds the record in the directories of a store, the user's own first.
  package init(in store: ProfileStore) {
    guard let url = store.path(ValidationRecord.path) else {
      self = .none
      return
    }
    guard let data = try? Data(contentsOf: url),
      let record = try? JSONDecoder().decode(ValidationRecord.self, from: data),
      record.schema == ValidationRecord.schemaVersion
    else {
      self = .stale("\(url.path) cannot be read; `s2tune validate --record` writes it anew")
      return
    }
    guard record.simulator == Scenario.simulatorVersion else {
      self = .stale(
        "\(url.path) is of simulator \(record.simulator), this is \(Scenario.simulatorVersion); "
          + "`s2tune validate --record` writes it anew"
      )
      return
    }
    self = .record(record)
  }

  /// Why it says nothing to a question that it might speak for.
  package func staleness(for workload: WorkloadProfile) -> String? {
    guard case .stale(let sentence) = self, !Fact.Family.of(workload).isEmpty else { return nil }
    return sentence
  }

  /// What it says to a question: the facts of its kinds.
  package func rows(for workload: WorkloadProfile) -> [ValidationRecord.Row] {
    guard case .record(let record) = self else { return [] }
    let families = Fact.Family.of(workload)
    return record.rows.filter { families.contains($0.family) }
  }
}
