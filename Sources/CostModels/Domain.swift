// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations

/// Where a model has seen runs: the range of every feature.
package struct Domain: Hashable, Sendable, Codable {
  /// The range of one feature over the runs, in the feature's unit.
  package struct Range: Hashable, Sendable, Codable {
    /// The feature.
    package let feature: Feature
    /// Its least value.
    package let low: Double
    /// Its greatest value.
    package let high: Double
  }

  /// The ranges in the order of `Feature.allCases`.
  package let ranges: [Range]

  /// How far beyond a range, as a share of its transformed length, still counts as its edge.
  static let margin = 0.05

  /// Learns the ranges from runs, of which there is at least one.
  init(_ features: [FeatureVector]) {
    ranges = Feature.allCases.map { feature in
      let values = features.map { $0[feature] }
      return Range(feature: feature, low: values.min() ?? 0, high: values.max() ?? 0)
    }
  }

  /// Where a vector lies, judged by the feature that is furthest out.
  func validity(_ features: FeatureVector) -> Validity {
    var worst: (excess: Double, range: Range)?
    for (range, value) in zip(ranges, features.values) {
      let excess = Self.excess(value, range)
      if excess > max(0, worst?.excess ?? 0) { worst = (excess, range) }
    }
    guard let worst else { return Validity(place: .inside, reason: nil) }
    let place = worst.excess <= Self.margin ? Validity.Place.edge : .extrapolating
    return Validity(
      place: place,
      reason: .range(worst.range, value: features[worst.range.feature])
    )
  }

  /// How far a value lies outside of a range, as a share of the range's transformed length; a
  /// range of one point has the length of the feature's own size.
  private static func excess(_ value: Double, _ range: Range) -> Double {
    // No transformation changes an order.
    if value >= range.low, value <= range.high { return 0 }
    let feature = range.feature
    let (low, high) = (feature.transformed(range.low), feature.transformed(range.high))
    let place = feature.transformed(value)
    let slack = 1e-9 * max(1, high.magnitude)
    let outside = max(low - place, place - high)
    guard outside > slack else { return 0 }
    return outside / max(high - low, 0.1 * max(1, high.magnitude))
  }
}

/// Whether a prediction may be believed, and why not.
package struct Validity: Hashable, Sendable, CustomStringConvertible {
  /// Where a point lies relative to the runs.
  package enum Place: String, Hashable, Sendable, Codable {
    /// Among the runs.
    case inside
    /// At most a twentieth of a range outside, or among the runs but with none near.
    case edge
    /// Further out: answer by simulation instead.
    case extrapolating
  }

  /// What puts a point outside.
  package enum Reason: Hashable, Sendable {
    /// A feature is out of its range.
    case range(Domain.Range, value: Double)
    /// Every feature is in range, but no run is near: the highest correlation with one.
    case sparse(nearness: Double)
  }

  /// Where the point lies.
  package let place: Place
  /// Why, where it is not inside.
  package let reason: Reason?

  /// Creates a verdict.
  package init(place: Place, reason: Reason?) {
    self.place = place
    self.reason = reason
  }

  /// The verdict in a sentence, with the feature and the range.
  package var description: String {
    switch reason {
    case .none: "inside the runs"
    case .range(let range, let value):
      "\(place.rawValue): \(range.feature.rawValue) is \(value), the runs have "
        + "\(range.low) to \(range.high)"
    case .sparse(let nearness):
      "\(place.rawValue): no run is near (correlation \(nearness) with the nearest)"
    }
  }
}
