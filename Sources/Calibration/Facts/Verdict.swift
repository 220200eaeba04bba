// SPDX-License-Identifier: GPL-3.0-or-later

/// How a prediction stands to a fact.
package struct FactVerdict: Hashable, Sendable, Codable {
  /// Whether the claim holds.
  package let holds: Bool
  /// The prediction over the claimed value (for bounds: over the bound); nil where that is zero.
  package let ratio: Double?

  /// Judges the predictions of several runs by their mean, or by how they scatter.
  package init(claim: Fact.Claim, predictions: [Double], versus: Double?) {
    let mean = FactResult.mean(predictions)
    guard case .contains(let value) = claim else {
      self.init(claim: claim, predicted: mean, versus: versus)
      return
    }
    let sorted = predictions.sorted()
    let tail = sorted.count / 20
    let middle = sorted[tail]...sorted[sorted.count - 1 - tail]
    self.init(holds: middle.contains(value), ratio: value == 0 ? nil : mean / value)
  }

  private init(holds: Bool, ratio: Double?) {
    self.holds = holds
    self.ratio = ratio
  }

  /// Judges a prediction: the metric of the run and, for comparing claims, of the compared run.
  package init(claim: Fact.Claim, predicted: Double, versus: Double?) {
    func over(_ value: Double) -> Double? { value == 0 ? nil : predicted / value }
    switch claim {
    case .point(let value, let tolerance):
      (holds, ratio) = (abs(predicted - value) <= tolerance * abs(value), over(value))
    case .within(let value, let distance):
      (holds, ratio) = (abs(predicted - value) <= distance, over(value))
    case .contains(let value): (holds, ratio) = (predicted == value, over(value))
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
