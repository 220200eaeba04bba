// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Profiles
import Randomness

@testable import CostModels

/// Slow and plain twins of what the room computes.
enum Naive {
  /// The solution of a square system by Gaussian elimination with row exchanges.
  static func solve(_ matrix: [[Double]], _ right: [Double]) -> [Double] {
    var rows = zip(matrix, right).map { $0 + [$1] }
    let count = rows.count
    for column in 0..<count {
      let pivot = (column..<count).max { abs(rows[$0][column]) < abs(rows[$1][column]) } ?? column
      rows.swapAt(column, pivot)
      for row in 0..<count where row != column {
        let factor = rows[row][column] / rows[column][column]
        for place in column...count { rows[row][place] -= factor * rows[column][place] }
      }
    }
    return (0..<count).map { rows[$0][count] / rows[$0][$0] }
  }

  /// The logarithm of the determinant of a positive definite matrix, by elimination.
  static func logDeterminant(_ matrix: [[Double]]) -> Double {
    var (rows, sum) = (matrix, 0.0)
    for column in rows.indices {
      sum += log(rows[column][column])
      for row in rows.indices where row > column {
        let factor = rows[row][column] / rows[column][column]
        for place in column..<rows.count { rows[row][place] -= factor * rows[column][place] }
      }
    }
    return sum
  }

  /// A Matern 5/2 correlation at a distance, by its textbook form.
  static func matern(_ left: [Double], _ right: [Double], lengths: [Double]) -> Double {
    let parts = left.indices.map { pow((left[$0] - right[$0]) / lengths[$0], 2) }
    let distance = sqrt(parts.reduce(0, +))
    return (1 + sqrt(5) * distance + 5 * distance * distance / 3) * exp(-sqrt(5) * distance)
  }

  /// The kernel matrix of points, something added to its diagonal.
  static func kernel(_ points: [[Double]], lengths: [Double], diagonal: Double) -> [[Double]] {
    points.indices.map { row in
      points.indices.map { column in
        matern(points[row], points[column], lengths: lengths) + (row == column ? diagonal : 0)
      }
    }
  }

  /// What a sparse process says of a place, point after point.
  static func answer(_ process: SparseProcess, at coordinates: [Double]) -> SparseProcess.Answer {
    var (mean, size, nearness) = (0.0, process.errorLevel, 0.0)
    for (index, point) in process.inducing.rows.enumerated() {
      var distance = 0.0
      for (place, coordinate) in point.enumerated() {
        let difference = coordinates[place] * process.inverseLengths[place] - coordinate
        distance += difference * difference
      }
      let correlation = ArdKernel.correlation(squared: distance)
      mean += correlation * process.weights[index]
      size += correlation * process.errorWeights[index]
      nearness = max(nearness, correlation)
    }
    return SparseProcess.Answer(mean: mean, error: exp(size), nearness: nearness)
  }

  /// Points by chance in a cube around zero.
  static func points(_ count: Int, _ dimensions: Int, _ chance: inout Randomness.Stream)
    -> [[Double]]
  {
    (0..<count).map { _ in (0..<dimensions).map { _ in 4 * chance.uniform() - 2 } }
  }
}

/// A feature vector that is zero but for some features.
func vector(_ values: [Feature: Double]) -> FeatureVector {
  FeatureVector(values: Feature.allCases.map { values[$0] ?? 0 })
}

/// The values of a run that has only some responses.
func responses(_ values: [Response: Double]) -> [Double?] { Response.allCases.map { values[$0] } }

extension Double {
  /// Whether a value is another, relative to a size of at least one.
  func isNear(_ other: Double, _ tolerance: Double = 1e-9) -> Bool {
    abs(self - other) <= tolerance * max(1, abs(other))
  }
}
