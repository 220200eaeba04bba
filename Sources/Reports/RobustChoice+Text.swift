// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
package import Tuning

extension RobustChoice {
  /// What was asked, one line a candidate, and which of them is best.
  package func text(kernel: String) -> String {
    var table = TextTable(
      columns: [.init("candidate")]
        + ["keeps", "of now's", "fails", "slower", "worst regret", "mean regret"].map {
          .init($0, isNumber: true)
        }
    )
    let keptNow = row(RobustCandidate.now.name)?.kept ?? 0
    for row in rows {
      table.append(
        [
          row.candidate, "\(row.kept)", "\(row.keptOfNow) of \(keptNow)",
          "\(row.failures)" + (row.regressions > 0 ? " (\(row.regressions) new)" : ""),
          "\(row.slower)", Self.text(row.worst), Self.text(row.mean),
        ]
      )
    }
    let scope = [(checks.count, "question"), (count(0), "host"), (count(2), "workload")].map {
      "\($0) \($1)\($0 == 1 ? "" : "s")"
    }
    let head = Paragraph.wrapped(
      "One constant for Linux \(kernel) over \(scope[0]) (\(scope[1]), \(scope[2])), simulator "
        + "\(simulator): \(runs) runs of each candidate, teardowns on \(memory) of a "
        + "guest's memory, or as much as takes a second",
      width: Paragraph.width
    )
    let isTime = chunk != minimax
    let found = [
      Paragraph(label: "minimax", sentences: sentences(minimax, "at most", \.worst)),
      Paragraph(label: "chunk", sentences: isTime ? sentences(chunk, "at most", \.worst) : []),
      Paragraph(label: "mean", sentences: sentences(mean, "on the mean", \.mean)),
      Paragraph(label: "how", sentences: Self.how),
    ]
    return (head + ["", table.text()] + found.flatMap { $0.lines() }).joined(separator: "\n") + "\n"
  }

  /// How the table is read.
  private static let how = [
    "keeps: questions whose limits are all kept; fails: those where a limit is broken that another "
      + "candidate keeps, new where now keeps it; slower: those that now does not fail and whose "
      + "objective is clearly worse than now",
    "regret: the loss of the objective against the best that keeps the limits there, where the "
      + "candidate does not clearly fail; over 1000 % the objective in times of the best",
    "fewest failures win, then the least regret; what has a new one cannot win, and a tie within "
      + "1 % or within noise goes to now, then to the larger chunk",
  ]

  private func sentences(
    _ candidate: String,
    _ how: String,
    _ regret: KeyPath<RobustRow, Regret?>
  ) -> [String] {
    guard let row = row(candidate) else { return ["no question, no choice"] }
    let worst = row.worstQuestion.map { ", worst on \($0): \(Self.text(row.worst))" } ?? ""
    let verdict = "\(candidate): a regret of \(Self.text(row[keyPath: regret])) \(how)\(worst)"
    let fails = "fails on \(row.failures) of \(checks.count) questions"
    guard let now = self.row(RobustCandidate.now.name), candidate != now.candidate else {
      return [verdict, "\(fails); nothing that was run is better"]
    }
    return [verdict, "\(fails), now on \(now.failures); slower than now on \(row.slower)"]
  }

  private static func text(_ regret: Regret?) -> String {
    guard let regret else { return "-" }
    // A share in thousands is read as a factor.
    guard regret.value < 10 else { return "\(significant(regret.value + 1)) times" }
    let margin = regret.margin >= 0.0005 ? " +- \(decimal(regret.margin * 100))" : ""
    return "\(decimal(regret.value * 100))\(margin) %"
  }

  /// Different names in a place of the questions' names.
  private func count(_ place: Int) -> Int {
    Set(
      checks.map { check in
        let parts = check.name.split(separator: " ").first?.split(separator: "/") ?? []
        return parts.count > place ? String(parts[place]) : check.name
      }
    ).count
  }

  private var runs: Int { checks.map(\.replicates).max() ?? 0 }

  private var memory: String {
    ByteCount(rawValue: checks.map(\.sample).max() ?? 0).description
  }
}
