// SPDX-License-Identifier: GPL-3.0-or-later

/// A validation as it is printed: every fact with its distance, then the tally of each source.
package struct ValidationSummary: Sendable, Encodable {
  /// One fact's line.
  package struct Row: Sendable, Encodable {
    /// The fact's name.
    package let id: String
    /// What it says.
    package let says: String
    /// Where it is from.
    package let source: String
    /// Whether it may set parameters.
    package let use: Fact.Use
    /// Whether a miss fails the validation.
    package let isGated: Bool
    /// The metric.
    package let metric: Measure
    /// The claim as text.
    package let claim: String
    /// The mean over the seeds of what the claim is about; nil where it could not be run.
    package let predicted: Double?
    /// The smallest over the seeds.
    package let low: Double?
    /// The largest over the seeds.
    package let high: Double?
    /// Predicted over claimed.
    package let ratio: Double?
    /// `holds`, `misses` or `not run`.
    package let verdict: String
    /// Why it could not be run, or the mechanism behind the prediction; may be empty.
    package let note: String

    enum CodingKeys: String, CodingKey {
      case id, says, source, use
      case isGated = "gated"
      case metric, claim, predicted, low, high, ratio, verdict, note
    }
  }

  /// How many facts of a source hold.
  package struct Tally: Sendable, Encodable {
    /// The source.
    package let source: String
    /// Facts of use `score` that hold.
    package let scoredHold: Int
    /// Facts of use `score`.
    package let scored: Int
    /// Facts of use `fit` that are met; they score nothing.
    package let fittedHold: Int
    /// Facts of use `fit`.
    package let fitted: Int

    enum CodingKeys: String, CodingKey {
      case source, scored, fitted
      case scoredHold = "scored_hold"
      case fittedHold = "fitted_hold"
    }
  }

  /// The facts in the order of the files.
  package let rows: [Row]
  /// The tallies in the order in which sources first appear.
  package let sources: [Tally]
  /// What the files know and cannot express.
  package let unexpressed: [FactFile.Unexpressed]
  /// Whether every gated fact holds.
  package let passes: Bool

  /// Sums up results.
  package init(_ results: [FactResult], unexpressed: [FactFile.Unexpressed]) {
    rows = results.map(Row.init)
    var names: [String] = []
    for result in results where !names.contains(result.fact.source) {
      names.append(result.fact.source)
    }
    sources = names.map { name in
      let own = results.filter { $0.fact.source == name }
      func count(_ use: Fact.Use, holding: Bool) -> Int {
        own.count { $0.fact.use == use && (!holding || $0.verdict?.holds == true) }
      }
      return Tally(
        source: name,
        scoredHold: count(.score, holding: true),
        scored: count(.score, holding: false),
        fittedHold: count(.fit, holding: true),
        fitted: count(.fit, holding: false)
      )
    }
    self.unexpressed = unexpressed
    passes = !results.contains(where: \.fails)
  }
}

extension ValidationSummary.Row {
  init(_ result: FactResult) {
    let fact = result.fact
    self.init(
      id: fact.id,
      says: fact.says,
      source: fact.source,
      use: fact.use,
      isGated: fact.isGated,
      metric: fact.metric,
      claim: fact.claimText,
      predicted: result.claimed,
      low: result.spread?.lowerBound,
      high: result.spread?.upperBound,
      ratio: result.verdict?.ratio,
      verdict: result.verdict.map { $0.holds ? "holds" : "misses" } ?? "not run",
      note: result.failure?.description ?? fact.mechanism
    )
  }
}
