// SPDX-License-Identifier: GPL-3.0-or-later

import CGSL

/// How much a large residual still counts in a robust fit.
package enum RobustLoss: String, Hashable, Sendable, CaseIterable {
  /// Tukey's bisquare: gross outliers count nothing.
  case bisquare
  /// Huber's: outliers count in proportion to their size.
  case huber
  /// Cauchy's: between the two.
  case cauchy
}

/// A robust fit, with what it did to the observations.
package struct RobustFit: Hashable, Sendable {
  /// The parameters; covariance and squares are those of the library's robust estimate.
  package let fit: Fit
  /// The final weight of each observation, 0 to 1.
  package let weights: [Double]
  /// The robust estimate of the residuals' standard deviation.
  package let scale: Double
}

extension LeastSquares {
  /// Fits with a loss that gross outliers cannot pull, by iterated reweighting (`multifit_robust`).
  ///
  /// Throws `notConverged` after 200 iterations, and as `qr` does for a bad design.
  package static func robust(
    _ design: Design,
    response: [Double],
    loss: RobustLoss = .bisquare
  ) throws(GSLError) -> RobustFit {
    let start = try qr(design, response: response)
    guard design.rows > design.columns else {
      throw .tooFewRows(rows: design.rows, parameters: design.columns + 1)
    }
    let spread = response.map(\.magnitude).max() ?? 0
    if start.residualSumOfSquares.squareRoot() <= spread * 1e-12 {
      let ones = [Double](repeating: 1, count: design.rows)
      return RobustFit(fit: start, weights: ones, scale: start.residualDeviation)
    }
    let work = RobustWorkspace(loss, rows: design.rows, columns: design.columns)
    return try work.fit(design, response: response, condition: start.condition)
  }
}

/// The library's workspace of one robust fit.
@safe
private struct RobustWorkspace: ~Copyable {
  static let iterationLimit = 200
  let pointer: UnsafeMutablePointer<gsl_multifit_robust_workspace>

  init(_ loss: RobustLoss, rows: Int, columns: Int) {
    prepareLibrary()
    let type =
      switch loss {
      case .bisquare: unsafe cgsl_robust_bisquare()
      case .huber: unsafe cgsl_robust_huber()
      case .cauchy: unsafe cgsl_robust_cauchy()
      }
    unsafe pointer = allocated(
      gsl_multifit_robust_alloc(type, rows, columns),
      "gsl_multifit_robust_alloc"
    )
    unsafe gsl_multifit_robust_maxiter(Self.iterationLimit, pointer)
  }

  deinit { unsafe gsl_multifit_robust_free(pointer) }

  func fit(
    _ design: Design,
    response: [Double],
    condition: Double
  ) throws(GSLError) -> RobustFit {
    let matrix = Matrix(rows: design.rows, columns: design.columns, elements: design.elements)
    let target = Vector(response)
    let parameters = Vector(count: design.columns)
    let covariance = Matrix(rows: design.columns, columns: design.columns)
    let code = unsafe matrix.withPointer { x in
      unsafe target.withPointer { y in
        unsafe parameters.withPointer { c in
          unsafe covariance.withPointer { v in unsafe gsl_multifit_robust(x, y, c, v, pointer) }
        }
      }
    }
    if code == GSL_EMAXITER.asCode {
      throw .notConverged(operation: "gsl_multifit_robust", iterations: Self.iterationLimit)
    }
    try check(code, "gsl_multifit_robust")
    let statistics = unsafe gsl_multifit_robust_statistics(pointer)
    let weights = (0..<design.rows).map { unsafe statistics.weights.pointee.data[$0] }
    let fit = unsafe Fit(
      parameters: parameters.elements,
      covariance: covariance.elements,
      residualSumOfSquares: statistics.sse,
      degreesOfFreedom: design.rows - design.columns,
      condition: condition
    )
    return unsafe RobustFit(fit: fit, weights: weights, scale: statistics.sigma)
  }
}
