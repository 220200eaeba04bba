// SPDX-License-Identifier: GPL-3.0-or-later

/// FNV-1a, the one digest of the project: the same in every process, unlike `Hasher`.
///
/// It guards against accidents, not against attackers.
public struct Digest: Hashable, Sendable {
  /// The digest so far.
  public var value: UInt64

  /// The multiplier of FNV-1a over 64 bits.
  @usableFromInline
  static let prime: UInt64 = 0x0000_0100_0000_01B3

  /// The digest of nothing; another basis gives another digest of the same content.
  public init(basis: UInt64 = 0xCBF2_9CE4_8422_2325) { value = basis }

  /// Adds the bytes of a text.
  public mutating func add(_ text: some StringProtocol) {
    value = text.utf8.reduce(value) { ($0 ^ UInt64($1)) &* Self.prime }
  }

  /// Adds the bytes of a text: as the generic one does, which outside this module costs several calls a byte.
  public mutating func add(_ text: String) {
    var text = text
    value = text.withUTF8 { bytes in
      var digest = value
      for byte in bytes { digest = (digest ^ UInt64(byte)) &* Self.prime }
      return digest
    }
  }

  /// Adds a word at once, with a rotation, so that order matters and a word costs one step.
  @inlinable
  public mutating func add(_ word: UInt64) {
    let mixed = (value ^ word) &* Self.prime
    value = mixed ^ (mixed >> 29)
  }

  /// The digest as sixteen hexadecimal digits.
  public var hexadecimal: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// The digest of a text, as the generic one gives it.
  public static func of(_ text: String) -> Digest {
    var digest = Digest()
    digest.add(text)
    return digest
  }

  /// The digest of a text.
  public static func of(_ text: some StringProtocol) -> Digest {
    var digest = Digest()
    digest.add(text)
    return digest
  }

  /// The digest of a text as 32 hexadecimal digits, from two bases.
  public static func wide(of text: String) -> String {
    var second = Digest(basis: 0x6C62_272E_07BB_0142)
    second.add(text)
    return of(text).hexadecimal + second.hexadecimal
  }
}
