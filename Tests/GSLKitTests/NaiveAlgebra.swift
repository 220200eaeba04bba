// SPDX-License-Identifier: GPL-3.0-or-later

/// Solves a square system by Gauss-Jordan elimination with pivoting: the naive twin.
func naiveSolve(_ matrix: [[Double]], _ right: [Double]) -> [Double] {
  var rows = zip(matrix, right).map { $0 + [$1] }
  let count = right.count
  for pivot in 0..<count {
    let best = (pivot..<count).max { rows[$0][pivot].magnitude < rows[$1][pivot].magnitude }
    rows.swapAt(pivot, best ?? pivot)
    for row in 0..<count where row != pivot {
      let factor = rows[row][pivot] / rows[pivot][pivot]
      for column in pivot...count { rows[row][column] -= factor * rows[pivot][column] }
    }
  }
  return (0..<count).map { rows[$0][count] / rows[$0][$0] }
}

/// Weighted least squares by normal equations, with a ridge: the naive twin.
func naiveLeastSquares(
  _ terms: [[Double]],
  _ response: [Double],
  weights: [Double],
  ridge: Double = 0
) -> [Double] {
  let count = terms[0].count
  var matrix = [[Double]](repeating: [Double](repeating: 0, count: count), count: count)
  var right = [Double](repeating: 0, count: count)
  for (row, terms) in terms.enumerated() {
    for first in 0..<count {
      right[first] += weights[row] * terms[first] * response[row]
      for second in 0..<count {
        matrix[first][second] += weights[row] * terms[first] * terms[second]
      }
    }
  }
  for index in 0..<count { matrix[index][index] += ridge * ridge }
  return naiveSolve(matrix, right)
}

/// The largest relative difference of two lists.
func distance(_ left: [Double], _ right: [Double]) -> Double {
  zip(left, right).map { ($0 - $1).magnitude / max(1, $1.magnitude) }.max() ?? .infinity
}
