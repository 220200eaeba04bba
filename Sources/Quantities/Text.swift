// SPDX-License-Identifier: GPL-3.0-or-later

/// Why a text is not a quantity: what was written and what would be legal.
public struct QuantityError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The text that was read.
  public let text: String
  /// What would have been legal.
  public let legal: String

  /// Creates the error for a text and the forms that are legal in its place.
  public init(text: String, legal: String) {
    self.text = text
    self.legal = legal
  }

  /// One sentence with the value and the legal forms.
  public var description: String { "'\(text)' is not legal here; write \(legal)" }
}

/// A unit as it is written, as people write it as well, and its size in the base unit.
struct Unit {
  let name: String
  let scale: Double
  var others: [String] = []

  func isWritten(_ text: Substring) -> Bool { text == name || others.contains { $0 == text } }
}

/// Splits a text into a non-negative decimal number and a unit.
func magnitude(
  _ text: String,
  units: [Unit],
  legal: String
) throws(QuantityError) -> Double {
  let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == "." || $0 == "_") }
  let rest = text.dropFirst(number.count)
  let name = rest.drop { $0 == " " }
  guard let value = Double(number.filter { $0 != "_" }), value.isFinite,
    let unit = units.first(where: { $0.isWritten(name) })
  else { throw QuantityError(text: text, legal: legal) }
  return value * unit.scale
}

/// Rounds to an integer, refusing what does not fit.
func whole(_ value: Double, text: String, legal: String) throws(QuantityError) -> Int64 {
  guard value.rounded() < 0x1p63 else { throw QuantityError(text: text, legal: legal) }
  return Int64(value.rounded())
}

extension Nanoseconds: CustomStringConvertible {
  /// The forms that `init(parsing:)` accepts, for messages.
  public static let legalText = "a time with its unit, such as 20us (ns, us, ms, s)"

  static let units = [
    Unit(name: "ns", scale: 1), Unit(name: "us", scale: 1e3), Unit(name: "ms", scale: 1e6),
    Unit(name: "s", scale: 1e9),
  ]

  /// Reads a time with its unit, such as `20us`.
  public init(parsing text: String) throws(QuantityError) {
    let value = try magnitude(text, units: Self.units, legal: Self.legalText)
    self.init(rawValue: try whole(value, text: text, legal: Self.legalText))
  }

  /// The time in the largest unit that leaves at least one, with up to four significant digits.
  public var description: String {
    let size = Double(rawValue.magnitude)
    let unit = Self.units.last { size >= $0.scale } ?? Self.units[0]
    return significant(Double(rawValue) / unit.scale) + " " + unit.name
  }
}

extension UnitCost: CustomStringConvertible {
  /// Reads a cost with its unit, such as `0.97us`; a picosecond is the smallest step.
  public init(parsing text: String) throws(QuantityError) {
    let units = Nanoseconds.units.map { Unit(name: $0.name, scale: $0.scale * 1_000) }
    let value = try magnitude(text, units: units, legal: Nanoseconds.legalText)
    self.init(rawValue: try whole(value, text: text, legal: Nanoseconds.legalText))
  }

  /// The cost in nanoseconds.
  public var description: String { significant(inNanoseconds) + " ns" }
}

extension ByteCount: CustomStringConvertible {
  /// The forms that `init(parsing:)` accepts, for messages.
  public static let legalText =
    "a size with its unit, such as 2MiB or 2M (B, KiB, MiB, GiB, TiB; K, KB and the like mean the same)"

  static let units = [
    Unit(name: "B", scale: 1),
    Unit(name: "KiB", scale: 0x1p10, others: ["K", "KB", "k", "kB"]),
    Unit(name: "MiB", scale: 0x1p20, others: ["M", "MB"]),
    Unit(name: "GiB", scale: 0x1p30, others: ["G", "GB"]),
    Unit(name: "TiB", scale: 0x1p40, others: ["T", "TB"]),
  ]

  /// Reads a size with its unit, such as `2MiB`.
  ///
  /// Sizes are of memory, so every unit is binary: `2M`, `2MB` and `2MiB` are all 2097152 bytes.
  public init(parsing text: String) throws(QuantityError) {
    let value = try magnitude(text, units: Self.units, legal: Self.legalText)
    self.init(rawValue: try whole(value, text: text, legal: Self.legalText))
  }

  /// The size in the largest unit that divides it exactly, as it can be read back.
  public var description: String {
    let unit =
      Self.units.last { rawValue != 0 && rawValue % Int64($0.scale) == 0 } ?? Self.units[0]
    return "\(rawValue / Int64(unit.scale))\(unit.name)"
  }
}

extension ByteCount {
  /// The size as `description`, with a space before its unit, as running text has it: `2 MiB`.
  package var spaced: String {
    let text = description
    let number = text.prefix { $0.isNumber || $0 == "-" }
    return "\(number) \(text.dropFirst(number.count))"
  }
}

extension BitRate: CustomStringConvertible {
  /// The forms that `init(parsing:)` accepts, for messages.
  public static let legalText =
    "a rate with its unit, such as 9.5Gbit/s or 9.5Gbps (bit/s, kbit/s, Mbit/s, Gbit/s)"

  static let units = [
    Unit(name: "bit/s", scale: 1, others: ["bps", "b/s"]),
    Unit(name: "kbit/s", scale: 1e3, others: ["kbps", "kb/s", "Kbit/s", "Kbps"]),
    Unit(name: "Mbit/s", scale: 1e6, others: ["Mbps", "Mb/s"]),
    Unit(name: "Gbit/s", scale: 1e9, others: ["Gbps", "Gb/s"]),
  ]

  /// Reads a rate with its unit, such as `9.5Gbit/s`.
  ///
  /// Rates are of links, so every unit is decimal and counts bits: `10Gbps` and `10Gbit/s` are 10^10
  /// bits per second. Bytes per second (`GB/s`) are refused.
  public init(parsing text: String) throws(QuantityError) {
    let value = try magnitude(text, units: Self.units, legal: Self.legalText)
    self.init(rawValue: try whole(value, text: text, legal: Self.legalText))
  }

  /// The rate in the largest unit that leaves at least one, with up to four significant digits.
  public var description: String {
    let unit = Self.units.last { Double(rawValue) >= $0.scale } ?? Self.units[0]
    return significant(Double(rawValue) / unit.scale) + " " + unit.name
  }
}

extension GuestAddress: CustomStringConvertible {
  /// The forms that `init(parsing:)` accepts, for messages.
  public static let legalText = "a guest physical address, such as 0x40000000"

  /// Reads an address in hexadecimal with `0x`, or in decimal.
  public init(parsing text: String) throws(QuantityError) {
    let value =
      text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text, radix: 10)
    guard let value, value <= UInt64(Int64.max) else {
      throw QuantityError(text: text, legal: Self.legalText)
    }
    self.init(rawValue: value)
  }

  /// The address in hexadecimal.
  public var description: String { "0x" + String(rawValue, radix: 16) }
}

extension PageCount: CustomStringConvertible {
  /// The number and the word "pages".
  public var description: String { "\(rawValue) pages" }
}

extension AddressRange: CustomStringConvertible {
  /// Start and end in hexadecimal, as kernel logs write them.
  public var description: String { "\(start)-\(end)" }
}

/// Reads a number, or a number of per cent, as a fraction.
///
/// `0.95` and `95%` are both 0.95; nil where the text is neither. The range is the caller's to check.
public func fraction(_ text: String) -> Double? {
  guard text.hasSuffix("%") else { return Double(text).flatMap { $0.isFinite ? $0 : nil } }
  let number = text.dropLast().reversed().drop { $0 == " " }.reversed()
  return Double(String(number)).flatMap { $0.isFinite ? $0 / 100 : nil }
}

/// A number with at most four significant digits and no trailing zeros.
public func significant(_ value: Double, digits: Int = 4) -> String {
  guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
  var exponent = 0
  var size = value.magnitude
  while size >= 10 { (size, exponent) = (size / 10, exponent + 1) }
  while size < 1 { (size, exponent) = (size * 10, exponent - 1) }
  let places = Swift.max(0, digits - 1 - exponent)
  return fixed(value, places: places)
}

/// A number with a fixed count of decimal places, trailing zeros removed.
func fixed(_ value: Double, places: Int) -> String {
  var scale = 1.0
  for _ in 0..<places { scale *= 10 }
  let scaled = (value.magnitude * scale).rounded()
  guard scaled < 0x1p63 else { return "\(value)" }
  let digits = String(Int64(scaled))
  let sign = value < 0 && scaled != 0 ? "-" : ""
  guard places > 0 else { return sign + digits }
  let padded = String(repeating: "0", count: Swift.max(0, places + 1 - digits.count)) + digits
  var text = padded.dropLast(places) + "." + padded.suffix(places)
  while text.hasSuffix("0") { text = text.dropLast() }
  if text.hasSuffix(".") { text = text.dropLast() }
  return sign + text
}

extension Nanoseconds {
  /// The time in the largest unit that divides it exactly, without a space, as it can be read back.
  public var written: String {
    let units: [(name: String, size: Int64)] = [
      ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000),
    ]
    let unit = units.first { rawValue != 0 && rawValue % $0.size == 0 } ?? ("ns", 1)
    return "\(rawValue / unit.size)\(unit.name)"
  }
}
