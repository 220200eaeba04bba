// SPDX-License-Identifier: GPL-3.0-or-later

import Observations

/// The features that differed between the runs of a fit, standardised for distances.
struct FeatureSpace: Hashable, Sendable, Codable {
  /// One feature's place in the space.
  struct Axis: Hashable, Sendable, Codable {
    let feature: Feature
    /// The mean of the transformed feature over the runs.
    let mean: Double
    /// Its standard deviation, positive.
    let deviation: Double
  }

  init(axes: [Axis]) { self.axes = axes }

  let axes: [Axis]

  var dimensions: Int { axes.count }

  /// Learns the axes from runs; a feature whose spread is rounding is left out, and so is one
  /// that repeats an earlier axis.
  init(_ features: [FeatureVector], among candidates: [Feature] = Feature.allCases) {
    var axes: [Axis] = []
    var columns: [[Double]] = []
    for feature in candidates {
      let values = features.map { feature.transformed($0[feature]) }
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      let deviation = variance.squareRoot()
      guard deviation > 1e-6 * max(1, mean.magnitude) else { continue }
      let column = values.map { ($0 - mean) / deviation }
      let repeats = columns.contains { Self.correlation($0, column).magnitude > 0.9999 }
      if repeats { continue }
      axes.append(Axis(feature: feature, mean: mean, deviation: deviation))
      columns.append(column)
    }
    self.axes = axes
  }

  private static func correlation(_ left: [Double], _ right: [Double]) -> Double {
    var sum = 0.0
    for index in left.indices { sum += left[index] * right[index] }
    return sum / Double(left.count)
  }

  /// The space of some of the axes, by their places.
  func keeping(_ places: [Int]) -> FeatureSpace { FeatureSpace(axes: places.map { axes[$0] }) }

  /// The standardised coordinates of a vector.
  func coordinates(_ features: FeatureVector) -> [Double] {
    coordinates(transformed: features.transformed)
  }

  /// The standardised coordinates of a vector whose values have been transformed.
  func coordinates(transformed: [Double]) -> [Double] {
    axes.map { (transformed[$0.feature.index] - $0.mean) / $0.deviation }
  }
}
