// SPDX-License-Identifier: GPL-3.0-or-later

package import Tuning

extension SearchQuality {
  /// The figures beside their targets, then the cases and the strategies.
  package func text() -> String {
    var summary = TextTable(
      columns: [
        .init("measure"), .init("value", isNumber: true), .init("target", isNumber: true),
        .init("met"),
      ]
    )
    for figure in figures {
      summary.append(
        [
          figure.name, share(figure.value), share(figure.target), figure.isMet ? "yes" : "NO",
        ]
      )
    }
    let head =
      "\(cases.count) spaces simulated whole, \(seeds) seeds, \(runs) runs, simulator \(simulator)\n"
    return head + "\n" + summary.text() + "\n" + spaces().text() + "\n"
      + places().text() + "\n" + strategies().text()
  }

  /// One line a case: its space, its best policy, and what the recommender made of it.
  private func spaces() -> TextTable {
    var table = TextTable(
      columns: [
        .init("case"), .init("safe", isNumber: true), .init("hazardous", isNumber: true),
        .init("feasible", isNumber: true), .init("best inside"),
        .init("regret median", isNumber: true), .init("worst", isNumber: true),
        .init("limits broken", isNumber: true), .init("best policy"),
      ]
    )
    for one in cases {
      let regrets = one.queries.compactMap(\.regret).sorted()
      let broken = one.queries.count { ($0.excess ?? 0) > 0 }
      table.append(
        [
          one.name, "\(one.points)", "\(one.hazardous)", "\(one.feasible)",
          one.isBestInside ? "yes" : "no",
          regrets.isEmpty ? "-" : share(regrets[regrets.count / 2]),
          regrets.last.map { share($0) } ?? "-", "\(broken) of \(one.queries.count)", one.best,
        ]
      )
    }
    return table
  }

  /// One line an ordered knob of each best policy: its value, and the range it lies in.
  private func places() -> TextTable {
    var table = TextTable(
      columns: [
        .init("case"), .init("knob of the best policy"), .init("value", isNumber: true),
        .init("place", isNumber: true), .init("range"), .init("inside"),
      ]
    )
    for one in cases {
      for place in one.bestPlaces {
        table.append(
          [
            one.name, place.knob, place.value, "\(place.place) of \(place.of)",
            "\(place.low) to \(place.high)", place.isInside ? "yes" : "no",
          ]
        )
      }
    }
    return table
  }

  /// One line a strategy and budget: the share of the true hypervolume over all cases and seeds.
  private func strategies() -> TextTable {
    var table = TextTable(
      columns: [
        .init("strategy"), .init("simulations", isNumber: true), .init("mean", isNumber: true),
        .init("median", isNumber: true), .init("worst", isNumber: true),
      ]
    )
    var seen: [[String]] = []
    for score in cases.flatMap(\.volumes) {
      let key = [score.strategy, "\(score.budget)"]
      guard !seen.contains(key) else { continue }
      seen.append(key)
      let shares = cases.flatMap(\.volumes)
        .filter { $0.strategy == score.strategy && $0.budget == score.budget }
        .flatMap(\.shares).sorted()
      guard !shares.isEmpty else { continue }
      let mean = shares.reduce(0, +) / Double(shares.count)
      table.append(key + [share(mean), share(shares[shares.count / 2]), share(shares[0])])
    }
    return table
  }

  private func share(_ value: Double) -> String {
    value.isFinite ? decimal(value * 100, places: 2) + " %" : "none found"
  }
}
