// SPDX-License-Identifier: GPL-3.0-or-later

import CGSL

/// A dense matrix in row-major order, owned by the library; freed when it goes out of scope.
///
/// Reads and writes outside of its bounds trap here: the library would return zero silently.
@safe
package struct Matrix: ~Copyable {
  private let pointer: UnsafeMutablePointer<gsl_matrix>

  /// The number of rows, at least one.
  package let rows: Int
  /// The number of columns, at least one.
  package let columns: Int

  /// Creates a matrix of zeros; both sizes are at least one.
  package init(rows: Int, columns: Int) {
    precondition(rows > 0 && columns > 0, "a matrix has at least one row and one column")
    prepareLibrary()
    (self.rows, self.columns) = (rows, columns)
    unsafe pointer = allocated(gsl_matrix_calloc(rows, columns), "gsl_matrix_calloc")
  }

  /// Creates a matrix from `rows * columns` elements in row-major order.
  package init(rows: Int, columns: Int, elements: [Double]) {
    precondition(elements.count == rows * columns, "\(rows) x \(columns) needs as many elements")
    self.init(rows: rows, columns: columns)
    for (index, element) in elements.enumerated() {
      unsafe pointer.pointee.data[index] = element
    }
  }

  deinit { unsafe gsl_matrix_free(pointer) }

  /// The element in a row of 0..<rows and a column of 0..<columns.
  package subscript(row: Int, column: Int) -> Double {
    get { unsafe pointer.pointee.data[offset(row, column)] }
    set { unsafe pointer.pointee.data[offset(row, column)] = newValue }
  }

  private func offset(_ row: Int, _ column: Int) -> Int {
    precondition(
      (0..<rows).contains(row) && (0..<columns).contains(column),
      "element \(row), \(column) of a matrix of \(rows) x \(columns)"
    )
    return row * columns + column
  }

  /// A copy of the elements in row-major order.
  package var elements: [Double] {
    let (start, count) = unsafe (pointer.pointee.data, rows * columns)
    return unsafe Array(UnsafeBufferPointer(start: start, count: count))
  }

  /// Lends the library's handle for the length of a call.
  func withPointer<Result, Failure: Error>(
    _ body: (UnsafeMutablePointer<gsl_matrix>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    unsafe try body(pointer)
  }
}
