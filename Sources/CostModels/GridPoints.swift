// SPDX-License-Identifier: GPL-3.0-or-later

/// Points on a grid of thousandths: a file holds them exactly, in few digits that are read fast.
struct GridPoints: Hashable, Sendable {
  /// Coordinates of a point.
  let dimensions: Int
  /// How many points there are.
  let count: Int
  /// The coordinates of eight points after eight points, dimension after dimension, zero where there
  /// is no point: a sum over the dimensions is taken of eight at once, each in its own lane.
  private let blocks: [SIMD8<Double>]

  /// Moves each point to the nearest of the grid; all have as many coordinates as the first.
  init(nearest points: [[Double]]) {
    self.init(
      points.flatMap { $0.map { ($0 * 1_000).rounded() / 1_000 } },
      dimensions: points.first?.count ?? 0
    )
  }

  private init(_ coordinates: [Double], dimensions: Int) {
    self.dimensions = dimensions
    let count = coordinates.count / max(1, dimensions)
    self.count = count
    blocks = stride(from: 0, to: count, by: 8).flatMap { first in
      (0..<dimensions).map { index in
        var lanes = SIMD8<Double>.zero
        for point in first..<min(first + 8, count) {
          lanes[point - first] = coordinates[point * dimensions + index]
        }
        return lanes
      }
    }
  }

  /// The points as lists.
  var rows: [[Double]] {
    (0..<count).map { point in
      (0..<dimensions).map { blocks[point / 8 * dimensions + $0][point % 8] }
    }
  }

  /// The squared distance of a place from one of the points.
  func squaredDistance(_ place: [Double], from point: Int) -> Double {
    squaredDistances(place, from: point / 8)[point % 8]
  }

  /// The squared distances of a place from all points, to the bit those from one after the other.
  func squaredDistances(_ place: [Double]) -> [Double] {
    var distances: [Double] = []
    distances.reserveCapacity(count)
    for block in 0..<(count + 7) / 8 {
      let lanes = squaredDistances(place, from: block)
      for lane in 0..<min(8, count - 8 * block) { distances.append(lanes[lane]) }
    }
    return distances
  }

  private func squaredDistances(_ place: [Double], from block: Int) -> SIMD8<Double> {
    var sum = SIMD8<Double>.zero
    let start = block * dimensions
    for index in 0..<dimensions {
      let difference = place[index] - blocks[start + index]
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
    self.init(coordinates, dimensions: length ?? 0)
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
