// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Policies
import Profiles
import Search

/// One difference between two tables.
package struct TableChange: Hashable, Sendable, Codable {
  /// The entry's name, `host/kernel/workload`.
  package let entry: String
  /// What differs: `entry`, `verdict`, `recommended_policy`, or a response.
  package let field: String
  /// The value in the first table; nil where it has none.
  package let old: String?
  /// The value in the second table; nil where it has none.
  package let new: String?
}

extension TuningTable {
  /// What differs from this table in another, in the order of the entries.
  ///
  /// A response differs where neither mean lies in the other's interval.
  package func changes(to other: TuningTable) -> [TableChange] {
    var changes: [TableChange] = []
    for entry in entries {
      guard let match = other.entries.first(where: { $0.name == entry.name }) else {
        changes.append(
          TableChange(entry: entry.name, field: "entry", old: entry.verdict.rawValue, new: nil)
        )
        continue
      }
      changes += entry.changes(to: match)
    }
    for entry in other.entries where !entries.contains(where: { $0.name == entry.name }) {
      changes.append(
        TableChange(entry: entry.name, field: "entry", old: nil, new: entry.verdict.rawValue)
      )
    }
    return changes
  }
}

extension TableEntry {
  fileprivate func changes(to other: TableEntry) -> [TableChange] {
    var changes: [TableChange] = []
    func compare(_ field: String, _ old: String?, _ new: String?) {
      guard old != new else { return }
      changes.append(TableChange(entry: name, field: field, old: old, new: new))
    }
    compare("verdict", verdict.rawValue, other.verdict.rawValue)
    compare("present_policy", present, other.present)
    compare("recommended_policy", recommended, other.recommended)
    compare("kernel_change_policy", kernelChange, other.kernelChange)
    for effect in effects {
      let match = other.effects.first { $0.response == effect.response }
      guard let match, !effect.agrees(with: match) else { continue }
      compare(
        effect.response.rawValue,
        effect.recommended.map { effect.response.written($0) },
        match.recommended.map { effect.response.written($0) }
      )
    }
    return changes
  }
}

extension TableEffect {
  /// Whether one of the means lies in the other's interval, or neither is known.
  fileprivate func agrees(with other: TableEffect) -> Bool {
    guard let mine = recommended, let value = other.recommended else {
      return recommended == other.recommended
    }
    return holds(value, around: mine) || other.holds(mine, around: value)
  }
}

extension TableEffect {
  /// Whether a number lies in the interval of a mean; in none where an end is not a number.
  private func holds(_ number: Double, around mean: Double) -> Bool {
    (low ?? mean) <= number && number <= (high ?? mean)
  }
}

/// How one entry of a table stood up to the simulator.
package struct VerifiedEntry: Hashable, Sendable, Codable {
  /// The entry's name.
  package let entry: String
  /// Whether the recommended policy still keeps its limits and its figures.
  package let isConfirmed: Bool
  /// What was found, in sentences; empty where all is well.
  package let findings: [String]

  enum CodingKeys: String, CodingKey {
    case entry
    case isConfirmed = "confirmed"
    case findings
  }
}

/// Runs the recommended policies of a table again and compares.
package struct TableVerifier: Sendable {
  private let tools: TuningTools
  /// Fresh replicates an entry: none that the table can have seen.
  private let replicates: Range<Int>

  /// Creates a verifier that runs each policy a number of times, at least twice.
  package init(tools: TuningTools, runs: Int = 4) {
    precondition(runs >= 2, "an interval takes two runs")
    self.tools = tools
    replicates = 1000..<(1000 + runs)
  }

  /// Verifies one entry against the question it answers.
  package func verify(
    _ entry: TableEntry,
    question: Question
  ) throws(TuningError) -> VerifiedEntry {
    guard let text = entry.recommended, let policy = entry.policy(text) else {
      return VerifiedEntry(entry: entry.name, isConfirmed: true, findings: [])
    }
    let bench = Bench(question, tools: tools)
    let present = Recommender.means(try bench.runs(question.presentPolicy, replicates: 3, .full))
    let goal = try Goal(question, present: present)
    let requests = replicates.map { RunRequest(policy: policy, replicate: $0) }
    let reports = try bench.reports(requests)
    let rows = try bench.values(requests, goal)
    let means = goal.problem.responses.indices.map { place in
      rows.reduce(0) { $0 + $1[place] } / Double(rows.count)
    }
    var findings = goal.violations(of: means).map { "it \($0.sentence)" }
    for effect in entry.effects {
      let values = reports.compactMap { $0.value(of: effect.response) }
      if let finding = effect.finding(Estimate(values), question.confidence) {
        findings.append(finding)
      }
    }
    let safety = tools.safety.verdict(question, policy: policy)
    if !safety.isSafe { findings.append(safety.sentence) }
    return VerifiedEntry(entry: entry.name, isConfirmed: findings.isEmpty, findings: findings)
  }
}

extension TableEffect {
  /// What is wrong with a figure: its interval and that of new runs do not meet, by over 2 %.
  fileprivate func finding(_ estimate: Estimate, _ confidence: Double) -> String? {
    guard let value = recommended, estimate.runs > 1, estimate.value.isFinite else { return nil }
    let margin = estimate.margin(confidence: confidence) + 0.02 * value.magnitude
    let (low, high) = ((low ?? value) - margin, (high ?? value) + margin)
    guard estimate.value < low || estimate.value > high else { return nil }
    let texts = [value, estimate.value].map { response.written($0) }
    return "\(response.phrase) is \(texts[0]) in the table and \(texts[1]) in new runs"
  }
}
