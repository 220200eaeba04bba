// SPDX-License-Identifier: GPL-3.0-or-later

package import Calibration
import Quantities

extension Recording {
  /// What a file says, as text.
  package func text() -> String {
    let paragraphs = [
      Paragraph(
        label: "sets",
        sentences: settings.map { "\($0.key)=\($0.value): \($0.reason)" }
      ),
      Paragraph(label: "shows", sentences: figures.map { "\($0.name) \($0.value)" }),
      Paragraph(label: "open", sentences: unknown),
      Paragraph(label: "ignored", sentences: ignored),
    ]
    let lines = ["\(file): \(kind.title)"] + paragraphs.flatMap { $0.lines() }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension [RecordingReplay.Row] {
  /// Measured beside predicted, as a table.
  package func text() -> String {
    var table = TextTable(columns: [
      .init("time or count"), .init("measured", isNumber: true), .init("predicted", isNumber: true),
      .init("ratio", isNumber: true), .init("by"),
    ])
    for row in self {
      func written(_ value: Double) -> String {
        row.isTime
          ? Nanoseconds(rawValue: Int64(saturating: value)).description : significant(value)
      }
      let ratio = row.predicted.map {
        row.measured > 0 ? significant($0 / row.measured, digits: 3) : "-"
      }
      table.append([
        row.name, written(row.measured), row.predicted.map(written) ?? "-", ratio ?? "-",
        row.operation ?? row.reason ?? "",
      ])
    }
    return table.text()
  }
}
