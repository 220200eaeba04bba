// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
import Randomness

/// Changes to a text that keep most of its grammar: numbers, words and lines are what is changed.
struct Mutator {
  private var chance: Stream

  /// Changes in an order that follows from the seed.
  init(seed: UInt64) { chance = Seed(seed).stream("mutation") }

  /// Values that readers are surprised by.
  static let surprises = [
    "0", "-1", "1", "nan", "\"nan\"", "inf", "\"-inf\"", "1e308", "-1e308", "1e-320", "9e999",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551615",
    "4611686018427387904", "0x7fffffffffffffff", "0xffffffffffffffff", "0x10000000000000", "", " ",
    "null", "true", "[]", "{}", "\"\"", "\u{1B}[31m", "\u{202E}", "\u{0}", "\u{7F}", "é", "*a",
    "&a",
    "<<: *a", "100s", "0ns", "1bit/s", "10000Gbit/s", "256TiB", "4096TiB", "8388607TiB", "0B", "%",
    "1.5", "1_000", "1,1", "a=b", ":", "-", "..", "1..2", "/", "9999.9999.9999",
  ]

  /// A number below a bound.
  mutating func number(below bound: Int) -> Int { Int(chance.uniform(below: UInt64(bound))) }

  /// One of some.
  mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[number(below: elements.count)]
  }

  /// The text with one to four changes; `others` are texts to take lines from.
  mutating func mutated(_ text: [UInt8], others: [[UInt8]] = []) -> [UInt8] {
    var text = text
    for _ in 0...number(below: 4) { text = changed(text, others) }
    return text
  }

  private mutating func changed(_ text: [UInt8], _ others: [[UInt8]]) -> [UInt8] {
    guard !text.isEmpty else { return Array(pick(Self.surprises).utf8) }
    switch number(below: 10) {
    case 0: return flipped(text)
    case 1: return Array(text[..<number(below: text.count)])
    case 2, 3: return withLines(text, others)
    default: return withToken(text)
    }
  }

  private mutating func flipped(_ text: [UInt8]) -> [UInt8] {
    var text = text
    text[number(below: text.count)] ^= UInt8(1) << UInt8(number(below: 8))
    return text
  }

  /// A line gone, twice, elsewhere, or from another text.
  private mutating func withLines(_ text: [UInt8], _ others: [[UInt8]]) -> [UInt8] {
    var lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let place = number(below: lines.count)
    switch number(below: 4) {
    case 0: lines.remove(at: place)
    case 1: lines.insert(lines[place], at: place)
    case 2: lines.swapAt(place, number(below: lines.count))
    default:
      guard !others.isEmpty else { break }
      let foreign = pick(others).split(separator: UInt8(ascii: "\n"))
      if !foreign.isEmpty { lines[place] = foreign[number(below: foreign.count)] }
    }
    return Array(lines.joined(separator: [UInt8(ascii: "\n")]))
  }

  /// A word or number replaced by one that surprises, or by another of the text.
  private mutating func withToken(_ text: [UInt8]) -> [UInt8] {
    var start = number(below: text.count)
    while start > 0, Self.isToken(text[start - 1]) { start -= 1 }
    var end = start
    while end < text.count, Self.isToken(text[end]) { end += 1 }
    let other = number(below: 4) == 0 ? token(text) : Array(pick(Self.surprises).utf8)
    return Array(text[..<start]) + other + Array(text[end...])
  }

  private mutating func token(_ text: [UInt8]) -> [UInt8] {
    let start = number(below: text.count)
    return Array(text[start...].prefix { Self.isToken($0) })
  }

  private static func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."), UInt8(ascii: "-"),
      UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
