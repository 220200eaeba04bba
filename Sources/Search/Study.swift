// SPDX-License-Identifier: GPL-3.0-or-later

/// What a search found.
package struct StudyResult: Hashable, Sendable {
  /// Every evaluation, in the order it was made.
  package let observations: [EvaluatedPoint]
  /// Indices into `observations` of the feasible, non-dominated ones.
  package let front: [Int]
  /// Why the search ended.
  package let stop: StudyEnd
}

/// A budgeted loop of suggesting and evaluating.
package struct Study: Sendable {
  /// What is searched for.
  package let problem: Problem
  /// Evaluations at most; at least one.
  package let budget: Int
  /// Points asked for at once; at least one.
  package let batch: Int

  /// Creates a study.
  package init(problem: Problem, budget: Int, batch: Int = 1) {
    precondition(budget > 0 && batch > 0, "a study evaluates something")
    self.problem = problem
    self.budget = budget
    self.batch = batch
  }

  /// Runs a strategy until the budget is spent or the strategy stops.
  ///
  /// `evaluate` returns the responses of each point, in the order of the points. It may work on
  /// them in parallel: nothing depends on the order in which it finishes. It throws what stops
  /// the study.
  package func run<Failure: Error>(
    _ strategy: inout some Strategy,
    evaluate: ([Int]) throws(Failure) -> [[Double]]
  ) throws(Failure) -> StudyResult {
    var observations: [EvaluatedPoint] = []
    var stop = StudyEnd.budget
    while observations.count < budget {
      let suggestion = strategy.suggest(count: min(batch, budget - observations.count))
      if let reason = suggestion.stop {
        stop = reason
        break
      }
      let values = try evaluate(suggestion.points)
      precondition(values.count == suggestion.points.count, "every point has its responses")
      let fresh = zip(suggestion.points, values).map { EvaluatedPoint(point: $0, values: $1) }
      strategy.observe(fresh)
      observations += fresh
    }
    return StudyResult(observations: observations, front: front(observations), stop: stop)
  }

  /// The indices of the feasible observations that no other feasible one dominates.
  package func front(_ observations: [EvaluatedPoint]) -> [Int] {
    let feasible = observations.indices.filter { problem.isFeasible(observations[$0].values) }
    let rows = feasible.map { problem.costs(of: observations[$0].values) }
    return Costs(rows, width: problem.objectives.count).front().map { feasible[$0] }
  }
}
