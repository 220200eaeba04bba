// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// A comparison of event counts as it is printed: agreement, every mismatch, what is left out.
package struct CountsSummary: Sendable, Encodable {
  /// Agreement of one column or phase.
  package struct Agreement: Sendable, Encodable {
    /// The column or phase.
    package let name: String
    /// Cells that were compared.
    package let compared: Int64
    /// Cells that are equal.
    package let equal: Int64
  }

  /// Which row of the file.
  package struct Place: Sendable, Encodable {
    /// The line in the file, counted from one.
    package let line: Int
    /// The kernel as written.
    package let kernel: String
    /// The CPU as written.
    package let cpu: String
    /// Size of the slot in MiB.
    package let memoryMib: Int64
    /// What the memory stands on, as written.
    package let backing: String
    /// How much is written again, in MiB.
    package let rewriteMib: Int64
    /// The phase.
    package let phase: String

    enum CodingKeys: String, CodingKey {
      case line, kernel, cpu, backing, phase
      case memoryMib = "memory_mib"
      case rewriteMib = "rewrite_mib"
    }
  }

  /// A cell in which the file and the model differ.
  package struct Mismatch: Sendable, Encodable {
    /// The row.
    package let row: Place
    /// The column.
    package let column: String
    /// What the file says.
    package let captured: Int64
    /// What the model counts.
    package let modelled: Int64
  }

  /// A row that could not be replayed.
  package struct Skip: Sendable, Encodable {
    /// The row.
    package let row: Place
    /// Why.
    package let reason: String
  }

  /// A row whose phase begins with maps of something that ran before it.
  package struct Ahead: Sendable, Encodable {
    /// The row.
    package let row: Place
    /// How many maps.
    package let maps: Int64
  }

  /// Columns that are not compared.
  package struct Omission: Sendable, Encodable {
    /// The columns.
    package let columns: [String]
    /// Where they are left out.
    package let place: String
    /// Why.
    package let reason: String
  }

  /// The file as the caller named it.
  package let file: String
  /// Rows in the file.
  package let rows: Int
  /// Rows that were replayed.
  package let replayed: Int
  /// Every compared cell.
  package let cells: Agreement
  /// Agreement by column.
  package let columns: [Agreement]
  /// Agreement by phase.
  package let phases: [Agreement]
  /// Every cell that differs.
  package let mismatches: [Mismatch]
  /// Rows that could not be replayed.
  package let skipped: [Skip]
  /// What is not compared, and why.
  package let omitted: [Omission]
  /// Columns whose compared cells all hold one value: the file does not test them.
  package let untested: [String]
  /// CPUs whose erratum was read off the file itself.
  package let inferred: [String]
  /// Rows to which maps were added that no step of their phase makes.
  package let ahead: [Ahead]
  /// Whether every row was replayed and every compared cell is equal.
  package let passes: Bool

  /// Sums up a comparison.
  package init(_ validation: CountsValidation) {
    file = validation.file
    rows = validation.rows
    replayed = validation.rows - validation.skipped.count
    columns = validation.columns.map(Agreement.init)
    phases = validation.phases.map(Agreement.init)
    cells = Agreement(
      name: "all",
      compared: columns.reduce(0) { $0 + $1.compared },
      equal: columns.reduce(0) { $0 + $1.equal }
    )
    mismatches = validation.mismatches.map(Mismatch.init)
    skipped = validation.skipped.map { Skip(row: Place($0.row), reason: $0.reason) }
    omitted = validation.omitted.map {
      Omission(columns: $0.columns, place: $0.place, reason: $0.reason)
    }
    untested = validation.untested
    inferred = validation.inferred
    ahead = validation.ahead.map { Ahead(row: Place($0.row), maps: $0.maps) }
    passes = validation.passes
  }
}

extension CountsSummary.Agreement {
  init(_ agreement: CountsAgreement) {
    self.init(name: agreement.name, compared: agreement.compared, equal: agreement.equal)
  }
}

extension CountsSummary.Place {
  init(_ row: CountsRow) {
    self.init(
      line: row.line,
      kernel: row.kernel,
      cpu: row.cpu,
      memoryMib: row.memory.rawValue >> 20,
      backing: row.backingName,
      rewriteMib: row.rewrite.rawValue >> 20,
      phase: row.phase
    )
  }
}

extension CountsSummary.Place: CustomStringConvertible {
  /// The line, the run and the phase.
  package var description: String {
    "line \(line): \(kernel) \(cpu) \(memoryMib) MiB \(backing) rewrite \(rewriteMib) MiB \(phase)"
  }
}

extension CountsSummary.Mismatch {
  init(_ mismatch: CountsMismatch) {
    self.init(
      row: CountsSummary.Place(mismatch.row),
      column: mismatch.column,
      captured: mismatch.captured,
      modelled: mismatch.modelled
    )
  }
}
