// SPDX-License-Identifier: GPL-3.0-or-later

import CGSL

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

/// The Cholesky factor of a symmetric positive definite matrix, with its condition checked.
package struct Cholesky: ~Copyable {
  private let factor: Matrix

  /// The condition number in the 1-norm, estimated.
  package let condition: Double

  /// Rows, and columns, of the matrix.
  package var size: Int { factor.rows }

  /// Factors a matrix, of which the lower triangle is read.
  ///
  /// Throws `notPositiveDefinite` where a pivot is not positive or the condition number exceeds
  /// `conditionLimit`. Precondition: the matrix is square.
  package init(
    _ matrix: consuming Matrix,
    conditionLimit: Double = 1e15
  ) throws(GSLError) {
    precondition(matrix.rows == matrix.columns, "a Cholesky factor needs a square matrix")
    let condition = try Self.decompose(matrix)
    guard condition <= conditionLimit else {
      throw .notPositiveDefinite(size: matrix.rows, condition: condition)
    }
    self.condition = condition
    self.factor = matrix
  }

  /// Factors a matrix in place and returns its condition number.
  private static func decompose(_ matrix: borrowing Matrix) throws(GSLError) -> Double {
    let code = unsafe matrix.withPointer { a in unsafe gsl_linalg_cholesky_decomp1(a) }
    if code == GSL_EDOM.asCode {
      throw .notPositiveDefinite(size: matrix.rows, condition: .infinity)
    }
    try check(code, "gsl_linalg_cholesky_decomp1")
    let work = Vector(count: 3 * matrix.rows)
    var reciprocal = 0.0
    let status = unsafe matrix.withPointer { a in
      unsafe work.withPointer { w in unsafe gsl_linalg_cholesky_rcond(a, &reciprocal, w) }
    }
    try check(status, "gsl_linalg_cholesky_rcond")
    return 1 / reciprocal
  }

  /// The logarithm of the matrix's determinant.
  package var logDeterminant: Double {
    var sum = 0.0
    for index in 0..<size { sum += log(factor[index, index]) }
    return 2 * sum
  }

  /// The solution of the matrix times x = `right`, whose count is the size.
  package func solve(_ right: [Double]) -> [Double] {
    unsafe solution(right, by: "gsl_linalg_cholesky_svx") { l, x in
      unsafe gsl_linalg_cholesky_svx(l, x)
    }
  }

  /// The solution of the lower factor times x = `right`: its squared norm is the quadratic form
  /// of the inverse.
  package func solveLower(_ right: [Double]) -> [Double] {
    unsafe solution(right, by: "gsl_blas_dtrsv") { l, x in
      unsafe gsl_blas_dtrsv(CblasLower, CblasNoTrans, CblasNonUnit, l, x)
    }
  }

  /// The solution of the lower factor's transpose times x = `right`.
  package func solveUpper(_ right: [Double]) -> [Double] {
    unsafe solution(right, by: "gsl_blas_dtrsv") { l, x in
      unsafe gsl_blas_dtrsv(CblasLower, CblasTrans, CblasNonUnit, l, x)
    }
  }

  /// What the library's function of that name, given the factor, makes of `right` in place.
  private func solution(
    _ right: [Double],
    by name: String,
    _ solve: (UnsafePointer<gsl_matrix>, UnsafeMutablePointer<gsl_vector>) -> Int32
  ) -> [Double] {
    precondition(right.count == size, "\(size) equations need as many right-hand sides")
    let solution = Vector(right)
    let code = unsafe factor.withPointer { l in
      unsafe solution.withPointer { x in unsafe solve(l, x) }
    }
    precondition(code == GSL_SUCCESS.asCode, "\(name) returned \(code)")
    return solution.elements
  }

  /// Replaces each column of `right`, which has as many rows as the matrix, by the solution of
  /// the lower factor times x = column.
  package func solveLower(columnsOf right: borrowing Matrix) {
    precondition(right.rows == size, "\(size) equations need as many right-hand sides")
    let code = unsafe factor.withPointer { l in
      unsafe right.withPointer { x in
        unsafe gsl_blas_dtrsm(CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, 1, l, x)
      }
    }
    precondition(code == GSL_SUCCESS.asCode, "gsl_blas_dtrsm returned \(code)")
  }

  /// The inverse of the matrix; both triangles are filled.
  package consuming func inverse() throws(GSLError) -> Matrix {
    let code = unsafe factor.withPointer { l in unsafe gsl_linalg_cholesky_invert(l) }
    try check(code, "gsl_linalg_cholesky_invert")
    return factor
  }

  /// The element of the lower factor; zero above the diagonal.
  package subscript(row: Int, column: Int) -> Double { column > row ? 0 : factor[row, column] }
}

extension Matrix {
  /// The product of this matrix's transpose with itself: `[columns x columns]`, both triangles.
  package func crossProduct() throws(GSLError) -> Matrix {
    let product = Matrix(rows: columns, columns: columns)
    let code = unsafe withPointer { a in
      unsafe product.withPointer { c in
        unsafe gsl_blas_dgemm(CblasTrans, CblasNoTrans, 1, a, a, 0, c)
      }
    }
    try check(code, "gsl_blas_dgemm")
    return product
  }

  /// The product of this matrix with its own transpose: `[rows x rows]`, both triangles.
  package func outerProduct() throws(GSLError) -> Matrix {
    let product = Matrix(rows: rows, columns: rows)
    let code = unsafe withPointer { a in
      unsafe product.withPointer { c in
        unsafe gsl_blas_dgemm(CblasNoTrans, CblasTrans, 1, a, a, 0, c)
      }
    }
    try check(code, "gsl_blas_dgemm")
    return product
  }

  /// This matrix times a vector of `columns` elements.
  package func times(_ right: [Double]) -> [Double] { product(CblasNoTrans, right, columns, rows) }

  /// This matrix's transpose times a vector of `rows` elements.
  package func transposeTimes(_ right: [Double]) -> [Double] {
    product(CblasTrans, right, rows, columns)
  }

  private func product(
    _ form: CBLAS_TRANSPOSE_t,
    _ right: [Double],
    _ inner: Int,
    _ outer: Int
  ) -> [Double] {
    precondition(right.count == inner, "a product with \(right.count) elements needs \(inner)")
    let factor = Vector(right)
    let result = Vector(count: outer)
    let code = unsafe withPointer { a in
      unsafe factor.withPointer { x in
        unsafe result.withPointer { y in unsafe gsl_blas_dgemv(form, 1, a, x, 0, y) }
      }
    }
    precondition(code == GSL_SUCCESS.asCode, "gsl_blas_dgemv returned \(code)")
    return result.elements
  }
}
