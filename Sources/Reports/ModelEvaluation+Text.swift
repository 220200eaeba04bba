// SPDX-License-Identifier: GPL-3.0-or-later

import CostModels
import Observations
import Profiles
import Quantities
package import Tuning

extension ModelEvaluation {
  /// The evaluation as text: what was judged, the errors, and the same errors of simpler ways.
  package func text() -> String {
    let head = [
      "cost model \(origin.name), simulator \(origin.simulator), runs \(origin.runsDigest)",
      "judged on \(runs) runs of seed \(seed) that no fit has seen, and \(frontRuns) near fronts",
      "",
    ]
    let missed = rows.filter { !$0.misses.isEmpty }.count
    let verdict =
      missed == 0
      ? "every response meets its target" : "\(missed) of \(rows.count) responses miss a target"
    var text = head.joined(separator: "\n") + "\n" + errors.text() + "\n" + verdict + "\n"
    if !rivals.isEmpty {
      text += "\nthe same runs by simpler ways, fitted to \(rivalRuns) runs of the model's design"
      text += " (median / p90 error):\n\n" + comparison.text()
    }
    return text
  }

  /// The errors, one row a response.
  package var errors: TextTable {
    var table = TextTable(columns: [
      .init("response"), .init("runs", isNumber: true), .init("median", isNumber: true),
      .init("p90", isNumber: true), .init("target", isNumber: true),
      .init("noise", isNumber: true), .init("covers", isNumber: true),
      .init("near fronts", isNumber: true), .init("verdict"),
    ])
    for row in rows {
      let unit = row.accuracy.unit.symbol
      table.append([
        row.accuracy.response.rawValue, "\(row.accuracy.runs)",
        "\(Self.number(row.accuracy.median)) \(unit)",
        "\(Self.number(row.accuracy.ninetieth)) \(unit)",
        "\(Self.number(row.target.median)) / \(Self.number(row.target.ninetieth)) \(unit)",
        row.noise.map { "\(Self.number($0.median)) / \(Self.number($0.ninetieth)) \(unit)" } ?? "-",
        "\(Self.number(100 * row.accuracy.coverage)) %",
        row.nearFronts.map { "\(Self.number(100 * $0.coverage)) % of \($0.runs)" } ?? "-",
        Self.verdict(row),
      ])
    }
    return table
  }

  /// The errors of the model and of simpler ways side by side.
  package var comparison: TextTable {
    var table = TextTable(
      columns: [.init("response"), .init("model", isNumber: true)]
        + Rival.allCases.map { .init($0.rawValue, isNumber: true) }
    )
    for row in rows {
      let response = row.accuracy.response
      let others = Rival.allCases.map { rival in
        rivals.first { $0.rival == rival && $0.response == response }
          .map { "\(Self.number($0.median)) / \(Self.number($0.ninetieth))" } ?? "-"
      }
      let own = "\(Self.number(row.accuracy.median)) / \(Self.number(row.accuracy.ninetieth))"
      table.append([response.rawValue, own] + others)
    }
    return table
  }

  private static func verdict(_ row: Row) -> String {
    let exact = row.accuracy.isExact ? " (exact: intervals are a rounding)" : ""
    return (row.misses.isEmpty ? "hit" : "misses " + row.misses.joined(separator: ", ")) + exact
  }

  /// Three digits, and nothing below a thousandth.
  private static func number(_ value: Double) -> String {
    value.magnitude < 0.0005 ? "0" : significant(value, digits: 3)
  }
}
