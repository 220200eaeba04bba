// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

import GSLKit

/// The evidence of a kernel's parameters on a subset of the runs, with weak priors.
///
/// Priors keep what the runs do not tell at a sane place: lengths of about three standard
/// deviations, within a factor of four; a signal and noise of the residual's own order.
struct MarginalLikelihood {
  let points: [[Double]]
  let targets: [Double]
  /// Whether the priors count; without them, the evidence alone decides.
  var hasPriors = true

  private var count: Int { targets.count }
  private var dimensions: Int { points[0].count }

  /// The negative logarithm of evidence times prior, and its gradient; infinite where the kernel
  /// matrix has no Cholesky factor.
  func evaluate(_ parameters: [Double]) -> (value: Double, gradient: [Double]) {
    let kernel = ArdKernel(parameters: parameters)
    let scaled = kernel.scaled(points).flatMap { $0 }
    let width = dimensions
    let (signal, noise) = (kernel.signalVariance, kernel.noiseVariance)
    var distances = [Double](repeating: 0, count: count * count)
    var matrix = Matrix(rows: count, columns: count)
    for row in 0..<count {
      for column in 0..<row {
        let distance = Self.squaredDistance(scaled, row * width, column * width, width)
        distances[row * count + column] = distance
        matrix[row, column] = signal * ArdKernel.correlation(squared: distance)
      }
      matrix[row, row] = signal + noise
    }
    guard let factor = try? Cholesky(matrix, conditionLimit: 1e14) else {
      return (.infinity, [])
    }
    let weights = factor.solve(targets)
    let fit = zip(targets, weights).reduce(0) { $0 + $1.0 * $1.1 }
    let constant = Double(count) * log(2 * .pi)
    let value = 0.5 * (fit + factor.logDeterminant + constant)
    guard let inverse = try? factor.inverse() else { return (.infinity, []) }
    var gradient = self.gradient(kernel, scaled, distances, inverse, weights)
    guard hasPriors else { return (value, gradient) }
    let prior = self.prior(kernel)
    for index in gradient.indices { gradient[index] += prior.gradient[index] }
    return (value + prior.value, gradient)
  }

  /// The squared distance of two points of one list, by where they begin.
  private static func squaredDistance(
    _ points: [Double],
    _ left: Int,
    _ right: Int,
    _ width: Int
  ) -> Double {
    var sum = 0.0
    for index in 0..<width {
      let difference = points[left + index] - points[right + index]
      sum += difference * difference
    }
    return sum
  }

  /// The gradient of the evidence: half the trace of (inverse - weights x weights) x derivative.
  private func gradient(
    _ kernel: ArdKernel,
    _ scaled: [Double],
    _ distances: [Double],
    _ inverse: borrowing Matrix,
    _ weights: [Double]
  ) -> [Double] {
    let (signal, width) = (kernel.signalVariance, dimensions)
    var lengths = [Double](repeating: 0, count: width)
    var (bySignal, trace) = (0.0, 0.0)
    for row in 0..<count {
      for column in 0..<row {
        let influence = inverse[row, column] - weights[row] * weights[column]
        let distance = distances[row * count + column]
        let slope = influence * signal * ArdKernel.slope(squared: distance)
        bySignal += 2 * influence * signal * ArdKernel.correlation(squared: distance)
        let (left, right) = (row * width, column * width)
        for index in 0..<width {
          let difference = scaled[left + index] - scaled[right + index]
          lengths[index] += slope * difference * difference
        }
      }
      let influence = inverse[row, row] - weights[row] * weights[row]
      bySignal += influence * signal
      trace += influence
    }
    let pureNoise = exp(2 * kernel.logNoise)
    return lengths + [bySignal + 1e-6 * signal * trace, pureNoise * trace]
  }

  private func prior(_ kernel: ArdKernel) -> (value: Double, gradient: [Double]) {
    var value = 0.0
    var gradient: [Double] = []
    func add(_ parameter: Double, mean: Double, deviation: Double) {
      let distance = (parameter - mean) / deviation
      value += 0.5 * distance * distance
      gradient.append(distance / deviation)
    }
    for length in kernel.logLengths { add(length, mean: 1.1, deviation: 1.4) }
    add(kernel.logSignal, mean: 0, deviation: 1)
    add(kernel.logNoise, mean: -2.5, deviation: 1.5)
    return (value, gradient)
  }

  /// The best parameters of several starts.
  func maximize(starts: [ArdKernel], iterationLimit: Int) throws(GSLError) -> ArdKernel {
    var best: Minimum?
    for start in starts {
      let found = try Minimizer.bfgs(
        start: start.parameters,
        firstStep: 0.2,
        tolerance: 0.02 * Double(count).squareRoot(),
        iterationLimit: iterationLimit,
        function: evaluate
      )
      if found.value < best?.value ?? .infinity { best = found }
    }
    return ArdKernel(parameters: best?.point ?? starts[0].parameters)
  }
}
