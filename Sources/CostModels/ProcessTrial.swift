// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

package import GSLKit

/// A whole Gaussian process on all of its points, for comparison with other programs: the kernel
/// of most evidence is found on as many points as there are.
///
/// Source: Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), 2.30 and 5.9.
package struct ProcessTrial {
  private let evidence: MarginalLikelihood

  /// Creates a trial.
  ///
  /// - Parameters:
  ///   - points: [points x dimensions], each coordinate of deviation about one.
  ///   - targets: One a point, of mean zero and deviation about one.
  package init(points: [[Double]], targets: [Double]) {
    var evidence = MarginalLikelihood(points: points, targets: targets)
    evidence.hasPriors = false
    self.evidence = evidence
  }

  /// Finds the kernel from one start, lengths 1, signal 1 and noise 0.1.
  ///
  /// - Parameter iterationLimit: Iterations of the search at most.
  /// - Returns: The logarithm of the evidence that was found.
  /// - Throws: `notPositiveDefinite` where the kernel found has no Cholesky factor.
  package func fit(iterationLimit: Int) throws(GSLError) -> Double {
    let start = ArdKernel(
      logLengths: [Double](repeating: 0, count: evidence.points[0].count),
      logSignal: 0,
      logNoise: log(0.1)
    )
    let found = try Minimizer.bfgs(
      start: start.parameters,
      firstStep: 0.2,
      tolerance: 0.05,
      iterationLimit: iterationLimit,
      function: evidence.evaluate
    )
    return try logEvidence(ArdKernel(parameters: found.point))
  }

  /// The logarithm of the evidence of a kernel.
  private func logEvidence(_ kernel: ArdKernel) throws(GSLError) -> Double {
    let (scaled, count) = (kernel.scaled(evidence.points), evidence.targets.count)
    var matrix = Matrix(rows: count, columns: count)
    for row in 0..<count {
      for column in 0...row {
        let distance = squaredDistance(scaled[row], scaled[column])
        matrix[row, column] = kernel.signalVariance * ArdKernel.correlation(squared: distance)
      }
      matrix[row, row] += kernel.noiseVariance
    }
    let factor = try Cholesky(matrix)
    let fit = dot(evidence.targets, factor.solve(evidence.targets))
    return -0.5 * (fit + factor.logDeterminant + Double(count) * log(2 * .pi))
  }
}
