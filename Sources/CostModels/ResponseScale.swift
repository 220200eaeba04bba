// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

package import Observations

/// The scale a response is modelled on, where errors are even and bounds cannot be crossed.
package enum ResponseScale: String, Hashable, Sendable, Codable {
  /// The logarithm of a time in nanoseconds; below one microsecond differences do not matter.
  case logarithm
  /// The logarithm of the odds of a share, softened by two points at both ends.
  case odds
  /// The logarithm of one plus a count.
  case count

  /// The scale of a response.
  package init(of response: Response) {
    switch response.unit {
    case .nanoseconds: self = .logarithm
    case .share: self = .odds
    case .count: self = .count
    }
  }

  /// How far the odds' ends are softened.
  private static let softening = 0.02

  /// The value on the scale.
  package func forward(_ value: Double) -> Double {
    switch self {
    case .logarithm: return log(max(0, value) + 1_000)
    case .odds:
      let share = min(1, max(0, value))
      return log((share + Self.softening) / (1 - share + Self.softening))
    case .count: return log(1 + max(0, value))
    }
  }

  /// Rounds a bound of an interval outward where runs report whole units: times, in nanoseconds.
  func whole(_ value: Double, _ rule: FloatingPointRoundingRule) -> Double {
    self == .logarithm ? value.rounded(rule) : value
  }

  /// The value in the response's unit that stands at a place on the scale.
  package func backward(_ place: Double) -> Double {
    switch self {
    case .logarithm: return max(0, exp(min(place, 60)) - 1_000)
    case .odds:
      let odds = exp(min(max(place, -50), 50))
      let share = (odds * (1 + Self.softening) - Self.softening) / (1 + odds)
      return min(1, max(0, share))
    case .count:
      // Less than a millionth of a thing is none.
      let count = exp(min(place, 60)) - 1
      return count < 1e-6 ? 0 : count
    }
  }
}
