// SPDX-License-Identifier: GPL-3.0-or-later

/// A length of time in whole nanoseconds; negative lengths are legal and mean "earlier".
///
/// Range: plus or minus 292 years. Sums and products that do not fit are the longest length.
public struct Nanoseconds: Hashable, Comparable, Sendable {
  /// The length in nanoseconds.
  public var rawValue: Int64

  /// Creates a length from a number of nanoseconds.
  public init(rawValue: Int64) { self.rawValue = rawValue }

  /// No time at all.
  @inlinable
  public static var zero: Self { Self(rawValue: 0) }

  /// The longest length that can be written.
  public static let max = Self(rawValue: .max)

  /// A length in nanoseconds.
  public static func nanoseconds(_ count: Int64) -> Self { Self(rawValue: count) }

  /// A length in microseconds.
  public static func microseconds(_ count: Int64) -> Self {
    Self(rawValue: count.times(saturating: 1_000))
  }

  /// A length in milliseconds.
  public static func milliseconds(_ count: Int64) -> Self {
    Self(rawValue: count.times(saturating: 1_000_000))
  }

  /// A length in seconds.
  public static func seconds(_ count: Int64) -> Self {
    Self(rawValue: count.times(saturating: 1_000_000_000))
  }

  /// The nearest whole nanosecond to a length in seconds; zero where that is not a number.
  public static func seconds(rounding seconds: Double) -> Self {
    Self(rawValue: Int64(saturating: seconds * 1e9))
  }

  /// The length in seconds, for arithmetic outside the simulation.
  public var inSeconds: Double { Double(rawValue) / 1e9 }

  /// Orders two lengths.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// The sum of two lengths.
  public static func + (left: Self, right: Self) -> Self {
    Self(rawValue: left.rawValue.plus(saturating: right.rawValue))
  }

  /// The difference of two lengths.
  public static func - (left: Self, right: Self) -> Self {
    Self(rawValue: left.rawValue.minus(saturating: right.rawValue))
  }

  /// A length repeated a whole number of times.
  public static func * (left: Self, count: Int64) -> Self {
    Self(rawValue: left.rawValue.times(saturating: count))
  }

  /// How many whole times one length fits into another; as often as can be written where that is zero.
  public static func / (left: Self, right: Self) -> Int64 {
    left.rawValue.divided(saturatingBy: right.rawValue)
  }

  /// A length divided by a whole number, rounded toward zero; by zero the longest length.
  public static func / (left: Self, divisor: Int64) -> Self {
    Self(rawValue: left.rawValue.divided(saturatingBy: divisor))
  }

  /// Lengthens a length in place.
  public static func += (left: inout Self, right: Self) { left = left + right }

  /// Shortens a length in place.
  public static func -= (left: inout Self, right: Self) { left = left - right }
}

/// A point on the simulation's clock, in nanoseconds since the run began.
///
/// Two instants subtract to a length; they do not add.
public struct Instant: Hashable, Comparable, Sendable {
  /// Nanoseconds since the run began.
  public var rawValue: Int64

  /// Creates the point that lies a number of nanoseconds after the start.
  public init(rawValue: Int64) { self.rawValue = rawValue }

  /// The start of the run.
  @inlinable
  public static var start: Self { Self(rawValue: 0) }

  /// A point later than every other.
  @inlinable
  public static var distantFuture: Self { Self(rawValue: .max) }

  /// The length since the run began.
  public var sinceStart: Nanoseconds { Nanoseconds(rawValue: rawValue) }

  /// Orders two points.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// The length from `right` to `left`.
  public static func - (left: Self, right: Self) -> Nanoseconds {
    Nanoseconds(rawValue: left.rawValue.minus(saturating: right.rawValue))
  }

  /// The point a length after another.
  public static func + (left: Self, right: Nanoseconds) -> Self {
    Self(rawValue: left.rawValue.plus(saturating: right.rawValue))
  }

  /// The point a length before another.
  public static func - (left: Self, right: Nanoseconds) -> Self {
    Self(rawValue: left.rawValue.minus(saturating: right.rawValue))
  }

  /// Moves a point later in place.
  public static func += (left: inout Self, right: Nanoseconds) { left = left + right }
}

/// What one event costs, in picoseconds, so that small costs times large counts keep their digits.
///
/// Range: zero to 106 days an event; never negative.
public struct UnitCost: Hashable, Comparable, Sendable {
  /// The cost in picoseconds.
  public var rawValue: Int64

  /// Creates a cost from a number of picoseconds, which must not be negative.
  public init(rawValue: Int64) {
    precondition(rawValue >= 0, "a cost is not negative")
    self.rawValue = rawValue
  }

  /// An event that costs nothing.
  @inlinable
  public static var zero: Self { Self(rawValue: 0) }

  /// The nearest picosecond to a cost in nanoseconds.
  public static func nanoseconds(_ value: Double) -> Self {
    Self(rawValue: max(0, Int64(saturating: value * 1_000)))
  }

  /// The cost in nanoseconds.
  public var inNanoseconds: Double { Double(rawValue) / 1_000 }

  /// Orders two costs.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// The sum of two costs.
  public static func + (left: Self, right: Self) -> Self {
    Self(rawValue: left.rawValue.plus(saturating: right.rawValue))
  }

  /// The cost of `count` events, rounded to the nearest nanosecond once; what does not fit is the
  /// longest length.
  public static func * (left: Self, count: Int64) -> Nanoseconds {
    let (short, overflow) = left.rawValue.multipliedReportingOverflow(by: count)
    if !overflow {
      return Nanoseconds(rawValue: short / 1_000 + (short % 1_000 >= 500 ? 1 : 0))
    }
    let (high, low) = left.rawValue.multipliedFullWidth(by: count)
    // The quotient fits where the upper half lies well below the divisor; a product of this size is
    // 290 years.
    guard (-499...499).contains(high) else {
      return count < 0 ? Nanoseconds(rawValue: .min) : .max
    }
    let (quotient, remainder) = Int64(1_000).dividingFullWidth((high, low))
    return Nanoseconds(rawValue: quotient + (remainder >= 500 ? 1 : 0))
  }
}
