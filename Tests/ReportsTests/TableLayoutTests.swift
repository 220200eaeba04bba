// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import PageTables
import Randomness
import Reports
import TestSupport
import Testing

/// Tables of any texts: columns stand under each other, and other programs read the cells back.
@Suite struct TableLayoutTests {
  private static let letters = [
    "a", "Z", "7", " ", "-", "\u{00E9}", "e\u{0301}", "\u{4E2D}", "\u{1F600}", "|", ",", "\"",
  ]

  private static func word(_ chance: inout Randomness.Stream, _ letters: [String]) -> String {
    let count = Int(chance.uniform(below: 9))
    return (0..<count).map { _ in letters[Int(chance.uniform(below: UInt64(letters.count)))] }
      .joined()
  }

  /// A table of up to five columns and six rows, and its cells with the titles first.
  private static func table(
    _ chance: inout Randomness.Stream,
    _ letters: [String] = letters
  ) -> (table: TextTable, cells: [[String]]) {
    let titles = (0...Int(chance.uniform(below: 5))).map { _ in word(&chance, letters) }
    var table = TextTable(columns: titles.map { .init($0, isNumber: chance.uniform() < 0.5) })
    var cells = [titles]
    for _ in 0..<chance.uniform(below: 7) {
      let row = titles.map { _ in word(&chance, letters) }
      table.append(row)
      cells.append(row)
    }
    return (table, cells)
  }

  private func lines(_ text: String) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  @Test(arguments: Property.seeds(30))
  func columnsStandUnderEachOther(seed: UInt64) {
    var chance = Seed(seed).stream("layout")
    let (table, cells) = Self.table(&chance)
    let widths = table.columns.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    let rule = widths.map { String(repeating: "-", count: $0) }.joined(separator: "  ")
    let lines = lines(table.text())
    #expect(lines.count == cells.count + 2 && lines.last == "" && lines[1] == rule)
    for (line, row) in zip([lines[0]] + lines.dropFirst(2), cells) {
      #expect(line.count <= rule.count && !line.hasSuffix(" "), "S2TUNE_SEED=\(seed)")
      let padded = Array(line + String(repeating: " ", count: rule.count - line.count))
      var start = 0
      for (column, width) in widths.enumerated() {
        let cell = String(padded[start..<start + width])
        let space = String(repeating: " ", count: width - row[column].count)
        let isNumber = table.columns[column].isNumber
        #expect(cell == (isNumber ? space + row[column] : row[column] + space), "\(seed)")
        start += width + 2
      }
    }
  }

  @Test func aTableWithoutRowsIsItsTitles() {
    let table = TextTable(columns: [.init("name"), .init("ns", isNumber: true)])
    #expect(table.text() == "name  ns\n----  --\n")
    #expect(table.markdown() == "| name | ns |\n| --- | ---: |\n")
    #expect(table.csv() == "name,ns\n")
    #expect(TextTable(columns: []).csv() == "\n" && table.rows.isEmpty)
  }

  /// A reader of CSV after RFC 4180: fields by commas, rows by line ends, quotes doubled.
  private func read(csv: String) -> [[String]] {
    var (rows, row, field, isQuoted) = ([[String]](), [String](), "", false)
    var rest = csv.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      switch (scalar, isQuoted) {
      case ("\"", true) where rest.first == "\"":
        field.unicodeScalars.append("\"")
        rest.removeFirst()
      case ("\"", _): isQuoted.toggle()
      case (",", false):
        row.append(field)
        field = ""
      case ("\n", false):
        rows.append(row + [field])
        (row, field) = ([], "")
      default: field.unicodeScalars.append(scalar)
      }
    }
    return rows
  }

  @Test(arguments: Property.seeds(30))
  func aProgramReadsTheCellsBack(seed: UInt64) {
    var chance = Seed(seed).stream("csv")
    let (table, cells) = Self.table(&chance, Self.letters + ["\n", "\r", ";", "'", "\"\""])
    // Of a carriage return and a line feed that meet, see below.
    guard !cells.joined().contains(where: { $0.contains("\r\n") }) else { return }
    #expect(read(csv: table.csv()) == cells, "S2TUNE_SEED=\(seed)")
  }

  @Test(arguments: ["a", "7", "a b", "it's", "a;b", "\u{4E2D}", "|", ""])
  func aCellThatNeedsNoQuotesHasNone(cell: String) {
    var table = TextTable(columns: [.init("x")])
    table.append([cell])
    #expect(table.csv() == "x\n\(cell)\n")
  }

  @Test(arguments: ["a\rb", "a\nb", "a,b", "\"", "\r", ","])
  func aCellThatNeedsQuotesHasThem(cell: String) {
    var table = TextTable(columns: [.init("x")])
    table.append([cell])
    let doubled = cell.replacingOccurrences(of: "\"", with: "\"\"")
    #expect(table.csv() == "x\n\"\(doubled)\"\n")
  }

  @Test func aCellWithALineEndOfWindowsIsQuoted() {
    var table = TextTable(columns: [.init("a")])
    table.append(["x\r\ny"])
    #expect(table.csv() == "a\n\"x\r\ny\"\n")
  }

  @Test(arguments: Property.seeds(30))
  func aMarkdownRowHasABarMoreThanCells(seed: UInt64) {
    var chance = Seed(seed).stream("markdown")
    let (table, cells) = Self.table(&chance)
    let lines = lines(table.markdown())
    #expect(lines.count == cells.count + 2 && lines.last == "")
    for (line, row) in zip([lines[0]] + lines.dropFirst(2), cells) {
      let plain = line.replacingOccurrences(of: "\\|", with: "\u{1}")
      let parts = plain.components(separatedBy: "|")
      #expect(parts.count == row.count + 2 && parts.first == "" && parts.last == "", "\(seed)")
      let read = parts.dropFirst().dropLast().map {
        String($0.dropFirst().dropLast()).replacingOccurrences(of: "\u{1}", with: "|")
      }
      #expect(read == row, "S2TUNE_SEED=\(seed)")
    }
    let marks = lines[1].components(separatedBy: "|").dropFirst().dropLast()
    #expect(marks.map { $0 == " ---: " } == table.columns.map(\.isNumber))
  }
}
