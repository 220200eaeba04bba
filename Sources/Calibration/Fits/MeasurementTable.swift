// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Profiles
import Quantities

/// A CSV of somebody's own measurements: one operation a row, with its units in the header.
///
/// ```
/// workload,policy,vm.memory [GiB],vm.block_share,teardown_time [s],repeats,spread [%]
/// container-churn,path=munmap,64,0,2.51,5,3
/// ```
///
/// Columns are `workload`, `policy`, `kernel`, `id`, `repeats`, `spread`, keys of profiles, and
/// measures as `evaluate` and facts name them, without their unit.
package struct MeasurementTable: Hashable, Sendable {
  /// One measured value.
  package struct Row: Hashable, Sendable {
    /// Its name: the file's own or the line's number.
    package let id: String
    /// What was run.
    package let experiment: Fact.Experiment
    /// What was measured.
    package let measure: Measure
    /// The value in the measure's unit.
    package let value: Double
    /// Its relative standard error.
    package let spread: Double
  }

  /// The values in the order of the file.
  package let rows: [Row]

  /// The relative standard error of a value whose file says none (assumed).
  static let assumedSpread = 0.05

  /// Whether a text is such a table: a first line of columns, one of them a measure.
  package static func recognises(_ text: some StringProtocol) -> Bool {
    let first = text.prefix(8_192).split(whereSeparator: \.isNewline).first { !$0.hasPrefix("#") }
    return Column.all(of: Substring(first ?? "")).contains { $0.measure != nil }
  }

  /// Reads a table about a host and a kernel; a row may name another kernel.
  package init(
    parsing text: String,
    file: String,
    host: String,
    kernel: String
  ) throws(LogError) {
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    let said = lines.indices.filter {
      !lines[$0].hasPrefix("#") && !lines[$0].allSatisfy(\.isWhitespace)
    }
    let top = said.first ?? 0
    let header = try Header(lines.isEmpty ? "" : lines[top], at: top, of: file)
    let standard = Fact.Experiment(
      host: host,
      kernel: kernel,
      workload: "container-churn",
      policy: "",
      settings: []
    )
    var rows: [Row] = []
    for index in said.dropFirst() { rows.append(try header.row(lines[index], at: index, standard)) }
    guard !rows.isEmpty else { throw header.refusal(top, "no row", "one row a measurement") }
    self.rows = rows
  }
}

/// A column of a table: its name and, in brackets, its unit.
private struct Column {
  let name: String
  let unit: String?

  /// The columns of a header.
  static func all(of line: Substring) -> [Column] {
    line.split(separator: ",", omittingEmptySubsequences: false).map { cell in
      let cell = cell.trimmed
      guard let open = cell.firstIndex(of: "["), cell.hasSuffix("]") else {
        return Column(name: String(cell), unit: nil)
      }
      let unit = cell[cell.index(after: open)...].dropLast().trimmed
      return Column(name: String(cell[..<open].trimmed), unit: String(unit))
    }
  }

  /// The measure of that name, with or without its unit; nil for other columns.
  var measure: Measure? {
    Measure(rawValue: name)
      ?? ["_ns", "_share", "_count"].lazy.compactMap { Measure(rawValue: name + $0) }.first
  }

  /// What a value of the column is multiplied by; nil for a unit that is not the measure's.
  func factor(_ measure: Measure) -> Double? {
    switch measure.unit {
    case .nanoseconds: ["ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9][unit ?? ""]
    case .share: unit == nil ? 1 : unit == "%" ? 0.01 : nil
    case .count: unit == nil ? 1 : nil
    }
  }
}

/// The first line of a table, and how it reads the others.
private struct Header {
  let file: String
  let columns: [Column]
  /// Which column is the measure, which measure it is, and what its values are multiplied by.
  let place: Int
  let measure: Measure
  let factor: Double

  init(_ line: Substring, at index: Int, of file: String) throws(LogError) {
    func refusal(_ found: String, _ legal: String) -> LogError {
      LogError(file: file, line: index + 1, found: found, legal: legal)
    }
    let columns = Column.all(of: line)
    let places = columns.indices.filter { columns[$0].measure != nil }
    guard places.count == 1, let measure = columns[places[0]].measure else {
      throw refusal(
        places.isEmpty ? "no measure" : "\(places.count) measures",
        "one column with a measure, such as teardown_time [ms]"
      )
    }
    let column = columns[places[0]]
    guard let factor = column.factor(measure) else {
      throw refusal(
        "\(column.name) [\(column.unit ?? "")]",
        measure.unit == .nanoseconds ? "ns, us, ms or s in brackets" : "no unit, or [%] for a share"
      )
    }
    guard Set(columns.map(\.name)).count == columns.count else {
      throw refusal("two columns of one name", "each column once")
    }
    (self.file, self.columns, place) = (file, columns, places[0])
    (self.measure, self.factor) = (measure, factor)
  }

  func refusal(_ index: Int, _ found: String, _ legal: String) -> LogError {
    LogError(file: file, line: index + 1, found: found, legal: legal)
  }

  /// One row; what it leaves out is as in the standard experiment.
  func row(
    _ line: Substring,
    at index: Int,
    _ standard: Fact.Experiment
  ) throws(LogError) -> MeasurementTable.Row {
    let cells = line.split(separator: ",", omittingEmptySubsequences: false).map {
      String($0.trimmed)
    }
    guard cells.count == columns.count else {
      throw refusal(index, "\(cells.count) values", "\(columns.count), as the header has")
    }
    var experiment = standard
    var (id, repeats, spread) = ("line \(index + 1)", 1.0, nil as Double?)
    for (column, cell) in zip(columns, cells) where !cell.isEmpty && column.measure == nil {
      switch column.name {
      case "workload": experiment.workload = cell
      case "policy": experiment.policy = cell.replacing(";", with: ",")
      case "kernel": experiment.kernel = cell
      case "id": id = cell
      case "repeats":
        guard let count = Int(cell), (1...1_000_000).contains(count) else {
          throw refusal(index, "repeats \(cell)", "a whole number from 1 to 1000000")
        }
        repeats = Double(count)
      case "spread":
        guard let share = Double(cell), (0...1_000).contains(share) else {
          throw refusal(index, "spread \(cell)", "a share, or per cent where the header says [%]")
        }
        spread = column.unit == "%" ? share / 100 : share
      default:
        experiment.settings.append(.init(key: column.name, value: cell + (column.unit ?? "")))
      }
    }
    guard let number = Double(cells[place]), number.isFinite, number > 0 else {
      throw refusal(index, "\(columns[place].name) \(cells[place])", "a number above zero")
    }
    return MeasurementTable.Row(
      id: id,
      experiment: experiment,
      measure: measure,
      value: number * factor,
      spread: spread.map { $0 / repeats.squareRoot() } ?? MeasurementTable.assumedSpread
    )
  }
}
