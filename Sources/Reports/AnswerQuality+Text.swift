// SPDX-License-Identifier: GPL-3.0-or-later

package import Tuning

extension AnswerQuality {
  /// The sums beside their targets, then one line an answer and what does not hold of it.
  package func text() -> String {
    var sums = TextTable(
      columns: [
        .init("measure"), .init("value", isNumber: true), .init("target", isNumber: true),
      ]
    )
    sums.append(["figures within their interval", percent(insideShare), "90 %"])
    sums.append(["policies whose limits are judged alike", percent(alikeShare), "98 %"])
    sums.append(["policies said to be undecided, of all", "\(undecided) of \(policies)", ""])
    sums.append(["verdicts that contradict a row", "\(contradictions)", "0"])
    sums.append(["changes that may be left out", "\(idle)", "0"])
    var table = TextTable(
      columns: [
        .init("question"), .init("verdict"), .init("inside"), .init("alike"), .init("idle"),
        .init("recommended"),
      ]
    )
    for one in checks {
      table.append(
        [
          one.name, one.verdict.rawValue, "\(one.inside)/\(one.figures)",
          "\(one.alike)/\(one.judged)", "\(one.idle.count)/\(one.changes)", one.policy ?? "-",
        ]
      )
    }
    let notes = checks.flatMap { one in
      (one.contradictions + one.idle.map { "\($0) may be left out" }
        + one.unlike.map { "\($0): fresh runs judge its limits otherwise" } + one.misses)
        .map { "\(one.name): \($0)" }
    }
    let head =
      "\(checks.count) answers, checked by whole runs of fresh seeds, simulator \(simulator)\n"
    return head + "\n" + sums.text() + "\n" + table.text() + (notes.isEmpty ? "" : "\n")
      + notes.map { $0 + "\n" }.joined()
  }
}
