// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations
import Operations
package import Policies
package import Profiles
import Quantities

/// How far the objective moves where one value of the host that nobody measured is half or twice as much.
///
/// What the cost model says, value by value; the value that moves it most is the one to measure first.
package struct HostValueAnswer: Hashable, Sendable, Codable {
  /// A predicted objective with half the value and with twice the value, in the response's unit.
  package struct Reach: Hashable, Sendable, Codable {
    /// With half the value.
    package let half: Double
    /// With the value as it is.
    package let asIs: Double
    /// With twice the value.
    package let twice: Double

    enum CodingKeys: String, CodingKey {
      case half
      case asIs = "as_is"
      case twice
    }

    /// The larger of both moves, as a factor of at least one.
    package var factor: Double {
      let moves = [half, twice].map { other -> Double in
        guard asIs > 0, other > 0 else { return other == asIs ? 1 : .infinity }
        return max(other / asIs, asIs / other)
      }
      return moves.max() ?? 1
    }
  }

  /// One value.
  package struct Row: Hashable, Sendable, Codable {
    /// The key of the host's profile.
    package let key: String
    /// The value as it is written.
    package let value: String
    /// What it is.
    package let summary: String
    /// Why this value was assumed.
    package let why: String
    /// Under the present policy.
    package let now: Reach
    /// Under the recommended policy; nil where that is the present one or there is none.
    package let recommended: Reach?
    /// Whether the better of both policies is another with half or twice the value.
    package let turns: Bool

    /// The larger move of both policies.
    package var factor: Double { max(now.factor, recommended?.factor ?? 1) }
  }

  /// What is predicted.
  package let response: Response
  /// The cost model's identity.
  package let model: String
  /// The values that move the objective by a hundredth or more, the one that moves it most first.
  package let rows: [Row]
  /// How many assumed values move it less.
  package let others: Int
}

/// Halves and doubles what is assumed of a host.
package struct HostValueStudy: Sendable {
  private let question: Question
  private let predictor: any PolicyPredictor

  /// Creates a study of a question's host.
  package init(_ question: Question, predictor: any PolicyPredictor) {
    (self.question, self.predictor) = (question, predictor)
  }

  /// Moves of the objective by a factor below this one are not told.
  private static let least = 1.01

  /// The answer for the present and the recommended policy; nil where the model does not know the
  /// objective.
  package func answer(
    _ host: Loaded<HostProfile>,
    recommended: Policy?
  ) throws(TuningError) -> HostValueAnswer? {
    let policies = [question.presentPolicy] + [recommended].compactMap(\.self)
    let response = question.goal.response
    func values(_ question: Question) throws(TuningError) -> [Double]? {
      var values: [Double] = []
      for policy in policies {
        guard let known = try predictor.predictions(question, policy: policy)[response] else {
          return nil
        }
        values.append(known.value)
      }
      return values
    }
    guard let base = try values(question) else { return nil }
    var (rows, others) = ([HostValueAnswer.Row](), 0)
    for entry in host.entries where entry.provenance == .assumed {
      guard let key = HostProfile.keys.first(where: { $0.name == entry.key }),
        let half = question.with(key, times: 0.5), let twice = question.with(key, times: 2),
        let low = try values(half), let high = try values(twice)
      else { continue }
      let reaches = base.indices.map {
        HostValueAnswer.Reach(half: low[$0], asIs: base[$0], twice: high[$0])
      }
      let turns = [low, high].contains { moved in
        moved.count > 1 && base.count > 1 && (moved[0] < moved[1]) != (base[0] < base[1])
      }
      let row = HostValueAnswer.Row(
        key: entry.key,
        value: entry.value,
        summary: key.summary,
        why: entry.why,
        now: reaches[0],
        recommended: reaches.count > 1 ? reaches[1] : nil,
        turns: turns
      )
      if row.factor >= Self.least { rows.append(row) } else { others += 1 }
    }
    return HostValueAnswer(
      response: response,
      model: predictor.identity,
      rows: rows.sorted { ($1.factor, $0.key) < ($0.factor, $1.key) },
      others: others
    )
  }
}

extension Question {
  /// The same question with a value of its host so many times as large; nil where the value is no size, or
  /// is not legal then.
  fileprivate func with(_ key: ProfileKey<HostProfile>, times factor: Double) -> Question? {
    var changed = self
    if let cost = key.cost {
      guard let value = cost.read(setup.host) else { return nil }
      cost.write(&changed.setup.host, .nanoseconds(value.inNanoseconds * factor))
    } else {
      guard let text = key.text(in: setup.host), let other = Self.scaled(text, by: factor),
        key.write(other, to: &changed.setup.host)
      else { return nil }
    }
    guard key.isLegal(in: changed.setup.host), (try? changed.setup.host.check()) != nil else {
      return nil
    }
    return changed
  }

  /// A time, a rate or a size as text, so many times as large; nil for anything else.
  private static func scaled(_ text: String, by factor: Double) -> String? {
    func times(_ value: Int64) -> Int64 { Int64(saturating: Double(value) * factor) }
    if let time = try? Nanoseconds(parsing: text) {
      return Nanoseconds(rawValue: times(time.rawValue)).compactText
    }
    if let rate = try? BitRate(parsing: text) { return "\(times(rate.rawValue))bit/s" }
    return nil
  }
}
