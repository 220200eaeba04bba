// SPDX-License-Identifier: GPL-3.0-or-later

package import Profiles

/// One measured value that a host's costs explain.
package struct CostSample: Hashable, Sendable {
  /// What was measured, unique in its source.
  package let id: String
  /// The file that says so.
  package let source: String
  /// The measured value, above zero: nanoseconds, or the unit of the fact's metric.
  package let measured: Double
  /// Its relative standard error.
  package let spread: Double
  /// Whether it is a time in nanoseconds.
  package let isTime: Bool

  /// The least relative error that a value is trusted to: what a model of few costs leaves out.
  package static let leastSpread = 0.005

  /// A measured value; its relative standard error is at least `leastSpread`.
  package init(id: String, source: String, measured: Double, spread: Double, isTime: Bool = true) {
    (self.id, self.source, self.measured) = (id, source, measured)
    self.spread = max(Self.leastSpread, spread.isFinite ? spread : 1)
    self.isTime = isTime
  }
}

/// Measured values and what predicts them from a host.
package struct CostEvidence: Sendable {
  /// The values, in the order of the predictions.
  package let samples: [CostSample]
  /// Keys of the host that the values may set; nil leaves it to whichever move them.
  package let keys: [String]?
  /// The predictions on a host, as many as there are samples and in their units.
  let predict: @Sendable (HostProfile) throws(HostFitError) -> [Double]

  /// Evidence for keys that are named, or for all costs of stage 2, invalidation, faults and freeing.
  init(
    _ samples: [CostSample],
    keys: [String]? = nil,
    predict: @escaping @Sendable (HostProfile) throws(HostFitError) -> [Double]
  ) {
    (self.samples, self.keys, self.predict) = (samples, keys, predict)
  }
}

extension CostEvidence {
  /// What the values would be on a host, in their order and units.
  package func predictions(on host: HostProfile) throws(HostFitError) -> [Double] {
    try predict(host)
  }

  /// Costs that evidence without named keys may set: what measured operations consist of.
  static let operationKeys = HostProfile.keys.filter { key in
    key.cost != nil
      && ["stage2.", "tlbi.", "fault.", "host_free."].contains { key.name.hasPrefix($0) }
  }
}
