// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

/// A Matern kernel of order 5/2 with one length a dimension (automatic relevance determination).
///
/// Source: Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), chapters 4, 5.
struct ArdKernel: Hashable, Sendable {
  /// The logarithms of the lengths, in standard deviations of the features.
  var logLengths: [Double]
  /// The logarithm of the standard deviation of the function.
  var logSignal: Double
  /// The logarithm of the standard deviation of the noise.
  var logNoise: Double

  /// All parameters in one list, the lengths first.
  var parameters: [Double] { logLengths + [logSignal, logNoise] }

  init(logLengths: [Double], logSignal: Double, logNoise: Double) {
    (self.logLengths, self.logSignal, self.logNoise) = (logLengths, logSignal, logNoise)
  }

  init(parameters: [Double]) {
    logLengths = Array(parameters.dropLast(2))
    logSignal = parameters[parameters.count - 2]
    logNoise = parameters[parameters.count - 1]
  }

  var signalVariance: Double { exp(2 * logSignal) }

  /// The noise variance, never so small that the kernel matrix loses its digits.
  var noiseVariance: Double { exp(2 * logNoise) + 1e-6 * signalVariance }

  /// The correlation at a squared distance measured in lengths.
  static func correlation(squared distance: Double) -> Double {
    let root = (5 * distance).squareRoot()
    return (1 + root + 5 * distance / 3) * exp(-root)
  }

  /// What a length's gradient needs: the derivative by the logarithm of a length is this times
  /// that dimension's share of the squared distance.
  static func slope(squared distance: Double) -> Double {
    let root = (5 * distance).squareRoot()
    return 5 / 3 * (1 + root) * exp(-root)
  }

  /// The dimensions that matter: along the others the function hardly changes over the runs.
  ///
  /// At least one is kept. A length of fifty deviations changes a correlation between runs four
  /// deviations apart by half a percent.
  var relevant: [Int] {
    let limit = max(log(50), logLengths.min() ?? 0)
    return logLengths.indices.filter { logLengths[$0] <= limit }
  }

  /// The kernel along some of its dimensions only.
  func keeping(_ dimensions: [Int]) -> ArdKernel {
    ArdKernel(
      logLengths: dimensions.map { logLengths[$0] },
      logSignal: logSignal,
      logNoise: logNoise
    )
  }

  /// Points divided by the lengths, so that distances need no weights.
  func scaled(_ points: [[Double]]) -> [[Double]] {
    let inverses = logLengths.map { exp(-$0) }
    return points.map { point in point.indices.map { point[$0] * inverses[$0] } }
  }
}

/// The squared distance of two points of equal dimensions.
func squaredDistance(_ left: [Double], _ right: [Double]) -> Double {
  var sum = 0.0
  for index in left.indices {
    let difference = left[index] - right[index]
    sum += difference * difference
  }
  return sum
}
