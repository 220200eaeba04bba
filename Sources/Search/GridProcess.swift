// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

/// A Gaussian process over the points of a space, for one response.
///
/// The kernel is a product over dimensions of Matern-5/2 correlations, so the correlation of
/// two grid points is a product of table entries. Levels without order, and an inactive against an
/// active dimension, are one length apart. Length scales and noise maximise the marginal
/// likelihood by coordinate steps; targets are standardised residuals of a prior mean.
struct GridProcess: Sendable {
  /// What the likelihood chooses: one length per dimension, and noise relative to the signal.
  struct Settings: Sendable {
    var lengths: [Double]
    var noise: Double
  }

  private let grid: Grid
  private(set) var settings: Settings
  private var tables: [[Double]] = []

  init(grid: Grid) {
    self.grid = grid
    settings = Settings(lengths: grid.distances.map { _ in 0.7 }, noise: 1e-3)
    tables = Self.tables(grid, settings.lengths)
  }

  /// The correlation of two points.
  func correlation(_ left: Int, _ right: Int) -> Double {
    var product = 1.0
    for place in tables.indices {
      let width = grid.widths[place]
      product *=
        tables[place][Int(grid.columns[place][left]) * width + Int(grid.columns[place][right])]
    }
    return product
  }

  /// The correlations of one point with every point of the grid or of a view of it, in order.
  ///
  /// Neighbours in lexicographic order share all but their last levels, so the products over the
  /// shared dimensions are kept on a stack.
  func correlations(of point: Int, with view: GridView) -> [Float] {
    let rows = tables.indices.map { place in
      let start = Int(grid.columns[place][point]) * grid.widths[place]
      return tables[place][start..<start + grid.widths[place]].map { Float($0) }
    }
    var products = [Float](repeating: 1, count: rows.count + 1)
    var result = [Float](repeating: 0, count: view.count)
    for other in result.indices {
      for place in view.changes[other]..<rows.count {
        products[place + 1] = products[place] * rows[place][Int(view.columns[place][other])]
      }
      result[other] = products[rows.count]
    }
    return result
  }

  /// The whole grid.
  var everything: GridView { grid.view }

  /// Chooses lengths and noise for observed points and their standardised residuals.
  mutating func fit(points: [Int], targets: [Double]) {
    var best = likelihood(settings, points: points, targets: targets)
    var step = 2.0
    for _ in 0..<3 {
      for place in 0...settings.lengths.count {
        for factor in [step, 1 / step] {
          var trial = settings
          if place < trial.lengths.count {
            trial.lengths[place] = min(max(trial.lengths[place] * factor, 0.05), 20)
          } else {
            trial.noise = min(max(trial.noise * factor * factor, 1e-6), 0.5)
          }
          let score = likelihood(trial, points: points, targets: targets)
          if score > best { (best, settings) = (score, trial) }
        }
      }
      step = step.squareRoot()
    }
    tables = Self.tables(grid, settings.lengths)
  }

  /// The log marginal likelihood with the signal's variance maximised out.
  private func likelihood(_ trial: Settings, points: [Int], targets: [Double]) -> Double {
    var process = self
    process.tables = Self.tables(grid, trial.lengths)
    var factor = Triangle()
    for (row, point) in points.enumerated() {
      let entries = (0..<row).map { process.correlation(point, points[$0]) }
      factor.append(entries, diagonal: 1 + trial.noise)
    }
    let half = factor.solve(targets)
    let count = Double(max(1, points.count))
    let variance = max(half.reduce(0) { $0 + $1 * $1 } / count, 1e-12)
    // A weak log-normal prior keeps lengths that the data do not determine near one.
    let prior = trial.lengths.reduce(0) { $0 - log($1) * log($1) / 4.5 }
    return -0.5 * count * log(variance) - factor.halfLogDeterminant + prior
  }

  private static func tables(_ grid: Grid, _ lengths: [Double]) -> [[Double]] {
    zip(grid.distances, lengths).map { distances, length in
      distances.map { distance in
        let r = 5.0.squareRoot() * distance / length
        return (1 + r + r * r / 3) * exp(-r)
      }
    }
  }
}

/// The levels of every point by dimension, and the distances between levels.
///
/// A dimension that does not matter at a point has one level more than its own there.
struct Grid: Sendable {
  /// Every point.
  let view: GridView
  /// For each dimension, the number of levels with the inactive one.
  let widths: [Int]
  /// For each dimension, distances between levels: `[width x width]`, 0 to 1.
  let distances: [[Double]]
  /// For each dimension, the level of each point.
  var columns: [[UInt16]] { view.columns }

  init(space: Space) {
    let dimensions = space.dimensions
    widths = dimensions.map { $0.levels.count + 1 }
    let columns = dimensions.indices.map { place in
      space.points.map { point in
        UInt16(
          space.isActive(place, at: point)
            ? point.levels[place] : dimensions[place].levels.count
        )
      }
    }
    view = GridView(columns: columns, count: space.count)
    distances = dimensions.map { Self.distances($0.levels) }
  }

  private static func distances(_ levels: [Level]) -> [Double] {
    let positions = levels.compactMap(\.position)
    let span = (positions.max() ?? 0) - (positions.min() ?? 0)
    let isOrdered = positions.count == levels.count && span > 0
    let width = levels.count + 1
    return (0..<width * width).map { cell in
      let (left, right) = (cell / width, cell % width)
      if left == right { return 0 }
      guard isOrdered, left < levels.count, right < levels.count else { return 1 }
      return abs(positions[left] - positions[right]) / span
    }
  }
}

/// Points in lexicographic order: their levels, and where each departs from the one before.
struct GridView: Sendable {
  /// For each dimension, the level of each point.
  let columns: [[UInt16]]
  /// For each point, the first dimension whose level differs from the point before.
  let changes: [Int]
  /// The number of points.
  var count: Int { changes.count }

  init(columns: [[UInt16]], count: Int) {
    self.columns = columns
    changes = (0..<count).map { point in
      point == 0 ? 0 : columns.firstIndex { $0[point] != $0[point - 1] } ?? columns.count
    }
  }

  /// The view of some of the points, in ascending order.
  func restricted(to points: [Int]) -> Self {
    Self(columns: columns.map { column in points.map { column[$0] } }, count: points.count)
  }
}

/// A lower triangular Cholesky factor that grows by rows.
struct Triangle: Sendable {
  private(set) var rows: [[Double]] = []
  private(set) var halfLogDeterminant = 0.0

  /// Appends the row of a positive definite matrix; tiny pivots are lifted to stay definite.
  mutating func append(_ entries: [Double], diagonal: Double) {
    var row = entries
    var pivot = diagonal
    for column in row.indices {
      let above = rows[column]
      var value = row[column]
      for inner in 0..<column { value -= row[inner] * above[inner] }
      value /= above[column]
      row[column] = value
      pivot -= value * value
    }
    row.append(max(pivot, 1e-9).squareRoot())
    halfLogDeterminant += log(row[row.count - 1])
    rows.append(row)
  }

  /// Solves "factor times x = right side".
  func solve(_ right: [Double]) -> [Double] {
    var solution: [Double] = []
    solution.reserveCapacity(right.count)
    for (value, row) in zip(right, rows) {
      var rest = value
      for inner in solution.indices { rest -= row[inner] * solution[inner] }
      solution.append(rest / row[solution.count])
    }
    return solution
  }
}
