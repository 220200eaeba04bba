// SPDX-License-Identifier: GPL-3.0-or-later

public import Search

/// A space that was simulated whole, in a form that other optimizers read.
public struct SearchTable: Hashable, Sendable, Codable {
  /// One knob: its values, their places on a scale where they have one, and when it matters.
  public struct Knob: Hashable, Sendable, Codable {
    /// The knob's name.
    public let name: String
    /// Its values.
    public let levels: [String]
    /// Their places on the knob's scale; empty where they have no order.
    public let positions: [Double]
    /// Earlier knobs and the values of each under which this one matters.
    public let conditions: [Condition]
  }

  /// The case, `host/kernel/workload`.
  public let name: String
  /// The knobs in their order.
  public let knobs: [Knob]
  /// The level of every knob at every safe policy; zero where the knob does not matter.
  public let points: [[Int]]
  /// The costs of the objectives at every point: less is better.
  public let costs: [[Double]]
  /// The violation of each limit at every point: kept where zero or less.
  public let violations: [[Double]]
  /// The point from which volumes are counted.
  public let reference: [Double]
  /// The volume of the whole front.
  public let volume: Double
  /// What this program's strategies reached.
  public let scores: [VolumeScore]

  /// Writes a case down, with its scores.
  public init(_ one: SearchCase, _ score: SearchCaseScore) {
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
