// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

/// A running digest of what happened and when: equal traces, equal digests.
///
/// FNV-1a's step over 64-bit words with a rotation, so that order matters. It guards against
/// accidents, not against attackers.
public struct TraceDigest: Hashable, Sendable {
  /// The digest so far.
  public private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  /// The digest of an empty trace.
  public init() {}

  /// Adds one event: its instant, its kind and a value of its own.
  @inline(__always)
  public mutating func add(_ time: Instant, _ kind: Int, _ detail: Int64 = 0) {
    add(UInt64(bitPattern: time.rawValue))
    add(UInt64(truncatingIfNeeded: kind) << 48 ^ UInt64(bitPattern: detail))
  }

  /// Adds one word.
  @inline(__always)
  public mutating func add(_ word: UInt64) {
    let mixed = (value ^ word) &* 0x0000_0100_0000_01B3
    value = mixed ^ (mixed >> 29)
  }
}
