// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// A seeded, counter-based generator: draw number `n` of stream `key` is a pure function of both.
///
/// The mixing function is SplitMix64's finaliser (Steele, Lea and Flood, 2014) over a Weyl
/// sequence whose start is the key, so a stream costs one multiplication chain a draw and two
/// streams with different keys do not share draws in practice.
package struct Stream: RandomNumberGenerator, Hashable, Sendable {
  /// What selects the sequence.
  package let key: UInt64
  /// How many draws have been taken.
  package private(set) var counter: UInt64 = 0

  /// The sequence of a key; a seed makes keys of names.
  package init(key: UInt64) { self.key = key }

  /// Takes the next draw: 64 uniform bits.
  package mutating func next() -> UInt64 {
    counter &+= 1
    return mix(key &+ counter &* 0x9E37_79B9_7F4A_7C15)
  }
}

/// The root of all chance in one run: a seed from which named substreams are derived.
///
/// Substreams are derived by name, so a component that is added does not shift the draws of the
/// others, and two policies run on one seed meet the same arrivals (common random numbers).
package struct Seed: Hashable, Sendable {
  /// The number a person gives.
  package let rawValue: UInt64

  /// Creates a seed from a number.
  package init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// The stream of draws with this name.
  package func stream(_ name: String) -> Stream {
    Stream(key: mix(rawValue ^ Digest.of(name).value))
  }

  /// The seed of replicate `index`: a different run of the same experiment.
  package func replicate(_ index: UInt64) -> Self { Self(mix(mix(rawValue) &+ index &+ 1)) }

  /// A seed that depends on this one and on a name, for one profile or one point of a design.
  package func derived(_ name: String) -> Self { Self(mix(rawValue ^ Digest.of(name).value)) }
}

/// SplitMix64's finaliser: a bijection of 64 bits that spreads every input bit.
func mix(_ value: UInt64) -> UInt64 {
  var bits = value
  bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
  bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
  return bits ^ (bits >> 31)
}
