// SPDX-License-Identifier: GPL-3.0-or-later

extension Costs {
  /// The row of a front that gives up least for what it gains: the knee, or nil without rows.
  ///
  /// Each objective is scaled to 0...1 over the finite rows given; the knee is the row nearest to
  /// the ideal point in the largest scaled cost, ties broken by the sum, then by the lower row.
  package func knee() -> Int? {
    let finite = (0..<count).filter { self[$0].allSatisfy(\.isFinite) }
    let bounds = (0..<width).map { objective in
      let column = finite.map { self[$0, objective] }
      return (low: column.min() ?? 0, high: column.max() ?? 0)
    }
    let scored = finite.map { row in
      let scaled = bounds.indices.map { objective in
        let (low, high) = bounds[objective]
        return high > low ? (self[row, objective] - low) / (high - low) : 0
      }
      return (worst: scaled.max() ?? 0, sum: scaled.reduce(0, +), row: row)
    }
    return scored.min { ($0.worst, $0.sum, $0.row) < ($1.worst, $1.sum, $1.row) }?.row
  }
}
