// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Profiles
import Randomness
import TestSupport
import Testing

@testable import Reports

/// Sentences in lines.
@Suite struct ParagraphTests {
  private func text(_ chance: inout Randomness.Stream) -> String {
    let words = (0..<chance.uniform(below: 40)).map { _ in
      String(repeating: "w", count: 1 + Int(chance.uniform(below: 14)))
    }
    return words.joined(separator: chance.uniform() < 0.2 ? "  " : " ")
  }

  @Test(arguments: Property.seeds(40))
  func noWordIsLostAndNoLineIsTooLong(seed: UInt64) {
    var chance = Seed(seed).stream("wrapped")
    let (text, width) = (text(&chance), 20 + Int(chance.uniform(below: 60)))
    let lines = Paragraph.wrapped(text, width: width)
    let words = text.split(separator: " ")
    #expect(lines.flatMap { $0.split(separator: " ") } == words, "S2TUNE_SEED=\(seed)")
    for (index, line) in lines.enumerated() {
      #expect(line.count <= width, "S2TUNE_SEED=\(seed)")
      #expect(line.hasPrefix("  ") == (index > 0) && !line.hasPrefix("   "))
    }
    // Greedy: the first word of a line would not have fitted on the line before.
    for (before, after) in zip(lines, lines.dropFirst()) {
      let first = after.split(separator: " ").first ?? ""
      #expect(before.count + 1 + first.count > width)
    }
  }

  @Test func aWordThatIsTooLongStandsAlone() {
    let long = String(repeating: "x", count: 30)
    #expect(Paragraph.wrapped("a \(long) b", width: 10) == ["a", "  " + long, "  b"])
    #expect(Paragraph.wrapped("", width: 10).isEmpty && Paragraph.wrapped("  ", width: 10).isEmpty)
  }

  @Test(arguments: Property.seeds(20))
  func theLabelStandsInTheMarginOnce(seed: UInt64) {
    var chance = Seed(seed).stream("labels")
    let sentences = (0..<4).map { "\($0) " + text(&chance) }
    let lines = Paragraph(label: "verdict", sentences: sentences).lines()
    #expect(lines.first?.hasPrefix("  verdict  0") == true)
    for line in lines.dropFirst() { #expect(line.hasPrefix(String(repeating: " ", count: 11))) }
    #expect(lines.allSatisfy { $0.count <= Paragraph.width }, "S2TUNE_SEED=\(seed)")
    // Each sentence begins a line, right behind the margin.
    let starts = lines.filter { Array($0)[Paragraph.margin] != " " }
    #expect(starts.count == sentences.count)
    #expect(Paragraph(label: "x", sentences: []).lines().isEmpty)
  }

  @Test func aTextIsPaddedAndNeverCut() {
    #expect(Paragraph.padded("ab", 4) == "ab  " && Paragraph.padded("abcd", 2) == "abcd")
  }
}

/// Numbers as answers write them.
@Suite struct NumberTests {
  /// The number that a time's text says, in nanoseconds.
  static func nanoseconds(_ text: String) -> Double? {
    let units = ["ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9]
    let words = text.split(separator: " ").map(String.init)
    guard words.count == 2, let number = Double(words[0]), let unit = units[words[1]] else {
      return nil
    }
    return number * unit
  }

  @Test(arguments: Property.seeds(30))
  func aTimeSaysItsValueInThreeDigits(seed: UInt64) throws {
    var chance = Seed(seed).stream("times")
    for _ in 0..<50 {
      let value = exp2(chance.uniform() * 60) * (chance.uniform() < 0.1 ? -1 : 1)
      let text = time(nanoseconds: value)
      let said = try #require(Self.nanoseconds(text), "\(text)")
      #expect(abs(said / value - 1) <= 0.0051, "S2TUNE_SEED=\(seed): \(value) is \(text)")
      let more = try #require(Self.nanoseconds(time(nanoseconds: value, digits: 8)))
      #expect(abs(more / value - 1) <= 5.1e-8, "S2TUNE_SEED=\(seed): \(value)")
    }
  }

  @Test(arguments: [
    (0.0, "0 ns"), (1, "1 ns"), (0.4, "0.4 ns"), (999, "999 ns"), (1_000, "1 us"),
    (1_234_567, "1.23 ms"), (1e9, "1 s"), (3_600e9, "3600 s"), (-2_500, "-2.5 us"),
    (.nan, "-"), (.infinity, "-"), (-.infinity, "-"), (1e19, "-"),
  ])
  func aTimeHasItsNaturalUnit(nanoseconds: Double, text: String) {
    #expect(time(nanoseconds: nanoseconds) == text)
  }

  @Test func sharesAreRoundedToWholePercents() {
    for share in stride(from: -0.5, through: 1.5, by: 0.0037) {
      let number = Double(percent(share).dropLast(2)) ?? .nan
      #expect(abs(number - 100 * share) <= 0.5 + 1e-9 && percent(share).hasSuffix(" %"))
    }
    #expect(percent(0.005) == "1 %" && percent(0.0049) == "0 %" && percent(.infinity) == "-")
  }

  @Test func decimalsHaveTheirPlaces() {
    #expect(decimal(1.25, places: 1) == "1.2" && decimal(-0.04) == "-0.0")
    #expect(decimal(2, places: 3) == "2.000" && decimal(0.5, places: 0) == "0")
    #expect(binaryLogarithm(1024) == 10 && power(2, 0.5) == 2.0.squareRoot())
  }

  @Test(arguments: [
    ("a & b", "a &amp; b"), ("<tag>", "&lt;tag&gt;"), ("&lt;", "&amp;lt;"),
    ("say \"x\"", "say &quot;x&quot;"), ("it's", "it&#39;s"), ("\"\u{301}", "&quot;\u{301}"),
    ("<\u{338}", "&lt;\u{338}"), ("a\u{0}\u{202E}", "a\\0\\u{202E}"), ("\u{FFFF}", "\\u{FFFF}"),
    ("\u{4E2D}\u{1F600}", "\u{4E2D}\u{1F600}"), ("", ""),
  ])
  func marksOfXMLAreEscaped(text: String, expected: String) { #expect(escaped(text) == expected) }

  @Test func digestsHaveSixteenDigits() {
    #expect(hexadecimal(0) == "0000000000000000" && hexadecimal(.max) == "ffffffffffffffff")
    #expect(hexadecimal(0xabc) == "0000000000000abc")
  }
}

/// Responses in words.
@Suite struct ResponseTextTests {
  @Test func everyResponseHasATitleOfItsOwn() {
    let titles = Response.allCases.map(\.title)
    #expect(Set(titles).count == titles.count)
    #expect(titles.allSatisfy { !$0.isEmpty && $0.count <= 20 && !$0.contains("_") })
  }

  @Test(arguments: Response.allCases, Property.seeds(5))
  func aTextSaysItsValue(response: Response, seed: UInt64) {
    var chance = Seed(seed).stream("values")
    for _ in 0..<20 {
      let value = response.unit == .share ? chance.uniform() : 1 + exp2(chance.uniform() * 40)
      let text = response.text(value)
      switch response.unit {
      case .nanoseconds: #expect(NumberTests.nanoseconds(text)?.isNear(value) == true, "\(text)")
      case .share: #expect(abs((Double(text.dropLast(2)) ?? .nan) - 100 * value) <= 0.5001)
      case .count: #expect(Double(text)?.isNear(value) == true, "\(text)")
      }
      #expect(response.text(value, digits: 3) == text && response.text(value, digits: 2) == text)
    }
    #expect(response.text(.nan) == "-" && response.exactText(.infinity) == "-")
    #expect(response.text(.nan, digits: 9) == "-")
  }

  @Test(arguments: [
    (Response.goodputRetained, 0.97, 0.955, 0.984, "97 % [96-98]"),
    (.goodputRetained, 0.97, 0.97, 0.97, "97 %"),
    (.iopsRetained, 0.5, 0.4999, 0.5001, "50 % [50-50]"),
    (.teardownTime, 76.44e9, 75.9e9, 77e9, "76.4 s [75.9-77 s]"),
    (.teardownTime, 1e6, 999e3, 2e6, "1 ms [999 us - 2 ms]"),
    (.teardownTime, 76.44e9, 76.43e9, 76.441e9, "76.4 s"),
    (.connectsFailed, 11.5, 3.25, 81.2, "11.5 [3.25 - 81.2]"), (.connectsFailed, 7, 7, 7, "7"),
    (.downtime, 5e6, 6e6, 4e6, "5 ms"), (.downtime, 5e6, 4e6, .infinity, "5 ms"),
    (.downtime, 5e6, .nan, 6e6, "5 ms"),
  ])
  func anIntervalIsWrittenWhereItIsOne(
    response: Response,
    value: Double,
    low: Double,
    high: Double,
    text: String
  ) {
    #expect(response.text(value, low: low, high: high) == text)
  }

  @Test func besideALimitAShareHasTheDigitsThatTell() {
    #expect(Response.goodputRetained.exactText(0.9687) == "96.9 %")
    #expect(Response.goodputRetained.exactText(0.01002) == "1 %")
    #expect(Response.teardownTime.exactText(1.5e9) == "1.5 s")
    #expect(Response.connectsFailed.exactText(3) == "3")
  }
}

extension Double {
  /// Whether a written number is a value to three digits.
  fileprivate func isNear(_ value: Double) -> Bool { abs(self / value - 1) <= 0.0051 }
}
