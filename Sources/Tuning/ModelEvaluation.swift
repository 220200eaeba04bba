// SPDX-License-Identifier: GPL-3.0-or-later

package import CostModels
import Observations
import Profiles

/// How well a model predicts runs that it never saw, beside targets, noise and simpler ways.
package struct ModelEvaluation: Hashable, Sendable, Codable {
  /// One response.
  package struct Row: Hashable, Sendable, Codable {
    /// The error on the held-out runs, with the coverage of 90 % intervals.
    package let accuracy: Accuracy
    /// The same on runs near Pareto fronts, where there are any.
    package let nearFronts: Accuracy?
    /// The error that no model can avoid: of one replicate against the mean of the others.
    package let noise: Noise?
    /// What the error is to be.
    package let target: AccuracyTarget
    /// What misses the target and by how much; empty where all of it is met.
    package let misses: [String]

    enum CodingKeys: String, CodingKey {
      case accuracy
      case nearFronts = "near_fronts"
      case noise, target, misses
    }
  }

  /// The spread of replicates, in the unit of the response's accuracy.
  package struct Noise: Hashable, Sendable, Codable {
    /// The median error of a replicate.
    package let median: Double
    /// The error that nine in ten replicates stay under.
    package let ninetieth: Double
    /// Points that were replicated.
    package let points: Int

    enum CodingKeys: String, CodingKey {
      case median = "error_median"
      case ninetieth = "error_p90"
      case points = "point_count"
    }
  }

  /// What the model was made from.
  package let origin: ModelOrigin
  /// The seed of the held-out runs.
  package let seed: UInt64
  /// Held-out runs; none is of the model's own design.
  package let runs: Int
  /// Runs near Pareto fronts.
  package let frontRuns: Int
  /// One row a response.
  package let rows: [Row]
  /// Runs that the simpler ways were fitted to: those of the model's own design.
  package let rivalRuns: Int
  /// The errors of simpler ways on the same held-out runs.
  package let rivals: [RivalScore]

  enum CodingKeys: String, CodingKey {
    case origin, seed
    case runs = "run_count"
    case frontRuns = "front_run_count"
    case rows
    case rivalRuns = "rival_run_count"
    case rivals
  }

  /// Whether every response meets its target.
  package var meetsTargets: Bool { rows.allSatisfy(\.misses.isEmpty) }
}

/// Measures a model on runs of its own.
package struct ModelExamination: Sendable {
  /// The model.
  package let model: CostModel
  /// Held-out runs over the whole design.
  package let held: [Observation]
  /// Runs near Pareto fronts.
  package let nearFronts: [Observation]
  /// Runs of equal points that differ in their seed, one list a point.
  package let replicates: [[Observation]]

  /// Creates an examination.
  package init(
    model: CostModel,
    held: [Observation],
    nearFronts: [Observation] = [],
    replicates: [[Observation]] = []
  ) {
    self.model = model
    self.held = held
    self.nearFronts = nearFronts
    self.replicates = replicates
  }

  /// One row for each response of the model.
  package func rows() -> [ModelEvaluation.Row] {
    model.models.map { fit in
      let accuracy = Accuracy(of: fit, on: held)
      let target = AccuracyTarget(for: fit.response)
      let front = nearFronts.isEmpty ? nil : Accuracy(of: fit, on: nearFronts)
      var misses = target.misses(accuracy)
      if let front, front.runs > 0, front.coverage < AccuracyTarget.coverageNearFronts {
        let distance = 100 * (AccuracyTarget.coverageNearFronts - front.coverage)
        misses.append("coverage near fronts by \(Int(distance.rounded(.up))) pt")
      }
      return ModelEvaluation.Row(
        accuracy: accuracy,
        nearFronts: front?.runs == 0 ? nil : front,
        noise: noise(of: fit.response),
        target: target,
        misses: misses
      )
    }
  }

  /// The error of each replicate against the mean of the others of its point.
  private func noise(of response: Response) -> ModelEvaluation.Noise? {
    var errors: [Double] = []
    var points = 0
    for runs in replicates {
      let values = runs.compactMap { $0.value(of: response) }
      guard values.count == runs.count, values.count > 1, let first = runs.first else { continue }
      points += 1
      let sum = values.reduce(0, +)
      for value in values {
        let others = (sum - value) / Double(values.count - 1)
        errors.append(first.error(of: response, predicted: others, value: value))
      }
    }
    guard points > 0 else { return nil }
    errors.sort()
    return ModelEvaluation.Noise(
      median: Accuracy.quantile(errors, 0.5),
      ninetieth: Accuracy.quantile(errors, 0.9),
      points: points
    )
  }
}
