// SPDX-License-Identifier: GPL-3.0-or-later

import CGSL

/// How a nonlinear fit steps and when it stops.
package struct NonlinearOptions: Hashable, Sendable {
  /// The relative step at which parameters have converged.
  package var stepTolerance = 1e-12
  /// The relative gradient at which the sum of squares has converged.
  package var gradientTolerance = 1e-12
  /// Iterations after which the fit is given up.
  package var iterationLimit = 500
  /// Whether steps are bent along the geodesic, which helps in long curved valleys.
  package var accelerates = false

  /// Tolerances that reach the limit of double on well-behaved problems.
  package init() {}
}

/// A converged nonlinear fit.
package struct NonlinearFit: Hashable, Sendable {
  /// Parameters, covariance, squares and condition.
  package let fit: Fit
  /// Iterations it took.
  package let iterations: Int
}

extension LeastSquares {
  /// Fits a curve to observations by Levenberg-Marquardt (`multifit_nlinear`, QR solver).
  ///
  /// `model` returns one prediction an observation for a set of parameters; derivatives are taken
  /// by central differences. Throws `notConverged` at the iteration limit, `notFinite` where the
  /// model is not finite at the start, and `tooFewRows`.
  package static func nonlinear(
    _ response: [Double],
    weights: [Double]? = nil,
    start: [Double],
    options: NonlinearOptions = NonlinearOptions(),
    model: ([Double]) -> [Double]
  ) throws(GSLError) -> NonlinearFit {
    guard response.count >= start.count, !start.isEmpty else {
      throw .tooFewRows(rows: response.count, parameters: start.count)
    }
    try requireFinite(response, "the response")
    try requireFinite(start, "the start")
    let first = model(start)
    try requireCount(first, response.count, "the model's prediction")
    try requireFinite(first, "the model's prediction")
    if let weights { try requireCount(weights, response.count, "the weights") }
    return try withoutActuallyEscaping(model) { model throws(GSLError) in
      var context = ResidualContext(response: response, model: model)
      let work = NonlinearWorkspace(
        rows: response.count,
        parameters: start.count,
        options: options
      )
      return try work.fit(&context, weights: weights, start: start)
    }
  }
}

/// What the callback of a nonlinear fit reads, lent to the library for the length of one fit.
struct ResidualContext {
  let response: [Double]
  let model: ([Double]) -> [Double]

  /// Writes the residuals of a set of parameters; the library's code for a bad function where one
  /// is not finite.
  func write(parameters: [Double], into residuals: UnsafeMutablePointer<gsl_vector>) -> CInt {
    let prediction = model(parameters)
    guard prediction.count == response.count,
      unsafe residuals.pointee.size == response.count
    else { return GSL_EBADLEN.asCode }
    for index in response.indices {
      let residual = prediction[index] - response[index]
      guard residual.isFinite else { return GSL_EDOM.asCode }
      unsafe gsl_vector_set(residuals, index, residual)
    }
    return GSL_SUCCESS.asCode
  }
}

extension UnsafePointer<gsl_vector> {
  /// A copy of the elements.
  var copied: [Double] {
    (0..<(unsafe pointee.size)).map { unsafe gsl_vector_get(self, $0) }
  }
}

/// The library's workspace of one nonlinear fit.
@safe
private struct NonlinearWorkspace: ~Copyable {
  let pointer: UnsafeMutablePointer<gsl_multifit_nlinear_workspace>
  let options: NonlinearOptions
  let rows: Int
  let count: Int

  init(rows: Int, parameters: Int, options: NonlinearOptions) {
    prepareLibrary()
    var settings = unsafe gsl_multifit_nlinear_default_parameters()
    unsafe settings.trs = options.accelerates ? cgsl_nlinear_lmaccel() : cgsl_nlinear_lm()
    unsafe settings.solver = cgsl_nlinear_solver_qr()
    unsafe settings.fdtype = GSL_MULTIFIT_NLINEAR_CTRDIFF
    unsafe settings.h_df = 0x1p-17
    unsafe pointer = allocated(
      gsl_multifit_nlinear_alloc(cgsl_nlinear_trust(), &settings, rows, parameters),
      "gsl_multifit_nlinear_alloc"
    )
    (self.options, self.rows, self.count) = (options, rows, parameters)
  }

  deinit { unsafe gsl_multifit_nlinear_free(pointer) }

  func fit(
    _ context: inout ResidualContext,
    weights: [Double]?,
    start: [Double]
  ) throws(GSLError) -> NonlinearFit {
    let code = unsafe withUnsafeMutablePointer(to: &context) { context in
      unsafe iterate(context, weights: weights, start: start)
    }
    if code == GSL_EMAXITER.asCode {
      throw .notConverged(operation: "multifit_nlinear", iterations: options.iterationLimit)
    }
    // No further progress means that the sum of squares is flat to the last digit.
    if code != GSL_ENOPROG.asCode { try check(code, "gsl_multifit_nlinear_driver") }
    return try result()
  }

  /// Runs the fit to the end; every use of the context lies inside this call.
  @unsafe
  private func iterate(
    _ context: UnsafeMutablePointer<ResidualContext>,
    weights: [Double]?,
    start: [Double]
  ) -> CInt {
    var system = unsafe gsl_multifit_nlinear_fdf()
    unsafe system.f = { parameters, context, residuals in
      guard let parameters = unsafe parameters, let residuals = unsafe residuals,
        let context = unsafe context?.assumingMemoryBound(to: ResidualContext.self)
      else { return GSL_EFAULT.asCode }
      return unsafe context.pointee.write(parameters: parameters.copied, into: residuals)
    }
    unsafe system.n = rows
    unsafe system.p = count
    unsafe system.params = UnsafeMutableRawPointer(context)
    let origin = Vector(start)
    let code = unsafe origin.withPointer { x in
      guard let weights else { return unsafe gsl_multifit_nlinear_init(x, &system, pointer) }
      return unsafe Vector(weights).withPointer { w in
        unsafe gsl_multifit_nlinear_winit(x, w, &system, pointer)
      }
    }
    guard code == GSL_SUCCESS.asCode else { return code }
    var reason: CInt = 0
    return unsafe gsl_multifit_nlinear_driver(
      options.iterationLimit,
      options.stepTolerance,
      options.gradientTolerance,
      0,
      nil,
      nil,
      &reason,
      pointer
    )
  }

  private func result() throws(GSLError) -> NonlinearFit {
    let covariance = Matrix(rows: count, columns: count)
    let code = unsafe covariance.withPointer { v in
      unsafe gsl_multifit_nlinear_covar(gsl_multifit_nlinear_jac(pointer), 0, v)
    }
    try check(code, "gsl_multifit_nlinear_covar")
    var reciprocal = 0.0
    try check(unsafe gsl_multifit_nlinear_rcond(&reciprocal, pointer), "multifit_nlinear_rcond")
    let residuals = unsafe UnsafePointer(gsl_multifit_nlinear_residual(pointer)).copied
    let position = unsafe UnsafePointer(gsl_multifit_nlinear_position(pointer)).copied
    let squares = residuals.reduce(0) { $0 + $1 * $1 }
    let degrees = rows - count
    let variance = degrees > 0 ? squares / Double(degrees) : 0
    let fit = Fit(
      parameters: position,
      covariance: covariance.elements.map { $0 * variance },
      residualSumOfSquares: squares,
      degreesOfFreedom: degrees,
      condition: 1 / reciprocal
    )
    return NonlinearFit(fit: fit, iterations: unsafe gsl_multifit_nlinear_niter(pointer))
  }
}
