// SPDX-License-Identifier: GPL-3.0-or-later

/// The values of all features for one combination of host, kernel, workload and policy.
package struct FeatureVector: Hashable, Sendable {
  /// The values in the order of `Feature.allCases`, each in its feature's unit.
  package private(set) var values: [Double]

  /// Creates a vector of zeros.
  package init() { values = [Double](repeating: 0, count: Feature.allCases.count) }

  /// Creates a vector from values in the order of `Feature.allCases`.
  ///
  /// Precondition: there are as many values as features.
  package init(values: [Double]) {
    precondition(values.count == Feature.allCases.count, "one value a feature")
    self.values = values
  }

  /// The value of one feature.
  package subscript(feature: Feature) -> Double {
    get { values[feature.index] }
    set { values[feature.index] = newValue }
  }

  /// The values on the scales of their features, which is where distances are taken.
  package var transformed: [Double] { zip(Feature.allCases, values).map { $0.transformed($1) } }
}

extension Feature {
  /// The place of the feature in a vector: cases without values are numbered as they are declared.
  package var index: Int { withUnsafeBytes(of: self) { Int($0[0]) } }
}
