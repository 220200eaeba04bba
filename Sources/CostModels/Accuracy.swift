// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations

/// The error of one response's model on runs that it never saw.
package struct Accuracy: Hashable, Sendable, Codable {
  /// The response.
  package let response: Response
  /// Runs it was measured on; censored ones are left out.
  package let runs: Int
  /// What errors are measured in: percent of the value for times, points for shares.
  package let unit: ErrorUnit
  /// The median error.
  package let median: Double
  /// The error that nine in ten runs stay under.
  package let ninetieth: Double
  /// The share of runs that lie in their 90 % interval.
  package let coverage: Double
  /// The same among the best twentieth of each group, and how many those are.
  package let coverageOfBest: Double
  /// How many runs are the best twentieth.
  package let bestRuns: Int

  /// What an error is measured in.
  package enum ErrorUnit: String, Hashable, Sendable, Codable {
    /// Percent of the value.
    case percent
    /// Percentage points; of the connections tried where connections are counted.
    case points
  }

  /// Whether the response follows from structure to a hundredth of its unit in nine runs of ten.
  ///
  /// Its intervals are then as wide as rounding, which is why more than nine in ten hit them.
  package var isExact: Bool { runs > 0 && ninetieth < 0.01 }

  enum CodingKeys: String, CodingKey {
    case response
    case runs = "run_count"
    case unit = "error_unit"
    case median = "error_median"
    case ninetieth = "error_p90"
    case coverage = "coverage_90_share"
    case coverageOfBest = "coverage_90_of_best_share"
    case bestRuns = "best_run_count"
  }

  /// Measures a model on runs.
  package init(of model: ResponseModel, on runs: [Observation]) {
    self.init(
      response: model.response,
      on: runs,
      estimates: runs.map { run in
        run.value(of: model.response) == nil ? nil : model.predict(run.features)
      }
    )
  }

  /// Measures estimates, one a run and nil where the run has no such response.
  init(response: Response, on runs: [Observation], estimates: [ResponseEstimate?]) {
    self.response = response
    unit = ErrorUnit(of: response)
    var errors: [Double] = []
    var covered: [(group: Int, value: Double, hit: Bool)] = []
    for (run, estimate) in zip(runs, estimates) {
      guard let estimate, let value = run.value(of: response), !run.isCensored else { continue }
      errors.append(run.error(of: response, predicted: estimate.value, value: value))
      covered.append((run.group, value, estimate.low <= value && value <= estimate.high))
    }
    errors.sort()
    self.runs = errors.count
    median = Self.quantile(errors, 0.5)
    ninetieth = Self.quantile(errors, 0.9)
    coverage = Self.share(covered.map(\.hit))
    let best = Self.best(covered, direction: response.direction)
    coverageOfBest = Self.share(best)
    bestRuns = best.count
  }

  /// The hits of the best twentieth of each group, groups in order.
  private static func best(
    _ runs: [(group: Int, value: Double, hit: Bool)],
    direction: Response.Direction
  ) -> [Bool] {
    var hits: [Bool] = []
    for group in Set(runs.map(\.group)).sorted() {
      let ordered = runs.filter { $0.group == group }.sorted {
        direction == .lower ? $0.value < $1.value : $0.value > $1.value
      }
      hits += ordered.prefix((ordered.count + 19) / 20).map(\.hit)
    }
    return hits
  }

  private static func share(_ hits: [Bool]) -> Double {
    hits.isEmpty ? 0 : Double(hits.count { $0 }) / Double(hits.count)
  }

  /// The quantile of sorted values; zero where there are none.
  package static func quantile(_ sorted: [Double], _ level: Double) -> Double {
    guard !sorted.isEmpty else { return 0 }
    return sorted[min(sorted.count - 1, Int(Double(sorted.count) * level))]
  }
}

extension Accuracy.ErrorUnit {
  /// The unit of a response's errors.
  init(of response: Response) {
    switch response.unit {
    case .nanoseconds: self = .percent
    case .share, .count: self = .points
    }
  }

  /// The error of a prediction in this unit; points are of `scale`.
  func error(_ predicted: Double, _ value: Double, scale: Double = 1) -> Double {
    let difference = (predicted - value).magnitude / scale
    switch self {
    case .percent: return 100 * difference / max(value.magnitude, 1_000)
    case .points: return 100 * difference
    }
  }
}
