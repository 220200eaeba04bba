// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
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
    #expect(validation.skipped.map(\.reason) == ["no series of this name"])
    #expect(validation.phases.map(\.name) == ["A.dontneed_all"])
    #expect(validation.phases.map { $0.compared - $0.equal } == [1])
  }

  /// The erratum of a CPU that is not known by name is read off the file's own barriers.
  @Test func learnsTheErratumOfAnUnknownCPU() throws {
    let text = String(decoding: try capture("kernel-counts.csv"), as: UTF8.self)
    let renamed = text.replacing("neoverse-n1", with: "some-core")
    let validation = CountsValidation(
      try KernelCounts(parsing: Array(renamed.utf8), file: "kernel-counts.csv")
    )
    #expect(validation.inferred == ["some-core"])
    #expect(validation.passes)
  }
}
