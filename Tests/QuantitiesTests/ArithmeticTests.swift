// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Quantities

@Suite struct ArithmeticTests {
  @Test func costsKeepTheirPicosecondsOverManyEvents() {
    // 5.9 s over 2^25 leaves is 175.834 ns a leaf: rounding to 176 would lose 5.6 ms.
    #expect(UnitCost(rawValue: 175_834) * 33_554_432 == .nanoseconds(5_900_009_996))
    #expect(UnitCost(rawValue: 499) * 1 == .zero)
    #expect(UnitCost(rawValue: 500) * 1 == .nanoseconds(1))
  }

  @Test func costsDoNotOverflowBeforeTheyAreDivided() {
    let cost = UnitCost(rawValue: 1 << 40)
    #expect((cost * (1 << 30)).rawValue == (1 << 70 as Int128) / 1_000 as Int128)
  }

  @Test func aRateGivesTheTimeOfAFrame() {
    #expect(BitRate.gigabits(10).time(for: .bytes(9001)) == .nanoseconds(7201))
    #expect(BitRate(rawValue: 1).time(for: .gibibytes(1)) == .seconds(8 << 30))
  }

  @Test func addressesAlignBothWays() {
    let address = GuestAddress(rawValue: 0x4020_1000)
    #expect(address.alignedDown(to: .mebibytes(2)).rawValue == 0x4020_0000)
    #expect(address.alignedUp(to: .mebibytes(2)).rawValue == 0x4040_0000)
    #expect(address.isAligned(to: .kibibytes(4)))
    #expect(!address.isAligned(to: .kibibytes(8)))
  }

  @Test func rangesShareOnlyWhatBothHold() {
    let whole = AddressRange(start: .zero, size: .gibibytes(2))
    let upper = AddressRange(start: GuestAddress(rawValue: 1 << 30), size: .gibibytes(4))
    #expect(whole.intersection(upper)?.size == .gibibytes(1))
    #expect(whole.intersection(AddressRange(start: whole.end, size: .gibibytes(1))) == nil)
  }

  @Test func sizesDivideWithAStatedRounding() {
    #expect(ByteCount.mebibytes(5).divided(roundedUpBy: .mebibytes(2)) == 3)
    #expect(ByteCount.mebibytes(5).divided(roundedDownBy: .mebibytes(2)) == 2)
  }

  @Test func impossibleValuesTrap() async {
    await #expect(processExitsWith: .failure) { _ = UnitCost(rawValue: -1) }
    await #expect(processExitsWith: .failure) { _ = Ratio(3, over: 2) }
    await #expect(processExitsWith: .failure) {
      _ = AddressRange(start: GuestAddress(rawValue: 2), end: GuestAddress(rawValue: 1))
    }
  }
}
