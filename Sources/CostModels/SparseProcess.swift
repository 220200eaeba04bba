// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

import GSLKit

/// A Gaussian process that stands on a few hundred points, so that a prediction's cost does not
/// grow with the runs; beside the mean it predicts how large an error is usual at a place.
///
/// The mean is that of the projected process (Quinonero-Candela and Rasmussen, 2005). The size of
/// errors is a second process, on the logarithm of the out-of-fold errors, over the same kernel.
struct SparseProcess: Hashable, Sendable, Codable {
  /// One over the length of each dimension.
  let inverseLengths: [Double]
  /// The points, in lengths.
  let inducing: GridPoints
  /// The weights of the mean.
  let weights: [Double]
  /// The weights of the logarithm of the error's size.
  let errorWeights: [Double]
  /// The mean of the logarithm of the error's size.
  let errorLevel: Double

  enum CodingKeys: String, CodingKey {
    case inverseLengths = "inverse_lengths"
    case inducing = "inducing_thousandths"
    case weights
    case errorWeights = "error_weights"
    case errorLevel = "error_level"
  }

  /// What the process says of a place.
  struct Answer {
    let mean: Double
    /// The usual size of an error there.
    let error: Double
    /// The correlation with the nearest of the points, 0 to 1: near 0 no run is near.
    let nearness: Double
  }
}

/// Fits a sparse process from points and targets.
struct SparseFit {
  let kernel: ArdKernel
  let points: [[Double]]
  let targets: [Double]
  let inducing: GridPoints
  private let projections: [[Double]]

  /// Factors the kernel of the inducing points and projects every point on them.
  init(
    _ kernel: ArdKernel,
    points: [[Double]],
    targets: [Double],
    limit: Int
  ) throws(GSLError) {
    self.kernel = kernel
    self.targets = targets
    let scaled = kernel.scaled(points)
    self.points = scaled
    let chosen = InducingPoints.choose(scaled, limit: limit).map { scaled[$0] }
    let grid = GridPoints(nearest: chosen)
    inducing = grid
    let factor = try Self.factor(grid)
    projections = scaled.map { point in
      factor.solveLower(grid.squaredDistances(point).map(ArdKernel.correlation(squared:)))
    }
  }

  private static func factor(_ points: GridPoints) throws(GSLError) -> Cholesky {
    var matrix = Matrix(rows: points.count, columns: points.count)
    let rows = points.rows
    for row in 0..<points.count {
      for column in 0..<row {
        let distance = points.squaredDistance(rows[row], from: column)
        matrix[row, column] = ArdKernel.correlation(squared: distance)
      }
      matrix[row, row] = 1 + 1e-8
    }
    return try Cholesky(matrix, conditionLimit: 1e13)
  }

  /// The normal equations of the projected process over some of the runs.
  private func normal(
    _ runs: [Int],
    targets: [Double],
    noise: Double
  ) throws(GSLError) -> [Double] {
    let count = inducing.count
    guard !runs.isEmpty else { return [Double](repeating: 0, count: count) }
    var design = Matrix(rows: runs.count, columns: count)
    var chosen: [Double] = []
    for (row, run) in runs.enumerated() {
      for column in 0..<count { design[row, column] = projections[run][column] }
      chosen.append(targets[run])
    }
    var normal = try design.crossProduct()
    for index in 0..<count { normal[index, index] += noise }
    return try Cholesky(normal).solve(design.transposeTimes(chosen))
  }

  /// The error of each run as predicted from the other folds; folds interleave the runs.
  func outOfFoldErrors(folds: Int) throws(GSLError) -> [Double] {
    let noise = kernel.noiseVariance / kernel.signalVariance
    var errors = targets
    for fold in 0..<folds {
      let others = targets.indices.filter { $0 % folds != fold }
      let solution = try normal(others, targets: targets, noise: noise)
      for run in targets.indices where run % folds == fold {
        errors[run] -= dot(projections[run], solution)
      }
    }
    return errors
  }

  /// The process over all runs, with the size of its errors learnt from `errors`.
  func process(errors: [Double]) throws(GSLError) -> SparseProcess {
    let factor = try Self.factor(inducing)
    let all = Array(targets.indices)
    let noise = kernel.noiseVariance / kernel.signalVariance
    let mean = try normal(all, targets: targets, noise: noise)
    let spread = (errors.reduce(0) { $0 + $1 * $1 } / Double(errors.count)).squareRoot()
    let sizes = errors.map { log($0.magnitude + 0.05 * spread + 1e-6) }
    let level = sizes.reduce(0, +) / Double(sizes.count)
    // The logarithm of a normal's magnitude has variance pi^2 / 8; the signal is taken as a third.
    let size = try normal(all, targets: sizes.map { $0 - level }, noise: 3.7)
    return SparseProcess(
      inverseLengths: kernel.logLengths.map { exp(-$0) },
      inducing: inducing,
      weights: factor.solveUpper(mean),
      errorWeights: factor.solveUpper(size),
      errorLevel: level
    )
  }
}

/// The inner product of two lists of equal length.
func dot(_ left: [Double], _ right: [Double]) -> Double {
  var sum = 0.0
  for index in left.indices { sum += left[index] * right[index] }
  return sum
}

extension SparseProcess {
  /// Predicts at standardised coordinates.
  func answer(_ coordinates: [Double]) -> Answer {
    let place = zip(coordinates, inverseLengths).map { $0 * $1 }
    var (mean, size, nearness) = (0.0, errorLevel, 0.0)
    for (index, distance) in inducing.squaredDistances(place).enumerated() {
      let correlation = ArdKernel.correlation(squared: distance)
      mean += correlation * weights[index]
      size += correlation * errorWeights[index]
      nearness = max(nearness, correlation)
    }
    return Answer(mean: mean, error: exp(size), nearness: nearness)
  }
}
