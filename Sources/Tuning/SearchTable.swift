// SPDX-License-Identifier: GPL-3.0-or-later

package import Search

/// A space that was simulated whole, in a form that other optimizers read.
package struct SearchTable: Hashable, Sendable, Codable {
  /// One knob: its values, their places on a scale where they have one, and when it matters.
  package struct Knob: Hashable, Sendable, Codable {
    /// The knob's name.
    package let name: String
    /// Its values.
    package let levels: [String]
    /// Their places on the knob's scale; empty where they have no order.
    package let positions: [Double]
    /// Earlier knobs and the values of each under which this one matters.
    package let conditions: [Condition]
  }

  /// The case, `host/kernel/workload`.
  package let name: String
  /// The knobs in their order.
  package let knobs: [Knob]
  /// The level of every knob at every safe policy; zero where the knob does not matter.
  package let points: [[Int]]
  /// The costs of the objectives at every point: less is better.
  package let costs: [[Double]]
  /// The violation of each limit at every point: kept where zero or less.
  package let violations: [[Double]]
  /// The point from which volumes are counted.
  package let reference: [Double]
  /// The volume of the whole front.
  package let volume: Double
  /// What this program's strategies reached.
  package let scores: [VolumeScore]

  /// Writes a case down, with its scores.
  package init(_ one: SearchCase, _ score: SearchCaseScore) {
    name = one.name
    knobs = one.safe.space.dimensions.map { dimension in
      let positions = dimension.levels.compactMap(\.position)
      return Knob(
        name: dimension.name,
        levels: dimension.levels.map(\.label),
        positions: positions.count == dimension.levels.count ? positions : [],
        conditions: dimension.conditions
      )
    }
    points = one.safe.space.points.map(\.levels)
    costs = one.table.map { one.problem.costs(of: $0) }
    violations = one.table.map { one.problem.violations(of: $0) }
    reference = one.reference
    volume = one.volume(one.table)
    scores = score.volumes
  }
}
