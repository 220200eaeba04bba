// SPDX-License-Identifier: GPL-3.0-or-later

import CGSL

/// The pivoted QR factors of a scaled design.
struct PivotedQR: ~Copyable {
  private let factors: Matrix
  private let reflectors: Vector
  private let permutation: Permutation
  let condition: Double

  /// Factors a design; throws `singular` with the first column that adds nothing.
  init(_ design: ScaledDesign, columnNames: [String]) throws(GSLError) {
    let count = columnNames.count
    let factors = Matrix(rows: design.rows, columns: count, elements: design.elements)
    let reflectors = Vector(count: count)
    let permutation = Permutation(count: count)
    try Self.decompose(factors, reflectors, permutation)
    let diagonal = (0..<count).map { factors[$0, $0].magnitude }
    let floor = Double(design.rows + count) * 0x1p-52 * diagonal[0]
    let condition = diagonal[0] / diagonal[count - 1]
    if let deficient = diagonal.firstIndex(where: { !($0 > floor) }) {
      throw .singular(column: columnNames[permutation[deficient]], condition: condition)
    }
    self.condition = condition
    self.factors = factors
    self.reflectors = reflectors
    self.permutation = permutation
  }

  /// Factors a matrix in place, the largest remaining column first.
  private static func decompose(
    _ factors: borrowing Matrix,
    _ reflectors: borrowing Vector,
    _ permutation: borrowing Permutation
  ) throws(GSLError) {
    let norms = Vector(count: factors.columns)
    var sign: CInt = 0
    let code = unsafe factors.withPointer { a in
      unsafe reflectors.withPointer { tau in
        unsafe permutation.withPointer { p in
          unsafe norms.withPointer { norm in
            unsafe gsl_linalg_QRPT_decomp(a, tau, p, &sign, norm)
          }
        }
      }
    }
    try check(code, "gsl_linalg_QRPT_decomp")
  }

  /// The parameters that fit a response best, and what they leave.
  func solve(
    _ response: [Double]
  ) throws(GSLError) -> (parameters: [Double], residualSumOfSquares: Double) {
    let target = Vector(response)
    let solution = Vector(count: factors.columns)
    let residual = Vector(count: response.count)
    let code = unsafe factors.withPointer { qr in
      unsafe reflectors.withPointer { tau in
        unsafe target.withPointer { b in
          unsafe solution.withPointer { x in
            unsafe residual.withPointer { r in
              unsafe permutation.withPointer { p in
                unsafe gsl_linalg_QRPT_lssolve(qr, tau, p, b, x, r)
              }
            }
          }
        }
      }
    }
    try check(code, "gsl_linalg_QRPT_lssolve")
    let squares = residual.elements.reduce(0) { $0 + $1 * $1 }
    return (solution.elements, squares)
  }

  /// The inverse of the design's cross product, in the order of the design's columns.
  func inverseOfCrossProduct() throws(GSLError) -> [Double] {
    let count = factors.columns
    var triangle = Matrix(rows: count, columns: count)
    for row in 0..<count {
      for column in row..<count { triangle[row, column] = factors[row, column] }
    }
    let code = unsafe triangle.withPointer { matrix in
      unsafe gsl_linalg_tri_invert(CblasUpper, CblasNonUnit, matrix)
    }
    try check(code, "gsl_linalg_tri_invert")
    let order = (0..<count).map { permutation[$0] }
    var inverse = [Double](repeating: 0, count: count * count)
    for row in 0..<count {
      for column in 0..<count {
        var sum = 0.0
        for inner in max(row, column)..<count {
          sum += triangle[row, inner] * triangle[column, inner]
        }
        inverse[order[row] * count + order[column]] = sum
      }
    }
    return inverse
  }
}
