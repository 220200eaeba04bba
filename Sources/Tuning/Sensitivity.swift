// SPDX-License-Identifier: GPL-3.0-or-later

import CostModels
import class Foundation.ProcessInfo
package import Observations
import Policies
import Profiles
import Search

/// What of each response's spread over the policies of a question each knob accounts for.
///
/// Sobol's indices, exact: every policy of the space is predicted and summed over; see
/// `VarianceShares` for the distribution. Hazardous policies are part of the space, as they are of
/// the model's design.
package struct SensitivityAnswer: Hashable, Sendable, Codable {
  /// The version of the JSON form.
  package static let schemaVersion = 1

  /// The share of one knob in one response's variance.
  package struct Share: Hashable, Sendable, Codable {
    /// The knob, or a part of one such as `chunk.size`.
    package let knob: String
    /// What it does alone, 0 to 1.
    package let first: Double
    /// What it does alone and together with others, 0 to 1.
    package let total: Double

    enum CodingKeys: String, CodingKey {
      case knob
      case first = "first_order_share"
      case total = "total_share"
    }
  }

  /// One response.
  package struct Row: Hashable, Sendable, Codable {
    /// The response.
    package let response: Response
    /// What mean and deviation are measured in; on the model's scale they have no unit.
    package let unit: Response.Unit
    /// The mean over the space.
    package let mean: Double
    /// The standard deviation over the space.
    package let deviation: Double
    /// One share a knob, in the order of the space.
    package let shares: [Share]
    /// The share that no knob has alone.
    package let together: Double
    /// Distinct policies whose prediction lies beyond the model's runs.
    package let extrapolated: Int

    enum CodingKeys: String, CodingKey {
      case response, unit, mean
      case deviation = "standard_deviation"
      case shares
      case together = "interaction_share"
      case extrapolated = "extrapolated_policy_count"
    }
  }

  /// The version of the form this was written in.
  package let schema: Int
  /// The cost model's identity.
  package let model: String
  /// Which knobs are turned.
  package let knobs: KnobChoice
  /// What the variance is taken of.
  package let scale: SensitivityScale
  /// Points of the space: choices of levels of all knobs that matter.
  package let points: Int
  /// Distinct policies among them; several points may behave alike.
  package let policies: Int
  /// Levels that are impossible on this host, kernel and guest, and therefore left out.
  package let impossible: [String]
  /// One row a response that every policy has.
  package let rows: [Row]

  enum CodingKeys: String, CodingKey {
    case schema = "schema_version"
    case model, knobs, scale
    case points = "point_count"
    case policies = "distinct_policy_count"
    case impossible = "impossible_levels"
    case rows = "responses"
  }
}

/// What a variance is taken of.
package enum SensitivityScale: String, Hashable, Sendable, CaseIterable, Codable {
  /// The response in its unit: long times decide.
  case value
  /// The scale it is modelled on: logarithms of times, odds of shares.
  case model
}

/// Decomposes the variance of a question's predicted responses over its policies.
package struct SensitivityStudy: Sendable {
  private let question: Question
  private let predictor: any PolicyPredictor

  /// Creates a study of a question's policies; its knobs and thinning say which.
  package init(_ question: Question, predictor: any PolicyPredictor) {
    self.question = question
    self.predictor = predictor
  }

  /// Predicts every policy and decomposes.
  ///
  /// - Parameter scale: What the variance is taken of.
  /// - Returns: The shares of every knob that has more than one level.
  /// - Throws: `impossiblePolicy` where possible levels make an impossible policy together, so
  ///   that knobs are not independent; or the predictor's sentence.
  package func answer(scale: SensitivityScale = .value) throws(TuningError) -> SensitivityAnswer {
    let grid = try PolicyGrid(question)
    var seen: Set<Policy> = []
    let policies = grid.policies.filter { seen.insert($0).inserted }
    let workers = ProcessInfo.processInfo.activeProcessorCount
    let predicted = try predictor.predictions(question, of: policies, workers: workers)
    let known = Dictionary(uniqueKeysWithValues: zip(policies, predicted))
    let responses = Response.allCases.filter { response in
      known.values.allSatisfy { $0[response] != nil }
    }
    var rows: [SensitivityAnswer.Row] = []
    for response in responses { rows.append(try row(response, grid, known, scale)) }
    return SensitivityAnswer(
      schema: SensitivityAnswer.schemaVersion,
      model: predictor.identity,
      knobs: question.knobs,
      scale: scale,
      points: grid.policies.count,
      policies: known.count,
      impossible: grid.impossible,
      rows: rows
    )
  }

  private func row(
    _ response: Response,
    _ grid: PolicyGrid,
    _ known: [Policy: [Response: PredictedValue]],
    _ scale: SensitivityScale
  ) throws(TuningError) -> SensitivityAnswer.Row {
    let ruler = ResponseScale(of: response)
    let values = grid.policies.map { policy in
      let value = known[policy]?[response]?.value ?? 0
      return scale == .value ? value : ruler.forward(value)
    }
    let found: VarianceShares
    do {
      found = try VarianceShares(of: grid.space) { values[$0] }
    } catch {
      throw .impossiblePolicy(error.description)
    }
    let decided = zip(grid.space.dimensions, found.shares).filter { $0.0.levels.count > 1 }
    return SensitivityAnswer.Row(
      response: response,
      unit: response.unit,
      mean: found.mean,
      deviation: found.variance.squareRoot(),
      shares: decided.map { .init(knob: $1.dimension, first: $1.first, total: $1.total) },
      together: found.variance == 0
        ? 0 : max(0, 1 - found.shares.reduce(0) { $0 + $1.first }),
      extrapolated: known.values.count { $0[response]?.isExtrapolated == true }
    )
  }
}

/// The knobs of a question as independent dimensions: no level that is impossible by itself, and
/// a policy for every choice of the others.
struct PolicyGrid {
  /// The space; none of its points is left out.
  let space: Space
  /// The policy at each point, canonical: several points may have one.
  let policies: [Policy]
  /// The levels that no possible policy has, as `knob=level`.
  let impossible: [String]

  init(_ question: Question) throws(TuningError) {
    let outline = KnobOutline(question)
    let whole = try Self.space(outline.dimensions)
    let all = Self.policies(whole, outline, question)
    var possible = whole.dimensions.map { $0.levels.map { _ in false } }
    for (point, policy) in zip(whole.points, all) where policy != nil {
      for place in point.levels.indices where whole.isActive(place, at: point) {
        possible[place][point.levels[place]] = true
      }
    }
    impossible = zip(whole.dimensions, possible).flatMap { dimension, flags in
      zip(dimension.levels, flags).filter { !$0.1 }.map { "\(dimension.name)=\($0.0.label)" }
    }
    space = try Self.space(Self.kept(whole.dimensions, possible))
    let policies = Self.policies(space, outline, question)
    if let hole = policies.firstIndex(of: nil) {
      let labels = space.labels(of: space.points[hole]).map { "\($0.dimension)=\($0.label)" }
      throw .impossiblePolicy(
        "\(labels.joined(separator: ",")) is impossible here though each of its levels is not, so "
          + "the knobs are not independent"
      )
    }
    self.policies = policies.compactMap { $0 }
  }

  private static func space(_ dimensions: [Dimension]) throws(TuningError) -> Space {
    do {
      return try Space(dimensions)
    } catch {
      throw .impossiblePolicy(error.description)
    }
  }

  /// The canonical policy at each point, or nil where it is impossible.
  private static func policies(
    _ space: Space,
    _ outline: KnobOutline,
    _ question: Question
  ) -> [Policy?] {
    let setting = question.setting
    return space.points.map { point in
      let policy = outline.policy(space.labels(of: point)).canonical(in: setting)
      return (try? policy.validate(in: setting)) == nil ? nil : policy
    }
  }

  /// The dimensions with their possible levels only; one without any goes.
  private static func kept(_ dimensions: [Dimension], _ possible: [[Bool]]) -> [Dimension] {
    var levels: [String: [Level]] = [:]
    for (dimension, flags) in zip(dimensions, possible) {
      levels[dimension.name] = zip(dimension.levels, flags).filter { $0.1 }.map(\.0)
    }
    return dimensions.compactMap { dimension in
      guard let own = levels[dimension.name], !own.isEmpty else { return nil }
      let conditions = dimension.conditions.map { condition in
        let labels = levels[condition.dimension]?.map(\.label) ?? []
        return Condition(condition.dimension, in: condition.levels.filter { labels.contains($0) })
      }
      return Dimension(dimension.name, tag: dimension.tag, levels: own, when: conditions)
    }
  }
}
