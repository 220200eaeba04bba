// SPDX-License-Identifier: GPL-3.0-or-later

/// Arithmetic of quantities: what does not fit becomes the largest or the smallest number there is.
///
/// A sum of absurd values is an absurd value and not the end of the program; checks of ranges and
/// limits of a run find it.
extension Int64 {
  /// The sum, or the nearest number that can be written.
  @inlinable
  package func plus(saturating other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    guard overflow else { return sum }
    return Self.end(isLowest: other < 0)
  }

  /// The difference, or the nearest number that can be written.
  @inlinable
  package func minus(saturating other: Int64) -> Int64 {
    let (difference, overflow) = subtractingReportingOverflow(other)
    guard overflow else { return difference }
    return Self.end(isLowest: other >= 0)
  }

  /// The product, or the nearest number that can be written.
  @inlinable
  package func times(saturating other: Int64) -> Int64 {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    guard overflow else { return product }
    return Self.end(isLowest: (self < 0) != (other < 0))
  }

  /// The quotient, rounded toward zero; the largest or smallest number where the divisor is zero.
  @inlinable
  package func divided(saturatingBy divisor: Int64) -> Int64 {
    guard divisor != 0 else { return Self.end(isLowest: self < 0) }
    let (quotient, overflow) = dividedReportingOverflow(by: divisor)
    guard overflow else { return quotient }
    return Self.end(isLowest: false)
  }

  /// The smallest or the largest number; a call and no choice between two values, so that what fits
  /// does not wait for it.
  @inline(never)
  @usableFromInline
  package static func end(isLowest: Bool) -> Int64 { isLowest ? .min : .max }

  /// The number times a share of two numbers, rounded toward zero, with no limit in between.
  ///
  /// Precondition: none of the three is negative, and `denominator` is not zero.
  package func scaled(_ numerator: Int64, over denominator: Int64) -> Int64 {
    let product = multipliedFullWidth(by: numerator)
    guard product.high < denominator / 2 || product.high == 0 else { return .max }
    let quotient = UInt64(denominator).dividingFullWidth((UInt64(product.high), product.low))
    return Int64(clamping: quotient.quotient)
  }

  /// The nearest whole number to a floating-point one; zero where that is not a number.
  package init(saturating value: Double) {
    let rounded = value.rounded()
    if rounded.isNaN {
      self = 0
    } else if rounded >= 0x1p63 {
      self = .max
    } else if rounded < -0x1p63 {
      self = .min
    } else {
      self = Int64(rounded)
    }
  }
}
