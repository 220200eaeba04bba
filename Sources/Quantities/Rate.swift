// SPDX-License-Identifier: GPL-3.0-or-later

/// A rate of data in bits per second.
public struct BitRate: Hashable, Comparable, Sendable {
  /// Bits per second; never negative.
  public var rawValue: Int64

  /// Creates a rate from bits per second, which must not be negative.
  public init(rawValue: Int64) {
    precondition(rawValue >= 0, "a rate is not negative")
    self.rawValue = rawValue
  }

  /// No data at all.
  @inlinable
  public static var zero: Self { Self(rawValue: 0) }

  /// A rate in megabits (a million bits) per second.
  public static func megabits(_ count: Int64) -> Self {
    Self(rawValue: count.times(saturating: 1_000_000))
  }

  /// A rate in gigabits (1000 megabits) per second.
  public static func gigabits(_ count: Double) -> Self {
    Self(rawValue: max(0, Int64(saturating: count * 1e9)))
  }

  /// The rate in gigabits per second, for arithmetic outside the simulation.
  public var inGigabits: Double { Double(rawValue) / 1e9 }

  /// Orders two rates.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// How long `bytes` take at this rate, rounded up to a nanosecond; the longest length where that
  /// does not fit, or at a rate of zero.
  public func time(for bytes: ByteCount) -> Nanoseconds {
    let (high, low) = bytes.rawValue.times(saturating: 8).multipliedFullWidth(by: 1_000_000_000)
    // The quotient of two halves fits where the upper one is below half of the divisor.
    guard high < rawValue / 2 || (high == 0 && rawValue > 0 && low < UInt64(Int64.max)) else {
      return .max
    }
    let (quotient, remainder) = rawValue.dividingFullWidth((high, low))
    return Nanoseconds(rawValue: quotient.plus(saturating: remainder > 0 ? 1 : 0))
  }
}

/// An exact share or probability: a numerator over a positive denominator, between 0 and 1.
///
/// Used where chance decides control flow, so that no rounding enters a decision.
public struct Ratio: Hashable, Sendable {
  /// The favourable part.
  public let numerator: Int64
  /// The whole.
  public let denominator: Int64

  /// Creates a share; the numerator lies between zero and a positive denominator.
  public init(_ numerator: Int64, over denominator: Int64) {
    precondition(denominator > 0 && (0...denominator).contains(numerator), "a share is in 0...1")
    self.numerator = numerator
    self.denominator = denominator
  }

  /// The share as a floating-point number, for printing and arithmetic.
  public var inUnits: Double { Double(numerator) / Double(denominator) }
}
