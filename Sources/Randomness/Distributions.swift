// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

package import Quantities

extension Stream {
  /// A uniform number in [0, 1), with 53 random bits.
  package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A uniform integer in 0..<count, without bias (Lemire, 2019).
  ///
  /// Precondition: `count` is positive.
  package mutating func uniform(below count: UInt64) -> UInt64 {
    precondition(count > 0, "a choice needs at least one case")
    var product = next().multipliedFullWidth(by: count)
    if product.low < count {
      let threshold = (0 &- count) % count
      while product.low < threshold { product = next().multipliedFullWidth(by: count) }
    }
    return product.high
  }

  /// A uniform length of time in [0, limit); zero when the limit is zero.
  package mutating func uniform(below limit: Nanoseconds) -> Nanoseconds {
    guard limit > .zero else { return .zero }
    return Nanoseconds(rawValue: Int64(uniform(below: UInt64(limit.rawValue))))
  }

  /// An exponentially distributed length of time with the given mean: gaps of a Poisson process.
  package mutating func exponential(mean: Nanoseconds) -> Nanoseconds {
    let draw = -log(1 - uniform())
    return Nanoseconds(rawValue: Int64((draw * Double(mean.rawValue)).rounded()))
  }

  /// A standard normal number, by the polar method (Marsaglia and Bray, 1964).
  package mutating func normal() -> Double {
    while true {
      let (x, y) = (2 * uniform() - 1, 2 * uniform() - 1)
      let square = x * x + y * y
      if square > 0, square < 1 { return x * (-2 * log(square) / square).squareRoot() }
    }
  }

  /// Whether an event of the given probability happens.
  package mutating func chance(_ probability: Ratio) -> Bool {
    uniform(below: UInt64(probability.denominator)) < UInt64(probability.numerator)
  }
}
