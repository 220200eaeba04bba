// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Quantities

@Suite struct TextTests {
  @Test(
    arguments: [
      ("20us", 20_000), ("1.5ms", 1_500_000), ("3 s", 3_000_000_000), ("7ns", 7), ("0s", 0),
      ("0.4ns", 0), ("0.5ns", 1),
    ] as [(String, Int64)]
  )
  func readsTimes(text: String, nanoseconds: Int64) throws {
    #expect(try Nanoseconds(parsing: text) == .nanoseconds(nanoseconds))
  }

  @Test(arguments: ["20", "us", "-3us", "20 min", "1e3us", "", "nan", "20us ", "0x10ns", "99e9s"])
  func refusesTimes(text: String) {
    #expect(throws: QuantityError(text: text, legal: Nanoseconds.legalText)) {
      try Nanoseconds(parsing: text)
    }
  }

  @Test(
    arguments: [
      ("2MiB", 2 << 20), ("1GiB", 1 << 30), ("4096B", 4096), ("1.5KiB", 1536), ("16TiB", 16 << 40),
      ("2M", 2 << 20), ("2MB", 2 << 20), ("256GB", 256 << 30), ("256G", 256 << 30), ("4k", 4096),
      ("64 KB", 65_536), ("1.5T", 3 << 39), ("0.5kB", 512),
    ] as [(String, Int64)]
  )
  func readsSizes(text: String, bytes: Int64) throws {
    #expect(try ByteCount(parsing: text) == .bytes(bytes))
  }

  @Test(arguments: ["2Mb", "2m", "2", "MiB", "2Mi", "2 MIB", "2MBs", "99999999TiB", "١KiB"])
  func refusesSizes(text: String) {
    #expect(throws: QuantityError.self) { try ByteCount(parsing: text) }
  }

  @Test func aSizeReadsBackAsItPrints() throws {
    for exponent in 0..<50 {
      for factor: Int64 in [1, 3, 511] {
        let size = ByteCount.bytes(factor << exponent)
        #expect(try ByteCount(parsing: size.description) == size)
      }
    }
  }

  @Test(
    arguments: [
      ("9.5Gbit/s", 9_500_000_000), ("10 Gbit/s", 10_000_000_000), ("100Mbit/s", 100_000_000),
      ("10Gbps", 10_000_000_000), ("1.5 Mbps", 1_500_000), ("64kbps", 64_000),
      ("10Gb/s", 10_000_000_000),
    ] as [(String, Int64)]
  )
  func readsRates(text: String, bits: Int64) throws {
    #expect(try BitRate(parsing: text).rawValue == bits)
  }

  @Test(arguments: ["10G", "10GB/s", "10GBps", "10gbps", "10Gbit", "10"])
  func refusesRates(text: String) {
    #expect(throws: QuantityError.self) { try BitRate(parsing: text) }
  }

  @Test(
    arguments: [
      ("0.95", 0.95), ("95%", 0.95), ("97.5 %", 0.975), ("0%", 0), ("100%", 1), ("1e-3", 0.001),
      ("%", nil), ("95%%", nil), ("x", nil), ("nan", nil), ("inf%", nil),
    ] as [(String, Double?)]
  )
  func readsFractions(text: String, value: Double?) {
    #expect(fraction(text) == value)
  }

  @Test(
    arguments: [
      ("graviton33", "; did you mean graviton3 or graviton4?"), ("mars", ""),
      ("ampere", "; did you mean ampere-altra?"), ("", ""),
    ] as [(String, String)]
  )
  func namesWhatMayHaveBeenMeant(text: String, hint: String) {
    #expect(didYouMean(text, among: ["ampere-altra", "graviton3", "graviton4"]) == hint)
  }

  @Test(arguments: ["0x40000000", "1073741824"])
  func readsAddresses(text: String) throws {
    #expect(try GuestAddress(parsing: text).rawValue == 1 << 30)
  }

  @Test(arguments: ["40000000h", "-1", "0x", "0xffffffffffffffffff", "0x8000000000000000"])
  func refusesAddresses(text: String) {
    #expect(throws: QuantityError.self) { try GuestAddress(parsing: text) }
  }

  @Test(
    arguments: [
      (1234.56, "1235"), (0.000123456, "0.0001235"), (-2.5, "-2.5"), (0, "0"), (9.99996, "10"),
      (100, "100"),
    ] as [(Double, String)]
  )
  func roundsToSignificantDigits(value: Double, text: String) {
    #expect(significant(value) == text)
  }

  @Test func printsTheLargestUnitThatFits() {
    #expect(Nanoseconds.microseconds(590).description == "590 us")
    #expect(Nanoseconds.milliseconds(1_500).description == "1.5 s")
    #expect(Nanoseconds.nanoseconds(-42).description == "-42 ns")
    #expect(UnitCost.nanoseconds(0.176).description == "0.176 ns")
    #expect(BitRate.gigabits(9.5).description == "9.5 Gbit/s")
    #expect(ByteCount.kibibytes(1980).description == "1980KiB")
  }
}
