// SPDX-License-Identifier: GPL-3.0-or-later

/// Chooses the runs that a sparse process stands on.
enum InducingPoints {
  /// The indices of up to `limit` points, each the one that the points before it say least about.
  ///
  /// This is the pivot order of an incomplete Cholesky factor (Fine and Scheinberg, 2001). It ends
  /// early when the kernel of the points chosen explains all points to a part in 100,000: nearer
  /// points could not be told apart on the grid of a file.
  static func choose(_ points: [[Double]], limit: Int) -> [Int] {
    var remaining = [Double](repeating: 1, count: points.count)
    var rows: [[Double]] = []
    var chosen: [Int] = []
    while chosen.count < min(limit, points.count) {
      var pivot = 0
      for index in remaining.indices where remaining[index] > remaining[pivot] { pivot = index }
      guard remaining[pivot] > 1e-5 else { break }
      let root = remaining[pivot].squareRoot()
      var row = points.map {
        ArdKernel.correlation(squared: squaredDistance($0, points[pivot]))
      }
      for earlier in rows {
        let factor = earlier[pivot]
        for index in row.indices { row[index] -= factor * earlier[index] }
      }
      for index in row.indices {
        row[index] /= root
        remaining[index] = max(0, remaining[index] - row[index] * row[index])
      }
      remaining[pivot] = 0
      rows.append(row)
      chosen.append(pivot)
    }
    return chosen
  }
}
