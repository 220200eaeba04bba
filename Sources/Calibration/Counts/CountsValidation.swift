// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables

/// One cell in which the model and a real kernel differ.
package struct CountsMismatch: Hashable, Sendable, CustomStringConvertible {
  /// The row.
  package let row: CountsRow
  /// The column's name.
  package let column: String
  /// What the kernel counted.
  package let captured: Int64
  /// What the model counts.
  package let modelled: Int64

  /// Line, run, phase, column and both values.
  package var description: String {
    "line \(row.line): \(row.kernel) \(row.cpu) \(row.memory) \(row.backingName) "
      + "rewrite \(row.rewrite) \(row.phase): \(column) is \(captured), the model says \(modelled)"
  }
}

/// Compared and equal cells of a column or a phase.
package struct CountsAgreement: Hashable, Sendable {
  /// The column or phase.
  package let name: String
  /// Cells that were compared.
  package internal(set) var compared: Int64 = 0
  /// Cells that are equal.
  package internal(set) var equal: Int64 = 0
  /// Whether all compared cells hold the same value, so that agreement shows nothing; always
  /// false for a phase.
  package internal(set) var neverVaries = false
}

/// A column, or a part of one, that is not compared, and why.
package struct CountsOmission: Hashable, Sendable {
  /// The columns.
  package let columns: [String]
  /// Where they are left out.
  package let place: String
  /// The reason.
  package let reason: String
}

/// A row that could not be replayed, and why.
package struct CountsSkip: Hashable, Sendable {
  /// The row.
  package let row: CountsRow
  /// The reason.
  package let reason: String
}

/// A row whose phase begins with maps of something that ran before it.
package struct CountsAhead: Hashable, Sendable {
  /// The row.
  package let row: CountsRow
  /// How many maps.
  package let maps: Int64
}

/// The comparison of a file of real event counts with the model, cell by cell.
package struct CountsValidation: Hashable, Sendable {
  /// The file's name.
  package let file: String
  /// Rows in the file.
  package let rows: Int
  /// Agreement by column, in the captures' order.
  package private(set) var columns: [CountsAgreement]
  /// Agreement by phase, in the order of first appearance.
  package private(set) var phases: [CountsAgreement] = []
  /// Every cell that differs.
  package private(set) var mismatches: [CountsMismatch] = []
  /// Rows of phases or VMs that the model cannot live again.
  package private(set) var skipped: [CountsSkip] = []
  /// Kernels on CPUs of which no erratum is known by name and update, so that it was read off the
  /// file itself.
  package private(set) var inferred: [String] = []
  /// Rows to which maps were added that no step of their phase makes.
  package private(set) var ahead: [CountsAhead] = []

  /// What is left out of every file and why.
  static let omissions = [
    CountsOmission(
      columns: ["icount_ns"],
      place: "everywhere",
      reason: "virtual time of the whole phase, host work included; no count"
    ),
    CountsOmission(
      columns: ["stage2_instructions"],
      place: "everywhere",
      reason: "time of stage-2 code in instructions; the instruction model predicts it"
    ),
    CountsOmission(
      columns: ["walk_calls", "table_loops"],
      place: "faults outside logging, unless the memory is hugetlb",
      reason: "the host's walk of its own user tables, which finds the size of a huge page, runs "
        + "the same code"
    ),
  ]

  private static let unnamedFlushes = CountsOmission(
    columns: EL2Sight.flushColumns,
    place: "nVHE hosts of which no row names a flush",
    reason: "flushes run at EL2 there, where functions are not seen by name; their TLBI and "
      + "barriers are compared"
  )

  private static let firstRun = CountsOmission(
    columns: EL2Sight.barrierColumns,
    place: "faults outside logging on nVHE hosts",
    reason: "the first run of a vCPU flushes its CPU at EL2, outside the functions that flush for "
      + "stage 2"
  )

  private static let mapAhead = CountsOmission(
    columns: partOfFault,
    place: "phases that begin with a map of something before them",
    reason: "the fault behind the map is counted in part there and in part before"
  )

  /// What is left out of every file, and what of this one.
  package private(set) var omitted = CountsValidation.omissions

  /// Whether every row was replayed and every compared cell is equal.
  package var passes: Bool { mismatches.isEmpty && skipped.isEmpty }

  /// Columns whose compared cells all hold one value.
  package var untested: [String] { columns.filter(\.neverVaries).map(\.name) }

  /// Replays every row of a file.
  package init(_ counts: KernelCounts) {
    file = counts.file
    rows = counts.rows.count
    columns = EventCounts.capturedColumns.map { CountsAgreement(name: $0.name) }
    var values: [Set<Int64>] = Array(repeating: [], count: columns.count)
    var replays = ReplayCache(counts)
    let sight = EL2Sight(counts)
    for row in counts.rows {
      switch replays.counts(row) {
      case .failure(let reason): skipped.append(CountsSkip(row: row, reason: reason.text))
      case .success(let replayed):
        var replayed = replayed
        let maps = replayed.mapsAhead(of: row)
        if maps > 0 { ahead.append(CountsAhead(row: row, maps: maps)) }
        let hidden = sight.hidden(row, replayed.phase).union(maps > 0 ? Self.partOfFault : [])
        compare(row, replayed.counts, hidden, &values)
      }
    }
    if counts.rows.contains(where: sight.isBlind) { omitted.append(Self.unnamedFlushes) }
    if counts.rows.contains(where: sight.isFirstRun) { omitted.append(Self.firstRun) }
    if !ahead.isEmpty { omitted.append(Self.mapAhead) }
    for index in columns.indices { columns[index].neverVaries = values[index].count < 2 }
    inferred = replays.inferred
  }

  private mutating func compare(
    _ row: CountsRow,
    _ modelled: EventCounts,
    _ hidden: Set<String>,
    _ values: inout [Set<Int64>]
  ) {
    if phases.last?.name != row.phase, !phases.contains(where: { $0.name == row.phase }) {
      phases.append(CountsAgreement(name: row.phase))
    }
    let phase = phases.firstIndex { $0.name == row.phase } ?? 0
    for (index, column) in EventCounts.capturedColumns.enumerated()
    where !hidden.contains(column.name) {
      let captured = row.counts[keyPath: column.field]
      let value = modelled[keyPath: column.field]
      values[index].insert(captured)
      columns[index].compared += 1
      phases[phase].compared += 1
      if captured == value {
        columns[index].equal += 1
        phases[phase].equal += 1
      } else {
        mismatches.append(
          CountsMismatch(row: row, column: column.name, captured: captured, modelled: value)
        )
      }
    }
  }

  /// What of a fault may be counted before the phase in which its map is.
  private static let partOfFault = ["walk_calls", "table_loops", "guest_aborts"]
}
