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
    header(text).contains { Self.measure($0.name) != nil }
  }

  private static func header(_ text: some StringProtocol) -> [(name: String, unit: String?)] {
    let first = text.prefix(8_192).split(whereSeparator: \.isNewline).first { !$0.hasPrefix("#") }
    return (first ?? "").split(separator: ",", omittingEmptySubsequences: false).map { cell in
      let cell = Substring(cell).trimmed
      guard let open = cell.firstIndex(of: "["), cell.hasSuffix("]") else {
        return (String(cell), nil)
      }
      let unit = cell[cell.index(after: open)...].dropLast().trimmed
      return (String(cell[..<open].trimmed), String(unit))
    }
  }

  /// A measure by its name with or without its unit.
  private static func measure(_ name: String) -> Measure? {
    Measure(rawValue: name)
      ?? ["_ns", "_share", "_count"].lazy.compactMap { Measure(rawValue: name + $0) }.first
  }

  /// Reads a table about a host and a kernel; a row may name another kernel.
  package init(
    parsing text: String,
    file: String,
    host: String,
    kernel: String
  ) throws(LogError) {
    let columns = Self.header(text)
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    let top = lines.firstIndex { !$0.hasPrefix("#") && !$0.allSatisfy(\.isWhitespace) } ?? 0
    func refuse(_ index: Int, _ found: String, _ legal: String) -> LogError {
      LogError(file: file, line: index + 1, found: found, legal: legal)
    }
    let measures = columns.indices.filter { Self.measure(columns[$0].name) != nil }
    guard measures.count == 1, let place = measures.first,
      let measure = Self.measure(columns[place].name)
    else {
      throw refuse(
        top,
        measures.isEmpty ? "no measure" : "\(measures.count) measures",
        "one column with a measure, such as teardown_time [ms]"
      )
    }
    guard let factor = Self.factor(columns[place].unit, measure) else {
      throw refuse(
        top,
        "\(columns[place].name) [\(columns[place].unit ?? "")]",
        measure.unit == .nanoseconds ? "ns, us, ms or s in brackets" : "no unit, or [%] for a share"
      )
    }
    guard Set(columns.map(\.name)).count == columns.count else {
      throw refuse(top, "two columns of one name", "each column once")
    }
    var rows: [Row] = []
    for index in lines.indices.dropFirst(top + 1)
    where !lines[index].hasPrefix("#") && !lines[index].allSatisfy(\.isWhitespace) {
      let cells = lines[index].split(separator: ",", omittingEmptySubsequences: false).map {
        String($0.trimmed)
      }
      guard cells.count == columns.count else {
        throw refuse(index, "\(cells.count) values", "\(columns.count), as the header has")
      }
      var experiment = Fact.Experiment(
        host: host,
        kernel: kernel,
        workload: "container-churn",
        policy: "",
        settings: []
      )
      var (id, repeats, spread) = ("line \(index + 1)", 1.0, nil as Double?)
      for (column, cell) in zip(columns, cells) where !cell.isEmpty {
        switch column.name {
        case "workload": experiment.workload = cell
        case "policy": experiment.policy = cell.replacing(";", with: ",")
        case "kernel": experiment.kernel = cell
        case "id": id = cell
        case "repeats":
          guard let count = Int(cell), (1...1_000_000).contains(count) else {
            throw refuse(index, "repeats \(cell)", "a whole number from 1 to 1000000")
          }
          repeats = Double(count)
        case "spread":
          guard let share = Double(cell), (0...1_000).contains(share) else {
            throw refuse(index, "spread \(cell)", "a share, or per cent where the header says [%]")
          }
          spread = column.unit == "%" ? share / 100 : share
        case columns[place].name: break
        default:
          experiment.settings.append(
            .init(key: column.name, value: cell + (column.unit ?? ""))
          )
        }
      }
      guard let number = Double(cells[place]), number.isFinite, number > 0 else {
        throw refuse(index, "\(columns[place].name) \(cells[place])", "a number above zero")
      }
      rows.append(
        Row(
          id: id,
          experiment: experiment,
          measure: measure,
          value: number * factor,
          spread: spread.map { $0 / repeats.squareRoot() } ?? Self.assumedSpread
        )
      )
    }
    guard !rows.isEmpty else { throw refuse(top, "no row", "one row a measurement") }
    self.rows = rows
  }

  /// What a value of the column is multiplied by; nil for a unit that is not the measure's.
  private static func factor(_ unit: String?, _ measure: Measure) -> Double? {
    switch measure.unit {
    case .nanoseconds: ["ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9][unit ?? ""]
    case .share: unit == nil ? 1 : unit == "%" ? 0.01 : nil
    case .count: unit == nil ? 1 : nil
    }
  }
}
