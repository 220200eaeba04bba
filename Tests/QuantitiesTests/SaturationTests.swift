// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
import Testing

/// What does not fit is the largest or the smallest there is, and never the end of the program.
@Suite struct SaturationTests {
  private let longest = Nanoseconds.max
  private let shortest = Nanoseconds(rawValue: .min)

  @Test func timesSaturate() {
    #expect(longest + .nanoseconds(1) == longest)
    #expect(shortest - .nanoseconds(1) == shortest)
    #expect(longest * 2 == longest && longest * -2 == shortest)
    #expect(Nanoseconds.seconds(.max) == longest)
    #expect(Nanoseconds.seconds(rounding: .infinity) == longest)
    #expect(Nanoseconds.seconds(rounding: .nan) == .zero)
    #expect(Nanoseconds.seconds(1) / .zero == .max)
    #expect(Instant.distantFuture + .seconds(1) == .distantFuture)
  }

  @Test func costsSaturate() {
    let cost = UnitCost.nanoseconds(1e11)
    #expect(cost * 2 == .seconds(200))
    #expect(cost * .max == longest)
    #expect(UnitCost(rawValue: .max) * 1 == Nanoseconds(rawValue: .max / 1_000 + 1))
  }

  @Test func sizesAndAddressesSaturate() {
    let most = ByteCount(rawValue: .max)
    #expect(most + .bytes(1) == most && most * 3 == most)
    #expect(most.divided(roundedUpBy: .bytes(1)) == .max)
    #expect(ByteCount.kibibytes(4).divided(roundedUpBy: .kibibytes(3)) == 2)
    #expect(ByteCount.kibibytes(4).divided(roundedUpBy: .kibibytes(2)) == 2)
    let last = GuestAddress(rawValue: UInt64(Int64.max))
    #expect(last + .kibibytes(4) == last)
    #expect(GuestAddress(rawValue: .max) - .zero == most)
  }

  @Test func ratesSaturate() {
    #expect(BitRate(rawValue: 1).time(for: ByteCount(rawValue: .max)) == longest)
    #expect(BitRate.zero.time(for: .bytes(1)) == longest)
    #expect(BitRate(rawValue: 8).time(for: .bytes(3)) == .seconds(3))
    #expect(BitRate(rawValue: 3).time(for: .bytes(1)) == .nanoseconds(2_666_666_667))
  }

  @Test func sharesOfLargeNumbersHaveNoLimitBetween() {
    #expect(Int64.max.scaled(.max, over: .max) == .max)
    #expect(Int64(1 << 40).scaled(1 << 40, over: 1 << 50) == 1 << 30)
    #expect(Int64(7).scaled(3, over: 2) == 10)
  }

  @Test func whatSteersATerminalIsWrittenOut() {
    #expect(displayed("plain é 漢\n\t") == "plain é 漢\n\t")
    #expect(displayed("\u{1B}[31m\u{202E}a\r") == "\\u{1B}[31m\\u{202E}a\\r")
    #expect(displayed("a\u{9B}\u{2066}", asJSON: true) == "a\\u009b\\u2066")
    #expect(displayed("a\nb", keepsLines: false) == "a\\nb")
  }
}
