// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

/// The normal and Student distributions, as far as intervals and elimination need them.
package enum Quantiles {
  /// The probability that a standard normal number is at most `z`.
  package static func normalBelow(_ z: Double) -> Double { 0.5 * erfc(-z / 2.0.squareRoot()) }

  /// The standard normal number below which a share of 0 < `probability` < 1 lies.
  package static func normal(_ probability: Double) -> Double {
    bisect(probability) { normalBelow($0) }
  }

  /// The probability that a Student number with these degrees of freedom (at least 1) is at most
  /// `t`.
  package static func studentBelow(_ t: Double, freedom: Int) -> Double {
    let degrees = Double(freedom)
    let tail = 0.5 * incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5)
    return t >= 0 ? 1 - tail : tail
  }

  /// The Student number with these degrees of freedom below which a share of `probability` lies.
  package static func student(_ probability: Double, freedom: Int) -> Double {
    bisect(probability) { studentBelow($0, freedom: freedom) }
  }

  /// Inverts an increasing distribution function by halving an interval that is first widened.
  private static func bisect(_ probability: Double, _ below: (Double) -> Double) -> Double {
    precondition(probability > 0 && probability < 1, "a quantile's probability is in (0, 1)")
    var (low, high) = (-1.0, 1.0)
    while below(low) > probability, low > -1e9 { low *= 2 }
    while below(high) < probability, high < 1e9 { high *= 2 }
    for _ in 0..<80 {
      let middle = (low + high) / 2
      if below(middle) < probability { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// The regularised incomplete beta function, by Lentz's continued fraction (DLMF 8.17.22).
  private static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    guard x > 0 else { return 0 }
    guard x < 1 else { return 1 }
    if x > (a + 1) / (a + b + 2) { return 1 - incompleteBeta(1 - x, b, a) }
    let front = exp(
      lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x)
    )
    var (c, d) = (1.0, 1 / (1 - (a + b) * x / (a + 1)))
    var fraction = d
    for step in 1...400 {
      let m = Double(step)
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      d = 1 / (1 + even * d)
      c = 1 + even / c
      fraction *= c * d
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 / (1 + odd * d)
      c = 1 + odd / c
      fraction *= c * d
      if abs(c * d - 1) < 1e-15 { break }
    }
    return front * fraction / a
  }
}
