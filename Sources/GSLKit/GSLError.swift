// SPDX-License-Identifier: GPL-3.0-or-later

/// Why a computation has no answer, with the evidence.
package enum GSLError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The library returned an error code from an operation.
  case library(code: Int, operation: String, text: String)
  /// A value that enters a computation is NaN or infinite; rows count from zero.
  case notFinite(quantity: String, row: Int, value: Double)
  /// Sizes that do not fit together.
  case shape(quantity: String, found: Int, expected: Int)
  /// Fewer observations than parameters.
  case tooFewRows(rows: Int, parameters: Int)
  /// A design whose columns are linearly dependent; `column` repeats what others say.
  case singular(column: String, condition: Double)
  /// A matrix that is not positive definite, or so nearly singular that its inverse says nothing.
  case notPositiveDefinite(size: Int, condition: Double)
  /// A Sobol sequence of more dimensions than the library tabulates.
  case tooManyDimensions(asked: Int, limit: Int)
  /// An iteration that reached its limit before it converged.
  case notConverged(operation: String, iterations: Int)

  /// One sentence with the operation and the evidence.
  package var description: String {
    switch self {
    case .library(let code, let operation, let text):
      "\(operation) failed with GSL error \(code): \(text)"
    case .notFinite(let quantity, let row, let value):
      "\(quantity) is \(value) in row \(row); every value must be finite"
    case .shape(let quantity, let found, let expected):
      "\(quantity) has \(found) elements where \(expected) are needed"
    case .tooFewRows(let rows, let parameters):
      "\(rows) observations cannot determine \(parameters) parameters; add runs or drop terms"
    case .singular(let column, let condition):
      "the column '\(column)' is a linear combination of others (condition number \(condition))"
    case .notPositiveDefinite(let size, let condition):
      "a \(size) x \(size) matrix is not positive definite (condition number \(condition))"
    case .tooManyDimensions(let asked, let limit):
      "a Sobol sequence of \(asked) dimensions was asked for; the limit is \(limit)"
    case .notConverged(let operation, let iterations):
      "\(operation) did not converge in \(iterations) iterations"
    }
  }
}
