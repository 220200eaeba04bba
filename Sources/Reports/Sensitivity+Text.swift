// SPDX-License-Identifier: GPL-3.0-or-later

import Profiles
import Quantities
package import Tuning

extension SensitivityAnswer {
  /// The answer as text: one row a knob, one column a response, each cell alone / with others.
  package func text(_ context: AnswerContext) -> String {
    var lines = Paragraph.wrapped(context.heading, width: Paragraph.width)
    lines.append("")
    lines += table.text().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    for paragraph in [
      Paragraph(label: "read", sentences: reading),
      context.tested,
      Paragraph(label: "basis", sentences: basis + [context.provenance]),
    ] {
      lines += paragraph.lines()
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The shares in per cent of each response's variance.
  package var table: TextTable {
    var table = TextTable(
      columns: [.init("knob")] + rows.map { .init($0.response.title, isNumber: true) }
    )
    for place in rows.first?.shares.indices ?? 0..<0 {
      let cells = rows.map { row in
        let share = row.shares[place]
        return "\(Self.percent(share.first)) / \(Self.percent(share.total))"
      }
      table.append([rows[0].shares[place].knob] + cells)
    }
    table.append(["only together"] + rows.map { Self.percent($0.together) })
    if scale == .value {
      table.append(["mean"] + rows.map { $0.response.text($0.mean) })
      table.append(["deviation"] + rows.map { $0.response.text($0.deviation) })
    }
    return table
  }

  private var reading: [String] {
    let what = scale == .value ? "each response" : "each response on the scale it is modelled on"
    return [
      "per cent of the variance of \(what): what the knob does alone / alone and with others",
      "each knob is drawn from its levels with equal chance, independent of the others and whether "
        + "or not it then matters; hazardous policies are among them",
    ]
  }

  private var basis: [String] {
    let beyond = rows.map(\.extrapolated).max() ?? 0
    let left = impossible.isEmpty ? [] : ["impossible here: \(impossible.joined(separator: ", "))"]
    let far = beyond == 0 ? [] : ["up to \(beyond) of them lie beyond the model's runs"]
    return ["all \(points) points, \(policies) distinct policies, by cost model \(model)"] + far
      + left
  }

  /// A share in per cent with three digits, and nothing below a hundredth.
  private static func percent(_ share: Double) -> String {
    share < 0.0001 ? "0" : significant(100 * share, digits: share < 0.01 ? 1 : 3)
  }
}
