// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Quantities
import TestSupport
import Testing

@testable import Calibration

@Suite struct KernelCountsTests {
  static func rows() throws -> [CountsRow] {
    try KernelCounts(parsing: try capture("kernel-counts.csv"), file: "kernel-counts.csv").rows
  }

  @Test func readsEveryRow() throws {
    let rows = try Self.rows()
    #expect(rows.count == 783)
    let first = try #require(rows.first)
    #expect(first.kernel == "6.1.0")
    #expect(first.phase == "A.destroy")
    #expect(first.counts.freeVisits == 18_944)
    #expect(first.instructions == 1_384_662)
  }

  @Test func unmapAndProtectEqualTheKernel() throws {
    let slot = GuestAddress(rawValue: 1 << 30)
    for row in try Self.rows()
    where ["A.dontneed_all", "A.memslot_delete", "B.log_enable_wp"].contains(row.phase) {
      var tables = StageTwo(geometry: try StageTwoGeometry(granule: .size4K, ipaBits: row.ipaBits))
      let range = AddressRange(start: slot, size: row.memory)
      try tables.map(range, level: row.backing == .pages ? 3 : 2)
      let rules = try StageTwoRules(row.release, row.features)
      let sequence =
        row.phase.hasPrefix("A")
        ? try tables.unmap(range, rules) : try tables.writeProtect(slot: range, rules)
      let total = sequence.total
      for column in EventCounts.capturedColumns {
        #expect(
          total[keyPath: column.field] == row.counts[keyPath: column.field],
          "line \(row.line) \(row.kernel) \(row.cpu) \(row.phase): \(column.name)"
        )
      }
    }
  }

  static let header =
    (KernelCounts.keys + EventCounts.capturedColumns.map(\.name) + KernelCounts.measures)
    .joined(separator: ",")
  static let row =
    "6.12.107,max,yes,yes,yes,40,64,4k,16,A.fault,"
    + Array(repeating: "0", count: 33).joined(separator: ",")

  struct Refusal: Sendable {
    let text: String
    let line: Int
    let legal: String

    /// A file of one row, after a change to header or row.
    init(_ line: Int, _ legal: String, header: String = header, row: String = row) {
      text = header + "\n" + row
      (self.line, self.legal) = (line, legal)
    }
  }

  static let refusals: [Refusal] = [
    Refusal(1, "a column 'put_page'", header: header.replacing("put_page,", with: "")),
    Refusal(2, "at least 0", row: row.replacing(",0,0,0", with: ",-1,0,0")),
    Refusal(2, "43 fields, as in the header", row: String(row.dropLast(2))),
    Refusal(2, "4k, 16k, 64k, thp, or hugetlb", row: row.replacing("4k", with: "8k")),
    Refusal(2, "yes or no", row: row.replacing("yes,40", with: "maybe,40")),
    Refusal(2, "a release such as 6.12.107", row: row.replacing("6.12.107", with: "six")),
    Refusal(1, "at least one row", row: ""),
    Refusal(1, "each column once", header: header + ",put_page", row: row + ",0"),
  ]

  @Test(arguments: refusals)
  func refusesWhatIsNotACountsFile(_ refusal: Refusal) throws {
    let error = try #require(throws: LogError.self) {
      try KernelCounts(parsing: Array(refusal.text.utf8), file: "counts.csv")
    }
    #expect(error.line == refusal.line)
    #expect(error.legal.contains(refusal.legal))
  }
}
