// SPDX-License-Identifier: GPL-3.0-or-later

/// Split-conformal intervals: quantiles of normalised errors on runs that no fit has seen.
///
/// Source: Lei, G'Sell, Rinaldo, Tibshirani and Wasserman (2018). An interval of level 0.9 covers a
/// further run with probability of at least 0.9, whatever the model, if runs are exchangeable.
package struct Conformal: Hashable, Sendable, Codable {
  /// The share of runs that an interval is to cover.
  package static let levels = [0.5, 0.8, 0.9, 0.95]

  /// The quantile of normalised errors for each of `levels`.
  package let quantiles: [Double]
  /// Runs the quantiles come from.
  package let runs: Int

  /// The fewest runs that bound the level 0.9: (runs + 1) x 0.9 must not exceed runs.
  package static let minimumRuns = 9

  /// Takes the quantiles of at least `minimumRuns` normalised errors, none negative.
  init(scores: [Double]) {
    let sorted = scores.sorted()
    runs = sorted.count
    quantiles = Self.levels.map { level in
      let rank = Int((Double(sorted.count + 1) * level).rounded(.up))
      return sorted[min(rank, sorted.count) - 1]
    }
  }

  /// The quantile of a level, interpolated between the levels that are kept.
  package func quantile(_ level: Double) -> Double {
    let upper = Self.levels.firstIndex { $0 >= level } ?? Self.levels.count - 1
    guard upper > 0 else { return quantiles[0] }
    let lower = upper - 1
    let share = (level - Self.levels[lower]) / (Self.levels[upper] - Self.levels[lower])
    return quantiles[lower] + min(1, share) * (quantiles[upper] - quantiles[lower])
  }
}
