// SPDX-License-Identifier: GPL-3.0-or-later

public import CostModels
import Profiles

/// How well a model predicts runs that it never saw, beside targets, noise and simpler ways.
public struct ModelEvaluation: Hashable, Sendable, Codable {
  /// One response.
  public struct Row: Hashable, Sendable, Codable {
    /// The error on the held-out runs, with the coverage of 90 % intervals.
    public let accuracy: Accuracy
    /// The same on runs near Pareto fronts, where there are any.
    public let nearFronts: Accuracy?
    /// The error that no model can avoid: of one replicate against the mean of the others.
    public let noise: Noise?
    /// What the error is to be.
    public let target: AccuracyTarget
    /// What misses the target and by how much; empty where all of it is met.
    public let misses: [String]

    enum CodingKeys: String, CodingKey {
      case accuracy
      case nearFronts = "near_fronts"
      case noise, target, misses
    }
  }

  /// The spread of replicates, in the unit of the response's accuracy.
  public struct Noise: Hashable, Sendable, Codable {
    /// The median error of a replicate.
    public let median: Double
    /// The error that nine in ten replicates stay under.
    public let ninetieth: Double
    /// Points that were replicated.
    public let points: Int

    enum CodingKeys: String, CodingKey {
      case median = "error_median"
      case ninetieth = "error_p90"
      case points = "point_count"
    }
  }

  /// What the model was made from.
  public let origin: ModelOrigin
  /// The seed of the held-out runs.
  public let seed: UInt64
  /// Held-out runs; none is of the model's own design.
  public let runs: Int
  /// Runs near Pareto fronts.
  public let frontRuns: Int
  /// One row a response.
  public let rows: [Row]
  /// Runs that the simpler ways were fitted to: those of the model's own design.
  public let rivalRuns: Int
  /// The errors of simpler ways on the same held-out runs.
  public let rivals: [RivalScore]

  enum CodingKeys: String, CodingKey {
    case origin, seed
    case runs = "run_count"
    case frontRuns = "front_run_count"
    case rows
    case rivalRuns = "rival_run_count"
    case rivals
  }

  /// Whether every response meets its target.
  public var meetsTargets: Bool { rows.allSatisfy(\.misses.isEmpty) }
}

/// Measures a model on runs of its own.
public struct ModelExamination: Sendable {
  /// The model.
  public let model: CostModel
  /// Held-out runs over the whole design.
  public let held: [Observation]
  /// Runs near Pareto fronts.
  public let nearFronts: [Observation]
  /// Runs of equal points that differ in their seed, one list a point.
  public let replicates: [[Observation]]

  /// Creates an examination.
  public init(
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
  public func rows() -> [ModelEvaluation.Row] {
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
