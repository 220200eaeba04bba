// SPDX-License-Identifier: GPL-3.0-or-later

package import CostModels
import Observations
import Profiles

/// Runs as a table for other programs: one row a run, every feature and every response.
package struct RunTable: Sendable {
  private let runs: [Observation]

  /// Creates the table of some runs.
  package init(_ runs: [Observation]) { self.runs = runs }

  /// The runs as CSV: units in the headers; a response that a run lacks is empty.
  ///
  /// The first columns are the place in the design, the workload's group, whether the run stopped
  /// at its limit, and the connections that failed ones are a share of.
  package func csv() -> String {
    var table = TextTable(
      columns: ["run", "group", "stopped", "connects_tried"].map { .init($0, isNumber: true) }
        + Feature.allCases.map { .init($0.rawValue, isNumber: true) }
        + Response.allCases.map { .init($0.rawValue, isNumber: true) }
    )
    for (place, run) in runs.enumerated() {
      let values = run.values.map { value in value.map { "\($0)" } ?? "" }
      table.append(
        ["\(place)", "\(run.group)", run.isCensored ? "1" : "0", "\(run.connects)"]
          + run.features.values.map { "\($0)" } + values
      )
    }
    return table.csv()
  }
}
