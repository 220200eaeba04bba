// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
package import Tuning

extension HostCheck {
  /// How many steps are done, then each step with its verdict and what was read.
  package func text() -> String {
    var lines = [""]
    lines += Paragraph(label: "check", sentences: [summary] + notes).lines()
    for step in steps {
      lines += Self.lines(of: step)
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private var summary: String {
    guard !steps.isEmpty else { return "\(root): no step is to be taken" }
    let counts = StepVerdict.allCases.map { "\(count(of: $0)) \($0.words)" }
    return "\(root): " + counts.joined(separator: ", ")
  }

  /// Files that are shown of a step.
  private static let shown = 6

  private static func lines(of check: StepCheck) -> [String] {
    let head = "    " + Paragraph.padded(check.verdict.words, margin - 4)
    let space = String(repeating: " ", count: margin)
    let step = Paragraph.wrapped(
      "\(check.step.place): \(check.step.text)",
      width: Paragraph.width - margin
    )
    var facts = [check.reason]
    facts += check.readings.prefix(shown).map {
      "\($0.source): \(displayed($0.says, keepsLines: false))"
    }
    let left = check.readings.count - shown
    if left > 0 { facts.append("and \(left) more: --format json") }
    let found = facts.flatMap { Paragraph.wrapped($0, width: Paragraph.width - margin - 2) }
    return step.enumerated().map { ($0 == 0 ? head : space) + $1 } + found.map { space + "  " + $0 }
  }

  /// Columns before a step.
  private static let margin = 17
}

extension StepVerdict {
  /// The verdict as it is read.
  fileprivate var words: String {
    switch self {
    case .done: "done"
    case .notDone: "not done"
    case .cannotTell: "cannot tell"
    }
  }
}
