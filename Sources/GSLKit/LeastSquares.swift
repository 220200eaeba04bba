// SPDX-License-Identifier: GPL-3.0-or-later

import CGSL

/// Linear least squares in several forms, with covariance and a checked condition.
package enum LeastSquares {
  /// A condition number beyond which the parameters hold no correct digit.
  package static let conditionLimit = 1 / 0x1p-52

  /// Fits by QR with column pivoting, the fast form for many rows.
  ///
  /// Weights, where given, are positive inverse variances. Throws `singular` with the column that
  /// repeats others, `tooFewRows`, `notFinite` or `shape`.
  package static func qr(
    _ design: Design,
    response: [Double],
    weights: [Double]? = nil
  ) throws(GSLError) -> Fit {
    try design.validate(response: response)
    let scaled = try ScaledDesign(design, response: response, weights: weights)
    let factor = try PivotedQR(scaled, columnNames: design.columnNames)
    let solution = try factor.solve(scaled.response)
    let degrees = design.rows - design.columns
    let variance = degrees > 0 ? solution.residualSumOfSquares / Double(degrees) : 0
    let inverse = try factor.inverseOfCrossProduct()
    let count = design.columns
    var covariance = [Double](repeating: 0, count: count * count)
    for row in 0..<count {
      for column in 0..<count {
        covariance[row * count + column] =
          variance * inverse[row * count + column] / (scaled.norms[row] * scaled.norms[column])
      }
    }
    return Fit(
      parameters: zip(solution.parameters, scaled.norms).map { $0 / $1 },
      covariance: covariance,
      residualSumOfSquares: solution.residualSumOfSquares,
      degreesOfFreedom: degrees,
      condition: factor.condition
    )
  }

  /// Fits by singular values of the balanced design: slower, and exact to the last digits that a
  /// nearly singular design allows.
  ///
  /// Throws as `qr` does, except that a singular design is named by its condition alone.
  package static func svd(_ design: Design, response: [Double]) throws(GSLError) -> Fit {
    try design.validate(response: response)
    let matrix = Matrix(rows: design.rows, columns: design.columns, elements: design.elements)
    let target = Vector(response)
    let parameters = Vector(count: design.columns)
    let covariance = Matrix(rows: design.columns, columns: design.columns)
    var squares = 0.0
    let work = unsafe allocated(
      gsl_multifit_linear_alloc(design.rows, design.columns),
      "gsl_multifit_linear_alloc"
    )
    defer { unsafe gsl_multifit_linear_free(work) }
    let code = unsafe matrix.withPointer { x in
      unsafe target.withPointer { y in
        unsafe parameters.withPointer { c in
          unsafe covariance.withPointer { v in
            unsafe gsl_multifit_linear(x, y, c, v, &squares, work)
          }
        }
      }
    }
    try check(code, "gsl_multifit_linear")
    let reciprocal = unsafe gsl_multifit_linear_rcond(work)
    guard reciprocal * conditionLimit > 1 else {
      throw .singular(column: design.columnNames.last ?? "", condition: 1 / reciprocal)
    }
    return Fit(
      parameters: parameters.elements,
      covariance: covariance.elements,
      residualSumOfSquares: squares,
      degreesOfFreedom: design.rows - design.columns,
      condition: 1 / reciprocal
    )
  }
}

/// A design whose rows carry the square roots of the weights and whose columns have unit length.
struct ScaledDesign {
  let elements: [Double]
  let response: [Double]
  let norms: [Double]
  let rows: Int

  init(_ design: Design, response: [Double], weights: [Double]?) throws(GSLError) {
    let roots = try Self.roots(of: weights, rows: design.rows)
    var elements = design.elements
    var squares = [Double](repeating: 0, count: design.columns)
    for row in 0..<design.rows {
      for column in 0..<design.columns {
        let index = row * design.columns + column
        elements[index] *= roots[row]
        squares[column] += elements[index] * elements[index]
      }
    }
    if let empty = squares.firstIndex(of: 0) {
      throw .singular(column: design.columnNames[empty], condition: .infinity)
    }
    let norms = squares.map { $0.squareRoot() }
    for index in elements.indices { elements[index] /= norms[index % design.columns] }
    self.elements = elements
    self.norms = norms
    self.rows = design.rows
    self.response = zip(response, roots).map { $0 * $1 }
  }

  private static func roots(of weights: [Double]?, rows: Int) throws(GSLError) -> [Double] {
    guard let weights else { return [Double](repeating: 1, count: rows) }
    try requireCount(weights, rows, "the weights")
    for (row, weight) in weights.enumerated() where !(weight.isFinite && weight >= 0) {
      throw .notFinite(quantity: "the weight", row: row, value: weight)
    }
    return weights.map { $0.squareRoot() }
  }
}
