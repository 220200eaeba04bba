// SPDX-License-Identifier: GPL-3.0-or-later

/// A seeded, counter-based generator: draw number `n` of stream `key` is a pure function of both.
///
/// The mixing function is SplitMix64's finaliser (Steele, Lea and Flood, 2014) over a Weyl
/// sequence whose start is the key, so a stream costs one multiplication chain a draw and two
/// streams with different keys do not share draws in practice.
public struct Stream: RandomNumberGenerator, Hashable, Sendable {
  /// What selects the sequence.
  public let key: UInt64
  /// How many draws have been taken.
  public private(set) var counter: UInt64 = 0

  init(key: UInt64) { self.key = key }

  /// Takes the next draw: 64 uniform bits.
  public mutating func next() -> UInt64 {
    counter &+= 1
    return mix(key &+ counter &* 0x9E37_79B9_7F4A_7C15)
  }
}

/// The root of all chance in one run: a seed from which named substreams are derived.
///
/// Substreams are derived by name, so a component that is added does not shift the draws of the
/// others, and two policies run on one seed meet the same arrivals (common random numbers).
public struct Seed: Hashable, Sendable {
  /// The number a person gives.
  public let rawValue: UInt64

  /// Creates a seed from a number.
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// The stream of draws with this name.
  public func stream(_ name: String) -> Stream { Stream(key: mix(rawValue ^ digest(name))) }

  /// The seed of replicate `index`: a different run of the same experiment.
  public func replicate(_ index: UInt64) -> Self { Self(mix(mix(rawValue) &+ index &+ 1)) }

  /// A seed that depends on this one and on a name, for one profile or one point of a design.
  public func derived(_ name: String) -> Self { Self(mix(rawValue ^ digest(name))) }
}

/// SplitMix64's finaliser: a bijection of 64 bits that spreads every input bit.
func mix(_ value: UInt64) -> UInt64 {
  var bits = value
  bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
  bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
  return bits ^ (bits >> 31)
}

/// FNV-1a over the UTF-8 bytes of a name; the same in every process, unlike `Hasher`.
func digest(_ name: String) -> UInt64 {
  name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
}
