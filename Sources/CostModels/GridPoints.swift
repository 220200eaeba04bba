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
  /// Reads a text a point: its coordinates as whole thousandths, a space between two.
  ///
  /// A hundred thousand numbers of their own would make nearly all of the time that reading a model
  /// takes. Points of unequal lengths and words that are no whole numbers are refused.
  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let lines = try container.decode([String].self)
    var coordinates: [Double] = []
    var length: Int?
    for (index, line) in lines.enumerated() {
      let before = coordinates.count
      for word in line.utf8.split(separator: UInt8(ascii: " ")) {
        guard let value = Int32(Substring(word)) else {
          throw DecodingError.dataCorruptedError(
            in: container,
            debugDescription: "point \(index + 1): '\(Substring(word))' is no whole number"
          )
        }
        coordinates.append(Double(value) / 1_000)
      }
      guard length == nil || length == coordinates.count - before else {
        throw DecodingError.dataCorruptedError(
          in: container,
          debugDescription: "the points have unequal numbers of coordinates"
        )
      }
      length = coordinates.count - before
    }
    dimensions = length ?? 0
    self.coordinates = coordinates
  }

  /// Writes a text a point, in whole thousandths.
  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    let lines = rows.map { row in
      row.map { String(Int(($0 * 1_000).rounded())) }.joined(separator: " ")
    }
    try container.encode(lines)
  }
}
