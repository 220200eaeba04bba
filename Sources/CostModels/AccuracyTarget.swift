// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations
import Quantities

/// The error that a response's model may have on runs that it never saw.
package struct AccuracyTarget: Hashable, Sendable, Codable {
  /// The median error, in the accuracy's unit: percent or points.
  package let median: Double
  /// The error that nine in ten runs are to stay under.
  package let ninetieth: Double
  /// The share of runs that 90 % intervals are to cover.
  package static let coverage = 0.87...0.93
  /// The least share among runs near the fronts.
  package static let coverageNearFronts = 0.85

  enum CodingKeys: String, CodingKey {
    case median = "error_median"
    case ninetieth = "error_p90"
  }

  /// The target of a response: a share of the value for times, points for shares.
  package init(for response: Response) {
    switch response {
    case .teardownTime, .stageTwoTime, .longestHold: (median, ninetieth) = (2, 6)
    case .writeProtectTotal, .writeProtectP99, .worstStall: (median, ninetieth) = (4, 12)
    case .requestP99, .migrationTime, .downtime: (median, ninetieth) = (8, 24)
    case .goodputRetained, .iopsRetained, .connectsFailed, .guestLost: (median, ninetieth) = (2, 8)
    }
  }

  /// What of an accuracy misses the target, each with its distance; empty where all is met.
  package func misses(_ accuracy: Accuracy) -> [String] {
    let unit = accuracy.unit.symbol
    var misses: [String] = []
    if accuracy.median > median {
      misses.append("median by \(significant(accuracy.median - median, digits: 3)) \(unit)")
    }
    if accuracy.ninetieth > ninetieth {
      misses.append("p90 by \(significant(accuracy.ninetieth - ninetieth, digits: 3)) \(unit)")
    }
    if !Self.coverage.contains(accuracy.coverage) {
      let bound = accuracy.coverage < Self.coverage.lowerBound ? 0.87 : 0.93
      let distance = 100 * (accuracy.coverage - bound)
      misses.append("coverage by \(significant(distance, digits: 3)) pt")
    }
    return misses
  }
}

extension Accuracy.ErrorUnit {
  /// The unit as it is written after a number.
  package var symbol: String {
    switch self {
    case .percent: "%"
    case .points: "pt"
    }
  }
}
