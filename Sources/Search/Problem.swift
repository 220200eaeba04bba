// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

/// Which way a response is better.
public enum Direction: String, Hashable, Sendable, CaseIterable, Codable {
  /// Less is better.
  case minimize
  /// More is better.
  case maximize
}

/// How a response is compared and modelled: as it is, or by its logarithm.
public enum ResponseScale: String, Hashable, Sendable, CaseIterable, Codable {
  /// Differences count.
  case linear
  /// Factors count; values are positive, and zero counts as the least positive number.
  case logarithmic
}

/// One number that an evaluation yields.
public struct Response: Hashable, Sendable, Codable {
  /// The name, with its unit where it has one, such as `teardown_time_s`.
  public let name: String
  /// Which way it is better.
  public let direction: Direction
  /// How it is modelled.
  public let scale: ResponseScale

  /// Creates a response.
  public init(_ name: String, _ direction: Direction, scale: ResponseScale = .linear) {
    self.name = name
    self.direction = direction
    self.scale = scale
  }

  /// The value as a cost on the response's scale: less is better, not-a-number is the worst.
  public func cost(_ value: Double) -> Double {
    guard !value.isNaN else { return .infinity }
    let scaled: Double =
      switch scale {
      case .linear: value
      case .logarithmic: log(max(value, .leastNormalMagnitude))
      }
    return direction == .minimize ? scaled : -scaled
  }

  /// The value that has this cost.
  public func value(ofCost cost: Double) -> Double {
    let scaled = direction == .minimize ? cost : -cost
    return scale == .linear ? scaled : exp(scaled)
  }
}

/// A limit on one response: at most the bound where less is better, else at least the bound.
public struct Constraint: Hashable, Sendable, Codable {
  /// The index of the response.
  public let response: Int
  /// The limit, in the response's own unit.
  public let bound: Double

  /// Creates a limit on the response at an index.
  public init(response: Int, bound: Double) {
    self.response = response
    self.bound = bound
  }
}

/// What is searched for: responses, which of them are objectives, and limits.
public struct Problem: Hashable, Sendable {
  /// Every response of an evaluation, in the order of its values.
  public let responses: [Response]
  /// Indices of the responses that are objectives, at least one.
  public let objectives: [Int]
  /// Limits that a solution must keep.
  public let constraints: [Constraint]

  /// Creates a problem; objectives and constraints name responses by index.
  public init(responses: [Response], objectives: [Int], constraints: [Constraint] = []) {
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
  public func costs(of values: [Double]) -> [Double] {
    objectives.map { responses[$0].cost(values[$0]) }
  }

  /// By how much each limit is broken, on the response's scale: zero or less where it is kept.
  ///
  /// This is the one test of feasibility; every view goes through it.
  public func violations(of values: [Double]) -> [Double] {
    constraints.map { limit in
      let response = responses[limit.response]
      return response.cost(values[limit.response]) - response.cost(limit.bound)
    }
  }

  /// Whether an evaluation keeps every limit.
  public func isFeasible(_ values: [Double]) -> Bool {
    violations(of: values).allSatisfy { $0 <= 0 }
  }

  /// The sum of the limits' violations, zero where all are kept: how far from feasible.
  public func violation(of values: [Double]) -> Double {
    violations(of: values).reduce(0) { $0 + max(0, $1) }
  }
}

/// An evaluated point.
public struct Observation: Hashable, Sendable, Codable {
  /// The index of the point among the space's canonical points.
  public let point: Int
  /// The responses, in the problem's order; infinity is legal and means "worst".
  public let values: [Double]

  /// Creates an observation.
  public init(point: Int, values: [Double]) {
    self.point = point
    self.values = values
  }
}
