// SPDX-License-Identifier: GPL-3.0-or-later

/// The design of a linear fit: one row an observation, one named column a term.
package struct Design: Hashable, Sendable {
  /// The names of the columns, for messages.
  package let columnNames: [String]
  /// The number of observations.
  package let rows: Int
  /// The elements in row-major order, `[rows x columns]`.
  package let elements: [Double]

  /// The number of terms.
  package var columns: Int { columnNames.count }

  /// Creates a design from its rows.
  ///
  /// Throws `shape` where a row has another length than there are names, and `notFinite` with
  /// the column's name for the first value that is NaN or infinite.
  package init(columnNames: [String], rows: [[Double]]) throws(GSLError) {
    var elements: [Double] = []
    elements.reserveCapacity(rows.count * columnNames.count)
    for (index, row) in rows.enumerated() {
      try requireCount(row, columnNames.count, "row \(index) of the design")
      for (column, value) in row.enumerated() where !value.isFinite {
        throw .notFinite(quantity: "column '\(columnNames[column])'", row: index, value: value)
      }
      elements += row
    }
    self.columnNames = columnNames
    self.rows = rows.count
    self.elements = elements
  }

  /// The element of an observation and a term.
  package subscript(row: Int, column: Int) -> Double { elements[row * columns + column] }

  /// The terms of one observation.
  package func row(_ index: Int) -> ArraySlice<Double> {
    elements[index * columns..<(index + 1) * columns]
  }

  /// The value that the parameters predict for one observation.
  package func prediction(_ row: Int, _ parameters: [Double]) -> Double {
    var sum = 0.0
    for column in 0..<columns { sum += self[row, column] * parameters[column] }
    return sum
  }

  /// Refuses a design with fewer observations than terms, or a response that does not fit it.
  func validate(response: [Double]) throws(GSLError) {
    guard rows >= columns, columns > 0 else {
      throw .tooFewRows(rows: rows, parameters: columns)
    }
    try requireCount(response, rows, "the response")
    try requireFinite(response, "the response")
  }
}

/// A fitted set of parameters.
package struct Fit: Hashable, Sendable {
  /// The parameters, in the order of the design's columns.
  package let parameters: [Double]
  /// Their covariance in row-major order, scaled by the residual variance.
  package let covariance: [Double]
  /// The weighted sum of squared residuals.
  package let residualSumOfSquares: Double
  /// Observations less parameters.
  package let degreesOfFreedom: Int
  /// The condition number of the design with its columns scaled to unit length.
  package let condition: Double

  /// The standard errors of the parameters.
  package var standardErrors: [Double] {
    parameters.indices.map { covariance[$0 * (parameters.count + 1)].squareRoot() }
  }

  /// The standard deviation of the residuals; zero where no degree of freedom is left.
  package var residualDeviation: Double {
    degreesOfFreedom > 0 ? (residualSumOfSquares / Double(degreesOfFreedom)).squareRoot() : 0
  }
}
