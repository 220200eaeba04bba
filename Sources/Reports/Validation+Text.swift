// SPDX-License-Identifier: GPL-3.0-or-later

package import Calibration
import Observations
import Profiles
import Quantities

extension ValidationSummary {
  /// The validation as text: a line a fact, why some were not run, then the tally of each source.
  package func text() -> String {
    var table = TextTable(columns: [
      .init("fact"), .init("use"), .init("gate"), .init("claim", isNumber: true),
      .init("simulated", isNumber: true), .init("spread", isNumber: true),
      .init("ratio", isNumber: true), .init("verdict"),
    ])
    for row in rows {
      table.append([
        row.id, row.use.rawValue, row.isGated ? "gated" : "", row.claim,
        row.predicted.map { row.written($0) } ?? "-", row.spreadText,
        row.ratio.map { significant($0, digits: 3) } ?? "-", row.verdict,
      ])
    }
    var parts = [table.text()]
    let notes = rows.filter { !$0.note.isEmpty }.map { "  \($0.id): \($0.note)" }
    if !notes.isEmpty { parts.append("Notes\n" + notes.joined(separator: "\n") + "\n") }
    if !unexpressed.isEmpty {
      let lines = unexpressed.map { "  \($0.rows): \($0.reason)" }
      parts.append("Known and not expressed\n" + lines.joined(separator: "\n") + "\n")
    }
    let tallies = sources.map { source in
      "  \(source.source): \(source.scoredHold) of \(source.scored) scored facts hold"
        + (source.fitted > 0
          ? ", \(source.fittedHold) of \(source.fitted) fitted ones are met" : "")
    }
    parts.append("By source\n" + tallies.joined(separator: "\n") + "\n")
    return parts.joined(separator: "\n")
  }
}

extension ValidationSummary.Row {
  /// A value of what the claim is about: a ratio, or the metric in its unit.
  func written(_ value: Double) -> String {
    if claim.contains("x ") { return significant(value, digits: 3) + "x" }
    return metric.unit == .nanoseconds ? time(nanoseconds: value) : significant(value, digits: 3)
  }

  var spreadText: String {
    guard let low, let high, low != high else { return "-" }
    return "\(written(low)) to \(written(high))"
  }
}
