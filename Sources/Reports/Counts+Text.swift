// SPDX-License-Identifier: GPL-3.0-or-later

package import Calibration

extension CountsSummary {
  /// The comparison as text: agreement by column and phase, each mismatch in full, what is not
  /// compared and why, what the file does not test.
  package func text() -> String {
    var parts = [
      "\(file): \(replayed) of \(rows) rows replayed, \(cells.equal) of \(cells.compared) "
        + "compared cells equal\n",
      Self.table("column", columns), Self.table("phase", phases),
    ]
    if !mismatches.isEmpty {
      let lines = mismatches.map {
        "  \($0.row): \($0.column) is \($0.captured), the model says \($0.modelled)"
      }
      parts.append("Mismatches\n" + lines.joined(separator: "\n") + "\n")
    }
    if !skipped.isEmpty {
      let lines = skipped.map { "  \($0.row): \($0.reason)" }
      parts.append("Not replayed\n" + lines.joined(separator: "\n") + "\n")
    }
    parts.append(notCompared)
    if !untested.isEmpty {
      parts.append(
        "Untested by this file, because the column never varies\n  "
          + untested.joined(separator: ", ") + "\n"
      )
    }
    if !inferred.isEmpty {
      parts.append(
        "Errata read off the file's own barriers, the CPU or its kernel's update not being known\n  "
          + inferred.joined(separator: ", ") + "\n"
      )
    }
    if !ahead.isEmpty {
      let lines = ahead.map { "  \($0.row): \($0.maps) added" }
      parts.append(
        "Maps that no step of the phase makes, added as this release maps\n"
          + lines.joined(separator: "\n") + "\n"
      )
    }
    return parts.joined(separator: "\n")
  }

  private var notCompared: String {
    let lines = omitted.map { "  \($0.columns.joined(separator: ", ")), \($0.place): \($0.reason)" }
    return "Not compared\n" + lines.joined(separator: "\n") + "\n"
  }

  private static func table(_ title: String, _ agreements: [Agreement]) -> String {
    var table = TextTable(columns: [
      .init(title), .init("compared", isNumber: true), .init("equal", isNumber: true),
      .init("differ", isNumber: true),
    ])
    for one in agreements {
      table.append([
        one.name, String(one.compared), String(one.equal), String(one.compared - one.equal),
      ])
    }
    return table.text()
  }
}
