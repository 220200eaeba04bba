// SPDX-License-Identifier: GPL-3.0-or-later

import CGSL

/// A ridge fit: least squares with a penalty on the size of the parameters.
package struct RidgeFit: Hashable, Sendable {
  /// The parameters, in the order of the design's columns.
  package let parameters: [Double]
  /// The penalty's weight: the sum of squares grows by its square times the parameters' squares.
  package let penalty: Double
  /// The norm of the residuals.
  package let residualNorm: Double
}

extension LeastSquares {
  /// Fits with a penalty on every parameter; centre and scale the columns before.
  ///
  /// Without a penalty the one of least generalised cross-validation is taken (Golub, Heath and
  /// Wahba, 1979). A singular design is legal here; NaN and wrong sizes are refused.
  package static func ridge(
    _ design: Design,
    response: [Double],
    penalty: Double? = nil
  ) throws(GSLError) -> RidgeFit {
    try design.validate(response: response)
    let work = unsafe allocated(
      gsl_multifit_linear_alloc(design.rows, design.columns),
      "gsl_multifit_linear_alloc"
    )
    defer { unsafe gsl_multifit_linear_free(work) }
    let matrix = Matrix(rows: design.rows, columns: design.columns, elements: design.elements)
    let target = Vector(response)
    let parameters = Vector(count: design.columns)
    try check(
      unsafe matrix.withPointer { x in unsafe gsl_multifit_linear_svd(x, work) },
      "gsl_multifit_linear_svd"
    )
    var chosen = penalty ?? 0
    if penalty == nil { chosen = try unsafe crossValidatedPenalty(target, work) }
    var norms = (residual: 0.0, solution: 0.0)
    let code = unsafe matrix.withPointer { x in
      unsafe target.withPointer { y in
        unsafe parameters.withPointer { c in
          unsafe gsl_multifit_linear_solve(chosen, x, y, c, &norms.residual, &norms.solution, work)
        }
      }
    }
    try check(code, "gsl_multifit_linear_solve")
    return RidgeFit(
      parameters: parameters.elements,
      penalty: chosen,
      residualNorm: norms.residual
    )
  }

  /// The penalty of least generalised cross-validation on a grid of 200 over the singular values.
  @unsafe
  private static func crossValidatedPenalty(
    _ target: borrowing Vector,
    _ work: UnsafeMutablePointer<gsl_multifit_linear_workspace>
  ) throws(GSLError) -> Double {
    let grid = Vector(count: 200)
    let scores = Vector(count: 200)
    var best = (penalty: 0.0, score: 0.0)
    let code = unsafe target.withPointer { y in
      unsafe grid.withPointer { g in
        unsafe scores.withPointer { s in
          unsafe gsl_multifit_linear_gcv(y, g, s, &best.penalty, &best.score, work)
        }
      }
    }
    try check(code, "gsl_multifit_linear_gcv")
    return best.penalty
  }
}
