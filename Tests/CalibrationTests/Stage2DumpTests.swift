// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Quantities
import TestSupport
import Testing

@testable import Calibration

@Suite struct Stage2DumpTests {
  func dump(_ name: String) throws -> Stage2Dump {
    let file = "\(name).stage2_page_tables"
    return try Stage2Dump(parsing: try capture("ptdump/\(file)"), file: file)
  }

  @Test(arguments: ["6.12.107", "7.3.4"])
  func readsBlocksAndPages(_ kernel: String) throws {
    let dump = try dump("\(kernel)_mixed_64M")
    #expect(
      dump.mappings.map(\.description) == [
        "0x10000-0x11000 3 rw", "0x40000000-0x42000000 2 rw", "0x42000000-0x44000000 3 rw",
      ]
    )
    #expect(!dump.skippedGarbage)
    // 6.12 leaves out the last range.
    let last: UInt64 = kernel == "7.3.4" ? 1 << 40 : 0x8000_0000
    #expect(dump.end == GuestAddress(rawValue: last))
  }

  @Test(arguments: ["6.12.107", "7.3.4"])
  func readsADumpOfManyRanges(_ kernel: String) throws {
    let dump = try dump("\(kernel)_sparse_2M_256M")
    #expect(dump.mappings.count == 129)
    #expect(dump.mappedBytes == .kibibytes(4 * 129))
    #expect(dump.skippedGarbage == (kernel == "6.12.107"))
  }

  @Test func tellsReadOnlyBlocksFromWrittenPages() throws {
    let dump = try dump("7.3.4_dirty_thp_256M_3rewritten")
    #expect(
      dump.mappings.dropFirst().map(\.description) == [
        "0x40000000-0x40600000 3 rw", "0x40600000-0x50000000 2 ro",
      ]
    )
  }

  @Test func anEmptyVMIsAHeading() throws {
    let dump = try dump("6.12.107_empty_64M")
    #expect(dump.mappings.isEmpty)
    #expect(dump.pattern == nil)
  }

  @Test(arguments: [
    ("6.12.107_mixed_64M", 64, 64), ("6.12.107_sparse_2M_256M", 256, 0),
    ("6.12.107_holes_thp_64M", 64, 48), ("6.12.107_ipa48_high_64M", 64, 64),
    ("6.12.107_h1g_1024M", 1024, 1024), ("6.12.107_thp_256M", 256, 256),
  ])
  func findsThePeriod(_ name: String, period: Int64, mapped: Int64) throws {
    let pattern = try #require(try dump(name).pattern)
    #expect(pattern.period == .mebibytes(period))
    #expect(pattern.mappedBytes.rawValue >> 20 == mapped)
  }

  @Test(arguments: ["6.12.107_mixed_64M", "6.12.107_sparse_2M_256M", "6.12.107_holes_thp_64M"])
  func tilesWithTheSameMix(_ name: String) throws {
    let dump = try dump(name)
    let pattern = try #require(dump.pattern)
    let geometry = try StageTwoGeometry(granule: .size4K, ipaBits: 48)
    let memory = ByteCount.gibibytes(256)
    let tables = try dump.tiled(to: memory, at: GuestAddress(rawValue: 1 << 30), geometry)
    let turns = memory.divided(roundedDownBy: pattern.period)
    #expect(tables.mappedBytes == pattern.mappedBytes * turns)
    let half = try dump.tiled(
      to: pattern.period * 3,
      at: GuestAddress(rawValue: 1 << 30),
      geometry
    )
    #expect(half.mappedBytes == pattern.mappedBytes * 3)
  }

  @Test func showsTheTablesItWasMadeFrom() throws {
    let geometry = try StageTwoGeometry(granule: .size4K, ipaBits: 40)
    let tables = try dump("7.3.4_mixed_64M").tables(geometry)
    #expect(tables.leafCounts == [0, 0, 16, 8193])
    // The loop's two tables, the memory's two levels.
    #expect(tables.tableCount == 2 + 1 + 16)
  }

  struct Damage: Sendable {
    let line: Int
    let legal: String
    let from: String
    let to: String

    init(_ line: Int, _ legal: String, _ from: String, _ to: String) {
      (self.line, self.legal, self.from, self.to) = (line, legal, from, to)
    }
  }

  static let damages = [
    Damage(6, "a size of 32MiB", "32M 2", "31M 2"),
    Damage(7, "begins at 0x42000000", "0x0000000042000000-0x", "0x0000000042001000-0x"),
    Damage(6, "0x<16 digits>", "0x0000000040000000-0x0000000042", "0x00000000400000-0x0000000042"),
    Damage(6, "0x<16 digits>", "32M 2", "32M 7"),
    Damage(6, "BLK", " BLK", "    "),
    Damage(7, "BLK", "AF    \n0x0000000044", "AF BLK\n0x0000000044"),
    Damage(6, "0x<16 digits>", "32M 2", "99999999999999999999999T 2"),
    Damage(6, "0x<16 digits>", "32M 2   R", "32M 2   Q"),
    Damage(8, "0x<16 digits>", "960M 2", ""),
  ]

  @Test(arguments: damages)
  func refusesADamagedDump(_ damage: Damage) throws {
    let text = String(
      decoding: try capture("ptdump/6.12.107_mixed_64M.stage2_page_tables"),
      as: UTF8.self
    )
    let damaged = text.replacing(damage.from, with: damage.to)
    #expect(damaged != text)
    let error = try #require(throws: LogError.self) {
      try Stage2Dump(parsing: Array(damaged.utf8), file: "dump")
    }
    #expect(error.line == damage.line)
    #expect(error.legal.contains(damage.legal))
  }

  /// Cut inside its last line a dump is refused, wherever the cut is.
  @Test func refusesADumpThatEndsInALine() throws {
    let bytes = try capture("ptdump/6.12.107_mixed_64M.stage2_page_tables")
    let last = try #require(bytes.dropLast().lastIndex(of: 0x0A))
    for end in (last + 2)..<bytes.count {
      #expect(throws: LogError.self) { try Stage2Dump(parsing: bytes[..<end], file: "dump") }
    }
    #expect(throws: Never.self) { try Stage2Dump(parsing: bytes, file: "dump") }
  }

  @Test(arguments: ["", "hello", "\u{0}\u{1}", "---[ Kernel ]\nx"])
  func refusesWhatIsNoDump(_ text: String) {
    #expect(throws: LogError.self) { try Stage2Dump(parsing: Array(text.utf8), file: "dump") }
  }
}

extension Mapping {
  /// Range, level and access, for comparison.
  fileprivate var description: String { "\(range) \(level) \(state.writable ? "rw" : "ro")" }
}

@Suite struct EndlessFileTests {
  @Test func aFileOfBlankLinesIsRefusedEarly() {
    let blank = String(repeating: "\n", count: 5_000)
    let dump = #expect(throws: LogError.self) {
      try Stage2Dump(parsing: ("---[ Guest IPA ]---\n" + blank).utf8, file: "dump")
    }
    #expect(dump?.line == 1_001)
    #expect(throws: LogError.self) {
      try KernelCounts(parsing: blank.utf8, file: "counts")
    }
  }

  @Test func bytesThatAreNoTextAreRefusedAtTheirLine() {
    let bytes = Array("---[ Guest IPA ]---\n".utf8) + [0xC3, 0x0A]
    let error = #expect(throws: LogError.self) { try Stage2Dump(parsing: bytes, file: "dump") }
    #expect(error?.line == 2)
  }
}
