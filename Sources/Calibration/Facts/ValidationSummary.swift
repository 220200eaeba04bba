// SPDX-License-Identifier: GPL-3.0-or-later

/// A validation as it is printed: every fact with its distance, then the tally of each source.
public struct ValidationSummary: Sendable, Encodable {
  /// One fact's line.
  public struct Row: Sendable, Encodable {
    /// The fact's name.
    public let id: String
    /// What it says.
    public let says: String
    /// Where it is from.
    public let source: String
    /// Whether it may set parameters.
    public let use: Fact.Use
    /// Whether a miss fails the validation.
    public let isGated: Bool
    /// The metric.
    public let metric: Measure
    /// The claim as text.
    public let claim: String
    /// The mean over the seeds of what the claim is about; nil where it could not be run.
    public let predicted: Double?
    /// The smallest over the seeds.
    public let low: Double?
    /// The largest over the seeds.
    public let high: Double?
    /// Predicted over claimed.
    public let ratio: Double?
    /// `holds`, `misses` or `not run`.
    public let verdict: String
    /// Why it could not be run, or the mechanism behind the prediction; may be empty.
    public let note: String
  }

  /// How many facts of a source hold.
  public struct Tally: Sendable, Encodable {
    /// The source.
    public let source: String
    /// Facts of use `score` that hold.
    public let scoredHold: Int
    /// Facts of use `score`.
    public let scored: Int
    /// Facts of use `fit` that are met; they score nothing.
    public let fittedHold: Int
    /// Facts of use `fit`.
    public let fitted: Int
  }

  /// The facts in the order of the files.
  public let rows: [Row]
  /// The tallies in the order in which sources first appear.
  public let sources: [Tally]
  /// What the files know and cannot express.
  public let unexpressed: [FactFile.Unexpressed]
  /// Whether every gated fact holds.
  public let passes: Bool

  /// Sums up results.
  public init(_ results: [FactResult], unexpressed: [FactFile.Unexpressed]) {
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
