// SPDX-License-Identifier: GPL-3.0-or-later

/// A model that is followed by small steps: once enough was observed, the points that differ from the
/// best one in a single dimension come next.
///
/// A surrogate says little of a level that it has never seen beside the levels that matter. Each
/// level of a dimension without order is therefore tried once around the best point, and of those
/// with an order the two neighbours; where nothing is left to try, the model goes on. The best
/// point is the one with the least violation of limits, then the least first objective.
package struct PolishStrategy: Strategy {
  /// The name `polish`.
  package let name = "polish"
  private let space: Space
  private let problem: Problem
  private let start: Int
  private var model: ModelStrategy
  private var ledger: Ledger
  private var best: EvaluatedPoint?

  /// Creates the strategy for a space and problem.
  ///
  /// - Parameters:
  ///   - space: The space of the model.
  ///   - problem: The problem of the model.
  ///   - model: What chooses before `start` observations are made; it has observed nothing yet.
  ///   - start: Observations before the first small step, zero or more.
  package init(space: Space, problem: Problem, model: ModelStrategy, start: Int) {
    (self.space, self.problem, self.model, self.start) = (space, problem, model, start)
    ledger = Ledger(count: space.count)
  }

  /// Chooses up to `count` unobserved points.
  package func suggest(count: Int) -> Suggestion {
    precondition(count > 0, "a suggestion has at least one point")
    guard ledger.observations.count >= start, let best else { return model.suggest(count: count) }
    let steps = space.neighbours(of: best.point).filter { !ledger.contains($0) }
    guard !steps.isEmpty else { return model.suggest(count: count) }
    return Suggestion(points: Array(steps.prefix(count)))
  }

  /// Takes results, and passes them to the model.
  package mutating func observe(_ observations: [EvaluatedPoint]) {
    ledger.append(observations)
    model.observe(observations)
    for observation in observations where best.map({ isBetter(observation, $0) }) ?? true {
      best = observation
    }
  }

  private func isBetter(_ left: EvaluatedPoint, _ right: EvaluatedPoint) -> Bool {
    func key(_ one: EvaluatedPoint) -> (Double, Double) {
      (problem.violation(of: one.values), problem.costs(of: one.values)[0])
    }
    return key(left) < key(right)
  }
}

extension Space {
  /// The points that differ from one in a single dimension that matters at both: by any level where
  /// the dimension has no order, by one level of those that the space still has where it has one.
  ///
  /// First comes one point for every such level, then those that differ also in dimensions that
  /// matter only at one of the two points; both in the order of the space.
  package func neighbours(of point: Int) -> [Int] {
    let own = points[point].levels
    let active = dimensions.indices.map { isActive($0, at: points[point]) }
    var groups: [[Int]: [Int]] = [:]
    var order: [[Int]] = []
    for (index, other) in points.enumerated() where index != point {
      guard let change = singleChange(own, active, other) else { continue }
      if groups[change] == nil { order.append(change) }
      groups[change, default: []].append(index)
    }
    let near = order.filter { isStep(own, $0, among: order) }
    // In the middle of what a level opens stands its most typical point.
    let members = near.map { groups[$0] ?? [] }
    let first = members.map { $0[$0.count / 2] }
    let rest = members.flatMap { list in list.filter { $0 != list[list.count / 2] } }
    return first + rest
  }

  /// The dimension and level in which alone another point differs, or nil.
  private func singleChange(_ own: [Int], _ active: [Bool], _ other: Point) -> [Int]? {
    var change: [Int]?
    for place in dimensions.indices
    where active[place] && own[place] != other.levels[place] && isActive(place, at: other) {
      guard change == nil else { return nil }
      change = [place, other.levels[place]]
    }
    return change
  }

  /// Whether a change of an ordered dimension is to the nearest level on its side.
  private func isStep(_ own: [Int], _ change: [Int], among all: [[Int]]) -> Bool {
    let (place, level) = (change[0], change[1])
    guard dimensions[place].levels.allSatisfy({ $0.position != nil }) else { return true }
    let here = own[place]
    return !all.contains { other in
      other[0] == place
        && (here < level
          ? here < other[1] && other[1] < level
          : level < other[1] && other[1] < here)
    }
  }
}
