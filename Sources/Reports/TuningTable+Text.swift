// SPDX-License-Identifier: GPL-3.0-or-later

import Profiles
package import Tuning

extension TuningTable {
  /// The table as aligned text: one line an entry, its objective and the IO that is kept.
  package func text() -> String {
    var table = TextTable(
      columns: [
        .init("host"), .init("kernel"), .init("workload"), .init("what changes"),
        .init("now", isNumber: true), .init("then", isNumber: true),
      ]
    )
    for entry in entries {
      let effect = entry.effects.first
      let values = [effect?.present, effect?.recommended].map { value in
        value.flatMap { value in effect.map { $0.response.text(value) } } ?? "-"
      }
      table.append([entry.host, entry.kernel, entry.workload, entry.choice] + values)
    }
    return table.text() + "\n\(entries.count) entries, \(engine)\n"
  }
}

extension TableEntry {
  /// What to do, in a few words.
  fileprivate var choice: String {
    switch verdict {
    case .keep: "nothing"
    case .noneFeasible: "nothing keeps the limits"
    case .change: changes.joined(separator: ",")
    }
  }

  /// The parts of the recommended policy's text that the present one does not have.
  private var changes: [String] {
    let now = present.split(separator: ",").map(String.init)
    let then = (recommended ?? "").split(separator: ",").map(String.init)
    return then.filter { !now.contains($0) }
  }
}

extension TableChange {
  /// Changes as aligned text.
  package static func text(_ changes: [TableChange]) -> String {
    var table = TextTable(
      columns: [.init("entry"), .init("field"), .init("old"), .init("new")]
    )
    for change in changes {
      table.append([change.entry, change.field, change.old ?? "-", change.new ?? "-"])
    }
    return table.text()
  }
}

extension VerifiedEntry {
  /// Verdicts as text: one line an entry, its findings below.
  package static func text(_ entries: [VerifiedEntry]) -> String {
    let lines = entries.flatMap { entry in
      ["\(entry.isConfirmed ? "confirmed" : "REFUTED  ")  \(entry.entry)"]
        + entry.findings.map { "           \($0)" }
    }
    let good = entries.count { $0.isConfirmed }
    return (lines + ["\(good) of \(entries.count) entries confirmed"]).joined(separator: "\n")
      + "\n"
  }
}
