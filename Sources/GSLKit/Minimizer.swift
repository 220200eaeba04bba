// SPDX-License-Identifier: GPL-3.0-or-later

import CGSL

/// The lowest point a minimizer found, and why it stopped.
package struct Minimum: Hashable, Sendable {
  /// Why a search ended.
  package enum StopReason: String, Hashable, Sendable {
    /// The simplex or the gradient became small enough.
    case converged
    /// No step improved the value any more, to the last digit.
    case noProgress
    /// The iteration limit was reached.
    case limit
  }

  /// Where the lowest value was found.
  package let point: [Double]
  /// The value there.
  package let value: Double
  /// Iterations taken.
  package let iterations: Int
  /// Why the search ended.
  package let stopReason: StopReason
}

/// Unconstrained minimization (`multimin`); bounds are the caller's, by a change of variables.
package enum Minimizer {
  /// A value that stands for "not finite": larger than any honest one, and safe to interpolate.
  static let wall = 1e100

  /// Searches without derivatives, by the simplex of Nelder and Mead.
  ///
  /// `steps` are the first simplex's edges; the search ends when its mean size is below
  /// `tolerance`. Where the function is not finite, the simplex turns back.
  package static func nelderMead(
    start: [Double],
    steps: [Double],
    tolerance: Double = 1e-8,
    iterationLimit: Int = 1_000,
    function: ([Double]) -> Double
  ) throws(GSLError) -> Minimum {
    try requireFinite(start, "the start")
    try requireCount(steps, start.count, "the steps")
    return try withoutActuallyEscaping(function) { function throws(GSLError) in
      var objective = Objective(count: start.count, function: { (function($0), []) })
      return try unsafe withUnsafeMutablePointer(to: &objective) { objective throws(GSLError) in
        let work = unsafe SimplexWorkspace(objective)
        try work.begin(start: start, steps: steps)
        return try work.minimize(tolerance: tolerance, iterationLimit: iterationLimit)
      }
    }
  }

  /// Searches with derivatives, by the quasi-Newton method of Broyden, Fletcher, Goldfarb and
  /// Shanno.
  ///
  /// `function` returns the value and its gradient; the search ends when the gradient's norm is
  /// below `tolerance`.
  package static func bfgs(
    start: [Double],
    firstStep: Double = 0.1,
    tolerance: Double = 1e-4,
    iterationLimit: Int = 200,
    function: ([Double]) -> (value: Double, gradient: [Double])
  ) throws(GSLError) -> Minimum {
    try requireFinite(start, "the start")
    return try withoutActuallyEscaping(function) { function throws(GSLError) in
      var objective = Objective(count: start.count, function: function)
      return try unsafe withUnsafeMutablePointer(to: &objective) { objective throws(GSLError) in
        let work = unsafe GradientWorkspace(objective)
        try work.begin(start: start, firstStep: firstStep)
        return try work.minimize(tolerance: tolerance, iterationLimit: iterationLimit)
      }
    }
  }
}

/// What the callbacks of a minimization read, lent to the library for the length of one search.
struct Objective {
  let count: Int
  let function: ([Double]) -> (value: Double, gradient: [Double])
  /// The best point so far: a search that ends in a bad step still returns it.
  var best: (point: [Double], value: Double)?
  /// The point that was evaluated last: the library asks for value and gradient one by one.
  private var last: (point: [Double], result: (value: Double, gradient: [Double]))?

  init(count: Int, function: @escaping ([Double]) -> (value: Double, gradient: [Double])) {
    (self.count, self.function) = (count, function)
  }

  /// Evaluates the function and remembers the best point.
  mutating func evaluate(_ point: [Double]) -> (value: Double, gradient: [Double]) {
    if let last, last.point == point { return last.result }
    let result = honest(function(point))
    last = (point, result)
    if result.value < best?.value ?? .infinity, result.value < Minimizer.wall {
      best = (point, result.value)
    }
    return result
  }

  /// The result, or a wall without slope where it is not finite.
  private func honest(
    _ result: (value: Double, gradient: [Double])
  ) -> (value: Double, gradient: [Double]) {
    guard result.value.isFinite, result.gradient.allSatisfy(\.isFinite) else {
      return (Minimizer.wall, [Double](repeating: 0, count: count))
    }
    return result
  }

  /// The outcome of a search, from the best point that was seen.
  func minimum(iterations: Int, reason: Minimum.StopReason) throws(GSLError) -> Minimum {
    guard let best else {
      throw .notFinite(quantity: "the function to minimize", row: 0, value: .nan)
    }
    return Minimum(
      point: best.point,
      value: best.value,
      iterations: iterations,
      stopReason: reason
    )
  }
}

/// The library's workspace of one simplex search.
@safe
private struct SimplexWorkspace: ~Copyable {
  private let pointer: UnsafeMutablePointer<gsl_multimin_fminimizer>
  private let objective: UnsafeMutablePointer<Objective>
  private let system: UnsafeMutablePointer<gsl_multimin_function>

  @unsafe
  init(_ objective: UnsafeMutablePointer<Objective>) {
    prepareLibrary()
    let count = unsafe objective.pointee.count
    unsafe self.objective = objective
    unsafe pointer = allocated(
      gsl_multimin_fminimizer_alloc(cgsl_multimin_nelder_mead(), count),
      "gsl_multimin_fminimizer_alloc"
    )
    unsafe system = .allocate(capacity: 1)
    unsafe system.initialize(to: gsl_multimin_function())
    unsafe system.pointee.n = count
    unsafe system.pointee.params = UnsafeMutableRawPointer(objective)
    unsafe system.pointee.f = { point, context in
      guard let point = unsafe point,
        let objective = unsafe context?.assumingMemoryBound(to: Objective.self)
      else { return .nan }
      return unsafe objective.pointee.evaluate(point.copied).value
    }
  }

  func begin(start: [Double], steps: [Double]) throws(GSLError) {
    let code = unsafe Vector(start).withPointer { x in
      unsafe Vector(steps).withPointer { s in
        unsafe gsl_multimin_fminimizer_set(pointer, system, x, s)
      }
    }
    try check(code, "gsl_multimin_fminimizer_set")
  }

  deinit {
    unsafe gsl_multimin_fminimizer_free(pointer)
    unsafe system.deallocate()
  }

  func minimize(tolerance: Double, iterationLimit: Int) throws(GSLError) -> Minimum {
    for iteration in 1...iterationLimit {
      let code = unsafe gsl_multimin_fminimizer_iterate(pointer)
      let size = unsafe gsl_multimin_fminimizer_size(pointer)
      if code == GSL_ENOPROG.asCode {
        return try unsafe objective.pointee.minimum(iterations: iteration, reason: .noProgress)
      }
      try check(code, "gsl_multimin_fminimizer_iterate")
      if size < tolerance {
        return try unsafe objective.pointee.minimum(iterations: iteration, reason: .converged)
      }
    }
    return try unsafe objective.pointee.minimum(iterations: iterationLimit, reason: .limit)
  }
}

/// The library's workspace of one search with derivatives.
@safe
private struct GradientWorkspace: ~Copyable {
  private let pointer: UnsafeMutablePointer<gsl_multimin_fdfminimizer>
  private let objective: UnsafeMutablePointer<Objective>
  private let system: UnsafeMutablePointer<gsl_multimin_function_fdf>

  @unsafe
  init(_ objective: UnsafeMutablePointer<Objective>) {
    prepareLibrary()
    let count = unsafe objective.pointee.count
    unsafe self.objective = objective
    unsafe pointer = allocated(
      gsl_multimin_fdfminimizer_alloc(cgsl_multimin_bfgs(), count),
      "gsl_multimin_fdfminimizer_alloc"
    )
    unsafe system = .allocate(capacity: 1)
    unsafe system.initialize(to: Self.system(count, objective))
  }

  func begin(start: [Double], firstStep: Double) throws(GSLError) {
    let code = unsafe Vector(start).withPointer { x in
      unsafe gsl_multimin_fdfminimizer_set(pointer, system, x, firstStep, 0.1)
    }
    try check(code, "gsl_multimin_fdfminimizer_set")
  }

  deinit {
    unsafe gsl_multimin_fdfminimizer_free(pointer)
    unsafe system.deallocate()
  }

  /// The three callbacks over one objective.
  @unsafe
  private static func system(
    _ count: Int,
    _ objective: UnsafeMutablePointer<Objective>
  ) -> gsl_multimin_function_fdf {
    var system = unsafe gsl_multimin_function_fdf()
    unsafe system.n = count
    unsafe system.params = UnsafeMutableRawPointer(objective)
    unsafe system.f = { point, context in
      unsafe evaluate(point, context)?.value ?? .nan
    }
    unsafe system.df = { point, context, gradient in
      guard let result = unsafe evaluate(point, context) else { return }
      unsafe write(result.gradient, to: gradient)
    }
    unsafe system.fdf = { point, context, value, gradient in
      guard let result = unsafe evaluate(point, context) else { return }
      unsafe value?.pointee = result.value
      unsafe write(result.gradient, to: gradient)
    }
    return unsafe system
  }

  func minimize(tolerance: Double, iterationLimit: Int) throws(GSLError) -> Minimum {
    for iteration in 1...iterationLimit {
      let code = unsafe gsl_multimin_fdfminimizer_iterate(pointer)
      if code == GSL_ENOPROG.asCode {
        return try unsafe objective.pointee.minimum(iterations: iteration, reason: .noProgress)
      }
      try check(code, "gsl_multimin_fdfminimizer_iterate")
      let gradient = unsafe gsl_multimin_fdfminimizer_gradient(pointer)
      if unsafe gsl_multimin_test_gradient(gradient, tolerance) == GSL_SUCCESS.asCode {
        return try unsafe objective.pointee.minimum(iterations: iteration, reason: .converged)
      }
    }
    return try unsafe objective.pointee.minimum(iterations: iterationLimit, reason: .limit)
  }
}

/// Evaluates the objective behind a callback's context.
@unsafe
private func evaluate(
  _ point: UnsafePointer<gsl_vector>?,
  _ context: UnsafeMutableRawPointer?
) -> (value: Double, gradient: [Double])? {
  guard let point = unsafe point,
    let objective = unsafe context?.assumingMemoryBound(to: Objective.self)
  else { return nil }
  return unsafe objective.pointee.evaluate(point.copied)
}

/// Copies a gradient to where the library wants it.
@unsafe
private func write(_ gradient: [Double], to target: UnsafeMutablePointer<gsl_vector>?) {
  guard let target = unsafe target else { return }
  precondition(
    unsafe gradient.count == target.pointee.size,
    "a gradient has one element a parameter"
  )
  for index in gradient.indices { unsafe gsl_vector_set(target, index, gradient[index]) }
}
