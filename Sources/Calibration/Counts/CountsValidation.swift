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
  /// Kernels on CPUs that are not known by name, whose erratum was read off the file itself.
  package private(set) var inferred: [String] = []

  /// What is left out and why, wherever it occurs.
  package static let omissions = [
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
    for row in counts.rows {
      switch replays.counts(row) {
      case .failure(let reason): skipped.append(CountsSkip(row: row, reason: reason.text))
      case .success(let modelled): compare(row, modelled, &values)
      }
    }
    for index in columns.indices { columns[index].neverVaries = values[index].count < 2 }
    inferred = replays.inferred
  }

  private mutating func compare(
    _ row: CountsRow,
    _ modelled: EventCounts,
    _ values: inout [Set<Int64>]
  ) {
    if phases.last?.name != row.phase, !phases.contains(where: { $0.name == row.phase }) {
      phases.append(CountsAgreement(name: row.phase))
    }
    let phase = phases.firstIndex { $0.name == row.phase } ?? 0
    for (index, column) in EventCounts.capturedColumns.enumerated()
    where Self.isCompared(column.name, row) {
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

  /// Whether a column is compared in a phase: walks are not where the host walks its own tables.
  static func isCompared(_ column: String, _ row: CountsRow) -> Bool {
    guard column == "walk_calls" || column == "table_loops" else { return true }
    if case .hugetlb = row.backing { return true }
    return !row.phase.hasSuffix(".fault")
  }
}

/// Replays by VM and series, so that each life is lived once.
struct ReplayCache {
  struct Failure: Error { let text: String }

  private struct Key: Hashable {
    let vm: CapturedVM
    let series: String
  }

  private var lives: [Key: Result<[String: EventCounts], Failure>] = [:]
  private var repeatsSync: [String: Bool] = [:]
  private(set) var inferred: [String] = []

  init(_ counts: KernelCounts) {
    for row in counts.rows where !Self.isKnown(row) {
      guard repeatsSync[row.machine] == nil, let repeats = row.repeatsSync else { continue }
      repeatsSync[row.machine] = repeats
      inferred.append(row.machine)
    }
  }

  /// QEMU's `max` has no erratum; Neoverse N1 was seen with it on 6.1 and later.
  private static func isKnown(_ row: CountsRow) -> Bool {
    let seen = KernelRelease(major: 6, minor: 1)
    return row.cpu == "max" || (row.cpu == "neoverse-n1" && row.release >= seen)
  }

  mutating func counts(_ row: CountsRow) -> Result<EventCounts, Failure> {
    let parts = row.phase.split(separator: ".", maxSplits: 1)
    guard parts.count == 2 else { return .failure(Failure(text: "no phase of this name")) }
    var features = row.features
    if let repeats = repeatsSync[row.machine] { features.repeatTLBISync = repeats }
    let key = Key(vm: CapturedVM(row, features: features), series: String(parts[0]))
    if lives[key] == nil { lives[key] = Self.live(key) }
    switch lives[key] {
    case .success(let phases):
      guard let counts = phases[row.phase] else {
        return .failure(Failure(text: "no phase of this name"))
      }
      return .success(counts)
    case .failure(let reason): return .failure(reason)
    case nil: return .failure(Failure(text: "not replayed"))
    }
  }

  private static func live(_ key: Key) -> Result<[String: EventCounts], Failure> {
    do {
      guard let replay = try PhaseReplay(key.vm, series: key.series) else {
        return .failure(Failure(text: "no series of this name"))
      }
      return .success(
        Dictionary(uniqueKeysWithValues: replay.phases.map { ($0.name, $0.counts) })
      )
    } catch {
      return .failure(Failure(text: error.description))
    }
  }
}

extension CountsRow {
  /// Whether the row's barriers show the erratum REPEAT_TLBI_SYNC; nil where it has no broadcast
  /// flush.
  fileprivate var repeatsSync: Bool? {
    let flushes = counts.ipaFlushes + counts.rangeFlushes + counts.vmidFlushes
    guard flushes > 0, let rules = try? ReleaseRules.rules(for: release) else { return nil }
    let atEntry =
      !features.virtualizationHostExtensions && rules.fullEntryBarrierAtEL2 ? flushes : 0
    return counts.dsbISH > 2 * flushes - counts.vmidFlushes + atEntry
  }

  /// Kernel and CPU together.
  fileprivate var machine: String { "\(kernel) \(cpu)" }
}
