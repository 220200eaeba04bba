// SPDX-License-Identifier: GPL-3.0-or-later

/// Points on a grid of thousandths: a file holds them exactly, in few digits that are read fast.
struct GridPoints: Hashable, Sendable {
  /// Coordinates of a point.
  let dimensions: Int
  /// All coordinates, point after point.
  let coordinates: [Double]

  var count: Int { coordinates.count / max(1, dimensions) }

  /// Moves each point to the nearest of the grid; all have as many coordinates as the first.
  init(nearest points: [[Double]]) {
    dimensions = points.first?.count ?? 0
    coordinates = points.flatMap { $0.map { ($0 * 1_000).rounded() / 1_000 } }
  }

  /// The points as lists.
  var rows: [[Double]] {
    (0..<count).map { Array(coordinates[$0 * dimensions..<($0 + 1) * dimensions]) }
  }

  /// The squared distance of a place from one of the points.
  func squaredDistance(_ place: [Double], from point: Int) -> Double {
    var sum = 0.0
    let start = point * dimensions
    for index in 0..<dimensions {
      let difference = place[index] - coordinates[start + index]
      sum += difference * difference
    }
    return sum
  }
}

extension GridPoints: Codable {
  /// Reads lists of whole thousandths; lists of unequal lengths are refused.
  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let rows = try container.decode([[Int]].self)
    let length = rows.first?.count ?? 0
    guard rows.allSatisfy({ $0.count == length }) else {
      throw DecodingError.dataCorruptedError(
        in: container,
        debugDescription: "the points have unequal numbers of coordinates"
      )
    }
    dimensions = length
    coordinates = rows.flatMap { $0.map { Double($0) / 1_000 } }
  }

  /// Writes lists of whole thousandths.
  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rows.map { $0.map { Int(($0 * 1_000).rounded()) } })
  }
}
