// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// A comparison of event counts as it is printed: agreement, every mismatch, what is left out.
public struct CountsSummary: Sendable, Encodable {
  /// Agreement of one column or phase.
  public struct Agreement: Sendable, Encodable {
    /// The column or phase.
    public let name: String
    /// Cells that were compared.
    public let compared: Int64
    /// Cells that are equal.
    public let equal: Int64
  }

  /// Which row of the file.
  public struct Place: Sendable, Encodable {
    /// The line in the file, counted from one.
    public let line: Int
    /// The kernel as written.
    public let kernel: String
    /// The CPU as written.
    public let cpu: String
    /// Size of the slot in MiB.
    public let memoryMib: Int64
    /// What the memory stands on, as written.
    public let backing: String
    /// How much is written again, in MiB.
    public let rewriteMib: Int64
    /// The phase.
    public let phase: String

    enum CodingKeys: String, CodingKey {
      case line, kernel, cpu, backing, phase
      case memoryMib = "memory_mib"
      case rewriteMib = "rewrite_mib"
    }
  }

  /// A cell in which the file and the model differ.
  public struct Mismatch: Sendable, Encodable {
    /// The row.
    public let row: Place
    /// The column.
    public let column: String
    /// What the file says.
    public let captured: Int64
    /// What the model counts.
    public let modelled: Int64
  }

  /// A row that could not be replayed.
  public struct Skip: Sendable, Encodable {
    /// The row.
    public let row: Place
    /// Why.
    public let reason: String
  }

  /// Columns that are not compared.
  public struct Omission: Sendable, Encodable {
    /// The columns.
    public let columns: [String]
    /// Where they are left out.
    public let place: String
    /// Why.
    public let reason: String
  }

  /// The file as the caller named it.
  public let file: String
  /// Rows in the file.
  public let rows: Int
  /// Rows that were replayed.
  public let replayed: Int
  /// Every compared cell.
  public let cells: Agreement
  /// Agreement by column.
  public let columns: [Agreement]
  /// Agreement by phase.
  public let phases: [Agreement]
  /// Every cell that differs.
  public let mismatches: [Mismatch]
  /// Rows that could not be replayed.
  public let skipped: [Skip]
  /// What is not compared, and why.
  public let omitted: [Omission]
  /// Columns whose compared cells all hold one value: the file does not test them.
  public let untested: [String]
  /// CPUs whose erratum was read off the file itself.
  public let inferred: [String]
  /// Whether every row was replayed and every compared cell is equal.
  public let passes: Bool

  /// Sums up a comparison.
  public init(_ validation: CountsValidation) {
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
    omitted = CountsValidation.omissions.map {
      Omission(columns: $0.columns, place: $0.place, reason: $0.reason)
    }
    untested = validation.untested
    inferred = validation.inferred
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
  public var description: String {
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
