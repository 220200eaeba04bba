// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

/// Which way a response is better.
package enum Direction: String, Hashable, Sendable, CaseIterable, Codable {
  /// Less is better.
  case minimize
  /// More is better.
  case maximize
}

/// How a response is compared and modelled: as it is, or by its logarithm.
package enum SearchScale: String, Hashable, Sendable, CaseIterable, Codable {
  /// Differences count.
  case linear
  /// Factors count; values are positive, and zero counts as the least positive number.
  case logarithmic
}

/// One number that an evaluation yields.
package struct SearchResponse: Hashable, Sendable, Codable {
  /// The name, with its unit where it has one, such as `teardown_time_s`.
  package let name: String
  /// Which way it is better.
  package let direction: Direction
  /// How it is modelled.
  package let scale: SearchScale

  /// Creates a response.
  package init(_ name: String, _ direction: Direction, scale: SearchScale = .linear) {
    self.name = name
    self.direction = direction
    self.scale = scale
  }

  /// The value as a cost on the response's scale: less is better, not-a-number is the worst.
  package func cost(_ value: Double) -> Double {
    guard !value.isNaN else { return .infinity }
    let scaled: Double =
      switch scale {
      case .linear: value
      case .logarithmic: log(max(value, .leastNormalMagnitude))
      }
    return direction == .minimize ? scaled : -scaled
  }

  /// The value that has this cost.
  package func value(ofCost cost: Double) -> Double {
    let scaled = direction == .minimize ? cost : -cost
    return scale == .linear ? scaled : exp(scaled)
  }
}

/// A limit on one response: at most the bound where less is better, else at least the bound.
package struct Constraint: Hashable, Sendable, Codable {
  /// The index of the response.
  package let response: Int
  /// The limit, in the response's own unit.
  package let bound: Double

  /// Creates a limit on the response at an index.
  package init(response: Int, bound: Double) {
    self.response = response
    self.bound = bound
  }
}

/// What is searched for: responses, which of them are objectives, and limits.
package struct Problem: Hashable, Sendable {
  /// Every response of an evaluation, in the order of its values.
  package let responses: [SearchResponse]
  /// Indices of the responses that are objectives, at least one.
  package let objectives: [Int]
  /// Limits that a solution must keep.
  package let constraints: [Constraint]

  /// Creates a problem; objectives and constraints name responses by index.
  package init(responses: [SearchResponse], objectives: [Int], constraints: [Constraint] = []) {
    precondition(!objectives.isEmpty, "a problem has an objective")
    precondition(objectives.allSatisfy(responses.indices.contains), "objectives are responses")
    precondition(
      constraints.allSatisfy { responses.indices.contains($0.response) },
      "constraints limit responses"
    )
    self.responses = responses
    self.objectives = objectives
    self.constraints = constraints
  }

  /// The objectives of an evaluation as costs, in the order of `objectives`.
  package func costs(of values: [Double]) -> [Double] {
    objectives.map { responses[$0].cost(values[$0]) }
  }

  /// By how much each limit is broken, on the response's scale: zero or less where it is kept.
  ///
  /// This is the one test of feasibility; every view goes through it.
  package func violations(of values: [Double]) -> [Double] {
    constraints.map { limit in
      let response = responses[limit.response]
      return response.cost(values[limit.response]) - response.cost(limit.bound)
    }
  }

  /// Whether an evaluation keeps every limit.
  package func isFeasible(_ values: [Double]) -> Bool {
    violations(of: values).allSatisfy { $0 <= 0 }
  }

  /// The sum of the limits' violations, zero where all are kept: how far from feasible.
  package func violation(of values: [Double]) -> Double {
    violations(of: values).reduce(0) { $0 + max(0, $1) }
  }
}

/// An evaluated point.
package struct EvaluatedPoint: Hashable, Sendable, Codable {
  /// The index of the point among the space's canonical points.
  package let point: Int
  /// The responses, in the problem's order; infinity is legal and means "worst".
  package let values: [Double]

  /// Creates an observation.
  package init(point: Int, values: [Double]) {
    self.point = point
    self.values = values
  }
}
