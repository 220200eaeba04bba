// SPDX-License-Identifier: GPL-3.0-or-later

/// How a prediction stands to a fact.
public struct Verdict: Hashable, Sendable, Codable {
  /// Whether the claim holds.
  public let holds: Bool
  /// The prediction over the claimed value (for bounds: over the bound); nil where that is zero.
  public let ratio: Double?

  /// Judges a prediction: the metric of the run and, for comparing claims, of the compared run.
  public init(claim: Fact.Claim, predicted: Double, versus: Double?) {
    func over(_ value: Double) -> Double? { value == 0 ? nil : predicted / value }
    switch claim {
    case .point(let value, let tolerance):
      (holds, ratio) = (abs(predicted - value) <= tolerance * abs(value), over(value))
    case .within(let value, let distance):
      (holds, ratio) = (abs(predicted - value) <= distance, over(value))
    case .atLeast(let bound): (holds, ratio) = (predicted >= bound, over(bound))
    case .atMost(let bound): (holds, ratio) = (predicted <= bound, over(bound))
    case .ratio(let value, let tolerance):
      let measured = versus.flatMap { $0 == 0 ? nil : predicted / $0 } ?? .nan
      (holds, ratio) = (abs(measured - value) <= tolerance * value, measured / value)
    case .below:
      (holds, ratio) = (versus.map { predicted < $0 } ?? false, versus.flatMap(over))
    }
  }
}
