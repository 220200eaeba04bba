// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Quantities
import TestSupport
import Testing

@testable import Calibration

@Suite struct CountsValidationTests {
  @Test func everyComparedCellOfTheCapturesIsEqual() throws {
    let file = try KernelCounts(
      parsing: try capture("kernel-counts.csv"),
      file: "kernel-counts.csv"
    )
    let validation = CountsValidation(file)
    #expect(validation.rows == 783)
    #expect(validation.skipped.isEmpty)
    #expect(validation.mismatches.prefix(20).map(\.description) == [])
    #expect(validation.passes)
    #expect(validation.untested == ["break_points"])
    #expect(validation.phases.count == 26)
  }

  /// What the project's own lab counted: files that `Lab/run` makes from `Lab/jobs`.
  @Test(arguments: [
    ("nvhe-counts.csv", 704), ("releases-counts.csv", 128), ("pages-counts.csv", 61),
  ])
  func everyComparedCellOfTheLabIsEqual(_ name: String, rows: Int) throws {
    let file = try KernelCounts(parsing: try capture(name), file: name)
    let validation = CountsValidation(file)
    #expect(validation.rows == rows)
    #expect(validation.skipped.isEmpty)
    #expect(validation.mismatches.prefix(20).map(\.description) == [])
    #expect(validation.passes)
    // Flushes at EL2 are counted by name.
    #expect(validation.columns.first { $0.name == "ipa_flushes" }?.compared == Int64(rows))
  }

  /// A file with one cell changed, and one with a phase that nobody knows.
  @Test func aDifferentCellAndAnUnknownPhaseAreReported() throws {
    let text = String(decoding: try capture("kernel-counts.csv"), as: UTF8.self)
    let lines = text.split(whereSeparator: \.isNewline)
    let row = try #require(lines.first { $0.contains(",A.dontneed_all,") })
    let wrong = row.replacing(",A.dontneed_all,1,", with: ",A.dontneed_all,2,")
    let unknown = row.replacing("A.dontneed_all", with: "Q.surprise")
    let file = try KernelCounts(
      parsing: Array("\(lines[0])\n\(wrong)\n\(unknown)\n".utf8),
      file: "mine.csv"
    )
    let validation = CountsValidation(file)
    #expect(!validation.passes)
    #expect(validation.mismatches.map(\.column) == ["walk_calls"])
    #expect(validation.mismatches.first?.description.contains("walk_calls is 2") == true)
    #expect(validation.skipped.map { $0.reason.prefix(28) } == ["the series 'Q' is not known;"])
    #expect(validation.phases.map(\.name) == ["A.dontneed_all"])
    #expect(validation.phases.map { $0.compared - $0.equal } == [1])
  }

  /// Other pages, other blocks and a slot of several chunks: rows as the model counts them read
  /// back and agree, so every name is understood.
  @Test(arguments: [
    ("6.12.107-16k", "thp", Int64(64)), ("6.12.107", "16k", 64), ("7.3.4-64k", "h512m", 1_024),
    ("7.3.4", "h1g", 3_072), ("5.10.0", "4k", 2_048),
  ])
  func otherBackingsAndGranulesAreLivedToo(
    _ kernel: String,
    backing: String,
    memory: Int64
  ) throws {
    let start = "\(kernel),max,yes,yes,yes,40,\(memory),\(backing),16"
    let zeros = Array(repeating: "0", count: 33).joined(separator: ",")
    let phases = ["A.dontneed_all", "A.destroy", "B.rewrite", "C.clearlog_all"]
    let rows = phases.map { "\(start),\($0),\(zeros)" }
    let text = ([KernelCountsTests.header] + rows).joined(separator: "\n")
    let file = try KernelCounts(parsing: Array(text.utf8), file: "mine.csv")
    let validation = CountsValidation(file)
    #expect(validation.skipped.isEmpty)
    func modelled(_ column: String, _ phase: String) -> Int64 {
      validation.mismatches.first { $0.column == column && $0.row.phase == phase }?.modelled ?? 0
    }
    let row = try #require(file.rows.first)
    let blocks: [String: ByteCount] = [
      "thp": row.granule.smallestBlock, "h512m": .mebibytes(512), "h1g": .gibibytes(1),
    ]
    let leaf = blocks[backing] ?? row.granule.page
    let leaves = row.memory.divided(roundedDownBy: leaf)
    #expect(modelled("put_page", "A.dontneed_all") >= leaves)
    #expect(modelled("unmap_visits", "A.dontneed_all") >= leaves)
    let chunk: ByteCount = row.granule.largestBlock
    #expect(
      modelled("break_points", "A.dontneed_all") == row.memory.divided(roundedUpBy: chunk) - 1
    )
    let word = row.granule.page * 64
    let words = row.memory.divided(roundedUpBy: word)
    #expect(modelled("wrprotect_calls", "C.clearlog_all") == words)
  }

  /// The erratum of a CPU that is not known by name is read off the file's own barriers.
  @Test func learnsTheErratumOfAnUnknownCPU() throws {
    let text = String(decoding: try capture("kernel-counts.csv"), as: UTF8.self)
    let renamed = text.replacing("neoverse-n1", with: "some-core")
    let validation = CountsValidation(
      try KernelCounts(parsing: Array(renamed.utf8), file: "kernel-counts.csv")
    )
    let kernels = ["6.1.0", "6.12.107", "7.3.4"]
    #expect(validation.inferred == kernels.map { "\($0) some-core" })
    #expect(validation.passes)
  }
}
