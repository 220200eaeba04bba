// SPDX-License-Identifier: GPL-3.0-or-later

/// A table of texts that can be written as aligned text, Markdown or CSV.
package struct TextTable: Hashable, Sendable {
  /// A column's title and side.
  package struct Column: Hashable, Sendable {
    /// The title; in CSV it carries the unit.
    package let title: String
    /// Whether the column holds numbers, which stand on the right.
    package let isNumber: Bool

    /// Creates a column.
    package init(_ title: String, isNumber: Bool = false) {
      self.title = title
      self.isNumber = isNumber
    }
  }

  /// The columns from left to right.
  package let columns: [Column]
  /// The rows from top to bottom, each with one text a column.
  package private(set) var rows: [[String]] = []

  /// Creates a table without rows.
  package init(columns: [Column]) { self.columns = columns }

  /// Appends a row, which has one text for each column.
  package mutating func append(_ row: [String]) {
    precondition(row.count == columns.count, "a row has one text for each column")
    rows.append(row)
  }

  /// The table with columns of equal width, two spaces apart, and a line under the titles.
  package func text() -> String {
    let widths = columns.indices.map { column in
      ([columns[column].title] + rows.map { $0[column] }).map(\.count).max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      let parts = cells.indices.map { column in
        let space = String(repeating: " ", count: widths[column] - cells[column].count)
        return columns[column].isNumber ? space + cells[column] : cells[column] + space
      }
      var line = parts.joined(separator: "  ")
      while line.hasSuffix(" ") { line.removeLast() }
      return line
    }
    let rule = widths.map { String(repeating: "-", count: $0) }.joined(separator: "  ")
    return ([line(columns.map(\.title)), rule] + rows.map(line)).joined(separator: "\n") + "\n"
  }

  /// The table in Markdown; bars in texts are escaped.
  package func markdown() -> String {
    func line(_ cells: [String]) -> String {
      let escaped = cells.map { cell in
        cell.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
      }
      return "| " + escaped.joined(separator: " | ") + " |"
    }
    let rule = columns.map { $0.isNumber ? "---:" : "---" }
    return ([line(columns.map(\.title)), line(rule)] + rows.map(line)).joined(separator: "\n")
      + "\n"
  }

  /// The table as CSV after RFC 4180, with plain line ends; fields are quoted where needed.
  package func csv() -> String {
    ([columns.map(\.title)] + rows).map { $0.map(Self.quoted).joined(separator: ",") }
      .joined(separator: "\n") + "\n"
  }

  /// A text as one CSV field.
  private static func quoted(_ text: String) -> String {
    // By bytes: a carriage return and a line feed together are one character.
    let special = Array(",\"\n\r".utf8)
    guard text.utf8.contains(where: { special.contains($0) }) else { return text }
    let doubled = text.split(separator: "\"", omittingEmptySubsequences: false)
    return "\"" + doubled.joined(separator: "\"\"") + "\""
  }
}
