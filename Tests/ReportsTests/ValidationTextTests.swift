// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Reports
import TestSupport
import Testing

@testable import Calibration

/// Comparisons with recordings and published facts.
@Suite struct ValidationTextTests {
  /// The words of each line of a text.
  private func words(_ text: String) -> [String] {
    text.components(separatedBy: "\n").map { $0.split(separator: " ").joined(separator: " ") }
  }

  /// The first rows of the recorded counts, one cell of them changed.
  private func counts(changing cell: (row: Int, column: String, value: Int)? = nil) throws
    -> CountsSummary
  {
    let text = String(decoding: try capture("kernel-counts.csv"), as: UTF8.self)
    var rows = text.split(whereSeparator: \.isNewline).prefix(9).map {
      $0.components(separatedBy: ",")
    }
    if let cell, let column = rows[0].firstIndex(of: cell.column) {
      rows[cell.row][column] = "\(cell.value)"
    }
    let lines = rows.map { $0.joined(separator: ",") }.joined(separator: "\n") + "\n"
    let counts = try KernelCounts(parsing: Array(lines.utf8), file: "k.csv")
    return CountsSummary(CountsValidation(counts))
  }

  @Test func countsThatAgreeAreCountedByColumnAndPhase() throws {
    let summary = try counts()
    let (text, rows) = (summary.text(), words(summary.text()))
    let (compared, equal) = (summary.cells.compared, summary.cells.equal)
    #expect(rows[0] == "k.csv: 8 of 8 rows replayed, \(equal) of \(compared) compared cells equal")
    #expect(compared > 200 && equal == compared)
    for one in summary.columns + summary.phases {
      #expect(rows.contains("\(one.name) \(one.compared) \(one.equal) 0"), "\(one.name)")
    }
    #expect(!text.contains("Mismatches") && !text.contains("Not replayed"))
    for omission in summary.omitted { #expect(text.contains(omission.reason)) }
    #expect(text.contains("Untested by this file") && text.contains(summary.untested[0]))
  }

  @Test func aCellThatDiffersIsNamedWithBothValues() throws {
    let right = try counts()
    let summary = try counts(changing: (row: 3, column: "unmap_visits", value: 7))
    let text = summary.text()
    #expect(summary.cells.equal == right.cells.equal - 1)
    let mismatch = try #require(summary.mismatches.first)
    #expect(mismatch.captured == 7 && mismatch.column == "unmap_visits" && mismatch.row.line == 4)
    let line = "  \(mismatch.row): unmap_visits is 7, the model says \(mismatch.modelled)"
    #expect(text.contains("Mismatches\n" + line + "\n"))
    let column = try #require(summary.columns.first { $0.name == "unmap_visits" })
    #expect(
      words(text).contains("unmap_visits \(column.compared) \(column.equal) 1"),
      "the row of its column says one differs"
    )
  }

  /// One fact of a run, with what its seeds gave.
  private func fact(_ claim: String, _ metric: String, _ use: String = "score") throws -> Fact {
    let fits = use == "fit" ? "    fits: nic.packet\n" : ""
    let versus = claim.contains("x ") ? "    versus:\n      policy: chunk=1GiB\n" : ""
    let text =
      "summary: one\nfacts:\n  A-1:\n    says: something\n    source: 'published: a mail'\n"
      + "    use: \(use)\n" + fits + "    run:\n      host: graviton3\n      kernel: '6.1'\n"
      + "      workload: container-churn\n      policy: chunk=2MiB\n" + versus
      + "    metric: \(metric)\n    claim: '\(claim)'\n"
    return try #require(try FactFile(parsing: text, file: "f.yaml").facts.first)
  }

  private func result(_ fact: Fact, _ predictions: [Double], versus: [Double] = []) -> FactResult {
    let other = versus.isEmpty ? nil : versus.reduce(0, +) / Double(versus.count)
    return FactResult(
      fact: fact,
      predictions: predictions,
      compared: versus,
      verdict: predictions.isEmpty
        ? nil : .init(claim: fact.claim, predictions: predictions, versus: other),
      failure: nil
    )
  }

  @Test func aFactIsARowWithClaimValueSpreadAndVerdict() throws {
    let results = [
      result(try fact(">= 0.97", "goodput_retained_share"), [0.98, 0.99]),
      result(try fact("2s +-10%", "teardown_time_ns", "fit"), [3e9]),
      result(try fact("1.58x +-10%", "teardown_time_ns"), [3e9, 3.2e9], versus: [2e9, 2e9]),
      result(try fact(">= 0.97", "goodput_retained_share"), []),
    ]
    let other = FactFile.Unexpressed(rows: "Z-1 to Z-16", reason: "of a module")
    let text = ValidationSummary(results, unexpressed: [other]).text()
    let rows = words(text)
    #expect(rows[2].hasPrefix("A-1 score ") && rows[2].hasSuffix(" 0.985 0.98 to 0.99 1.02 holds"))
    #expect(rows[3].hasPrefix("A-1 fit ") && rows[3].hasSuffix(" 3 s - 1.5 misses"))
    #expect(rows[4].contains(" 1.55x 1.5x to 1.6x ") && rows[4].hasSuffix(" holds"))
    #expect(rows[5].hasSuffix(" - - - not run"))
    #expect(text.contains("Known and not expressed\n  Z-1 to Z-16: of a module\n"))
    let tally = "  a mail: 2 of 3 scored facts hold, 0 of 1 fitted ones are met\n"
    #expect(text.replacing("published: ", with: "").hasSuffix("By source\n" + tally), "\(text)")
  }
}
