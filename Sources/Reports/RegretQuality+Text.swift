// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
package import Tuning

extension RegretQuality {
  /// The sums beside their targets, then one line an answer.
  package func text() -> String {
    var sums = TextTable(
      columns: [
        .init("measure"), .init("value", isNumber: true), .init("target", isNumber: true),
      ]
    )
    sums.append(["regret, median", share(regret(0.5)), "1 %"])
    sums.append(["regret, p90", share(regret(0.9)), "5 %"])
    sums.append(["answers that wrongly say none", "\(falseNones)", "0"])
    sums.append(["answers that break a limit", "\(broken)", "-"])
    var table = TextTable(
      columns: [
        .init("question"), .init("regret", isNumber: true), .init("recommended"), .init("found"),
      ]
    )
    for one in checks {
      let kept = one.isKept == false ? " (breaks a limit)" : ""
      table.append(
        [
          one.name, one.regret.map { share($0) } ?? "-", (one.policy ?? "none") + kept,
          one.rival ?? "none",
        ]
      )
    }
    let trials = checks.map(\.trials).max() ?? 0
    let head =
      "\(checks.count) answers beside the best of \(trials) whole runs each, simulator \(simulator)\n"
    return head + "\n" + sums.text() + "\n" + table.text()
  }

  private func share(_ value: Double) -> String { decimal(value * 100, places: 2) + " %" }
}
