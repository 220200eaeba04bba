// SPDX-License-Identifier: GPL-3.0-or-later

package import Calibration
import Quantities

extension MeasuredValidation {
  /// Measured beside predicted, the farthest first, and how far off in the middle and for nine of ten.
  package func text() -> String {
    var table = TextTable(columns: [
      .init("measured on \(host)"), .init("measured", isNumber: true),
      .init("predicted", isNumber: true), .init("ratio", isNumber: true), .init("judged"),
    ])
    for row in rows.sorted(by: { ($0.ratio - 1).magnitude > ($1.ratio - 1).magnitude }) {
      func written(_ value: Double) -> String {
        row.isTime ? time(nanoseconds: value) : significant(value, digits: 3)
      }
      table.append([
        row.name, written(row.measured), written(row.predicted), significant(row.ratio, digits: 3),
        row.wasFitted ? "no, fitted to" : "yes",
      ])
    }
    let errors = errors
    func percent(_ share: Double) -> String { significant(100 * share, digits: 2) + " %" }
    let summary =
      errors.isEmpty
      ? "nothing judges: the host's costs were fitted to all of these files"
      : "\(errors.count) values that no fit saw: \(percent(errors[errors.count / 2])) off in the middle, "
        + "\(percent(errors[errors.count * 9 / 10])) for nine of ten"
    let lines = [
      Paragraph(label: "judged", sentences: [summary]),
      Paragraph(label: "passed", sentences: passedOver),
    ].flatMap { $0.lines() }
    return table.text() + "\n" + lines.joined(separator: "\n") + "\n"
  }
}
