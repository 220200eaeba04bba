// SPDX-License-Identifier: GPL-3.0-or-later

/// A number of bytes; negative counts arise only as differences.
public struct ByteCount: Hashable, Comparable, Sendable {
  /// The number of bytes.
  public var rawValue: Int64

  /// Creates a count from a number of bytes.
  public init(rawValue: Int64) { self.rawValue = rawValue }

  /// No bytes.
  @inlinable
  public static var zero: Self { Self(rawValue: 0) }

  /// A number of bytes.
  public static func bytes(_ count: Int64) -> Self { Self(rawValue: count) }

  /// A number of kibibytes (1024 bytes).
  public static func kibibytes(_ count: Int64) -> Self { Self(rawValue: count << 10) }

  /// A number of mebibytes (1024 KiB).
  public static func mebibytes(_ count: Int64) -> Self { Self(rawValue: count << 20) }

  /// A number of gibibytes (1024 MiB).
  public static func gibibytes(_ count: Int64) -> Self { Self(rawValue: count << 30) }

  /// A number of tebibytes (1024 GiB).
  public static func tebibytes(_ count: Int64) -> Self { Self(rawValue: count << 40) }

  /// The count in gibibytes, for arithmetic outside the simulation.
  public var inGibibytes: Double { Double(rawValue) / Double(1 << 30) }

  /// Whether the count is a power of two.
  public var isPowerOfTwo: Bool { rawValue > 0 && rawValue & (rawValue - 1) == 0 }

  /// Orders two counts.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// The sum of two counts.
  public static func + (left: Self, right: Self) -> Self {
    Self(rawValue: left.rawValue.plus(saturating: right.rawValue))
  }

  /// The difference of two counts.
  public static func - (left: Self, right: Self) -> Self {
    Self(rawValue: left.rawValue.minus(saturating: right.rawValue))
  }

  /// A count repeated a whole number of times.
  public static func * (left: Self, count: Int64) -> Self {
    Self(rawValue: left.rawValue.times(saturating: count))
  }

  /// How many times `right` is needed to cover `left`.
  public func divided(roundedUpBy right: Self) -> Int64 {
    let quotient = rawValue.divided(saturatingBy: right.rawValue)
    return right * quotient < self ? quotient.plus(saturating: 1) : quotient
  }

  /// How many whole times `right` fits into the count.
  public func divided(roundedDownBy right: Self) -> Int64 {
    rawValue.divided(saturatingBy: right.rawValue)
  }
}

/// A number of pages of the host's page size, which is the stage-2 granule.
public struct PageCount: Hashable, Comparable, Sendable {
  /// The number of pages.
  public var rawValue: Int64

  /// Creates a count from a number of pages.
  public init(rawValue: Int64) { self.rawValue = rawValue }

  /// No pages.
  @inlinable
  public static var zero: Self { Self(rawValue: 0) }

  /// Orders two counts.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// The sum of two counts.
  public static func + (left: Self, right: Self) -> Self {
    Self(rawValue: left.rawValue.plus(saturating: right.rawValue))
  }
}

/// A guest physical address (IPA, intermediate physical address): what stage 2 translates.
public struct GuestAddress: Hashable, Comparable, Sendable {
  /// The address.
  public var rawValue: UInt64

  /// Creates an address.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Address zero.
  @inlinable
  public static var zero: Self { Self(rawValue: 0) }

  /// Orders two addresses.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// The address a number of bytes further, at most the last of 63 bits and at least zero.
  public static func + (left: Self, right: ByteCount) -> Self {
    let address = Int64(clamping: left.rawValue).plus(saturating: right.rawValue)
    return Self(rawValue: UInt64(max(0, address)))
  }

  /// The bytes from `right` to `left`.
  public static func - (left: Self, right: Self) -> ByteCount {
    ByteCount(rawValue: Int64(clamping: left.rawValue) - Int64(clamping: right.rawValue))
  }

  /// The address rounded down to a multiple of `alignment`, a power of two.
  public func alignedDown(to alignment: ByteCount) -> Self {
    Self(rawValue: rawValue & ~(UInt64(alignment.rawValue) - 1))
  }

  /// The address rounded up to a multiple of `alignment`, a power of two.
  public func alignedUp(to alignment: ByteCount) -> Self {
    let mask = UInt64(alignment.rawValue) - 1
    let (sum, overflow) = rawValue.addingReportingOverflow(mask)
    return Self(rawValue: (overflow ? .max : sum) & ~mask)
  }

  /// Whether the address is a multiple of `alignment`, a power of two.
  public func isAligned(to alignment: ByteCount) -> Bool {
    rawValue & (UInt64(alignment.rawValue) - 1) == 0
  }
}

/// A half-open range of guest physical addresses.
public struct AddressRange: Hashable, Sendable {
  /// The first address.
  public let start: GuestAddress
  /// The address after the last.
  public let end: GuestAddress

  /// Creates the range from `start` up to, not including, `end`, which must not lie before it.
  public init(start: GuestAddress, end: GuestAddress) {
    precondition(start <= end, "a range ends at or after its start")
    self.start = start
    self.end = end
  }

  /// Creates the range of `size` bytes that begins at `start`.
  public init(start: GuestAddress, size: ByteCount) {
    self.init(start: start, end: start + size)
  }

  /// The number of bytes in the range.
  public var size: ByteCount { end - start }

  /// Whether the range holds no address.
  public var isEmpty: Bool { start == end }

  /// The part that two ranges share, or nil when they share none.
  public func intersection(_ other: Self) -> Self? {
    let low = Swift.max(start, other.start)
    let high = Swift.min(end, other.end)
    return low < high ? Self(start: low, end: high) : nil
  }
}
