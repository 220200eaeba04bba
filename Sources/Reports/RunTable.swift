// SPDX-License-Identifier: GPL-3.0-or-later

package import Campaigns
import Observations
import Profiles

/// Runs as a table for other programs: one row a run, what was run, every feature and every response.
package struct RunTable: Sendable {
  private var table = TextTable(
    columns: names.map { .init($0) } + numbers.map { .init($0, isNumber: true) }
  )

  private static let names = ["host", "kernel", "workload", "policy"]
  private static let numbers =
    ["run", "group", "replicate", "seed", "stopped", "connects_tried"]
    + Feature.allCases.map(\.rawValue)
    + Response.allCases.map(\.rawValue)

  /// Creates an empty table.
  package init() {}

  /// Adds a run.
  package mutating func append(_ run: StoredRun) {
    let (identity, numbers) = (run.identity, run.numbers)
    table.append(
      [
        identity.host, identity.kernel, identity.workload, identity.policy, "\(run.index)",
        "\(run.group)",
        "\(run.replicate)", "\(identity.seed)", numbers.isCensored ? "1" : "0",
        "\(numbers.connects)",
      ] + run.features.values.map { "\($0)" }
        + numbers.values.map { value in value.map { "\($0)" } ?? "" }
    )
  }

  /// The runs as CSV: units in the headers; a response that a run lacks is empty.
  ///
  /// Beside what was run stand the place in the design, the workload's group, whether the run stopped at its limit,
  /// and the connections that failed ones are a share of.
  package func csv() -> String { table.csv() }
}
