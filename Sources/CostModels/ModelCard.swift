// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Quantities

extension CostModel {
  /// The model's origin and the error of every response on runs that no fit has seen, as text.
  package var card: String {
    let head = [
      "cost model \(origin.name), simulator \(origin.simulator)"
        + (origin.date.isEmpty ? "" : ", \(origin.date)"),
      "design: \(origin.design); seed \(origin.seed); runs \(origin.runsDigest)",
      "rebuild: \(origin.rebuild)", "",
    ]
    let missing = leftOut.isEmpty ? [] : [""] + leftOut.map { "left out: \($0)" }
    return (head + Accuracy.table(accuracy) + missing).joined(separator: "\n") + "\n"
  }
}

extension Accuracy {
  /// Rows of text under a header, columns aligned.
  package static func table(_ rows: [Accuracy]) -> [String] {
    let cells =
      [["response", "runs", "median error", "p90 error", "90 % covers", "of the best"]]
      + rows.map(\.cells)
    let widths = cells[0].indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    return cells.map { row in
      zip(row, widths).enumerated().map { column, cell in
        let padding = String(repeating: " ", count: cell.1 - cell.0.count)
        return column == 0 ? cell.0 + padding : padding + cell.0
      }.joined(separator: "  ")
    }
  }

  private var cells: [String] {
    let unit = " " + self.unit.symbol
    return [
      response.rawValue, "\(runs)", significant(median, digits: 3) + unit,
      significant(ninetieth, digits: 3) + unit, significant(100 * coverage, digits: 3) + " %",
      bestRuns == 0
        ? "-" : significant(100 * coverageOfBest, digits: 3) + " % of \(bestRuns)",
    ]
  }
}
