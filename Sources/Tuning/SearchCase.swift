// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations
import Operations
package import Policies
import Profiles
package import Randomness
package import Search
import Synchronization

/// A space of policies small enough to be simulated whole, and all of its runs: the truth that a
/// search is held against.
package struct SearchCase: Sendable {
  /// The question; its knobs and thinning say which space it is.
  package let question: Question
  /// Every policy that is possible, hazardous ones included.
  package let whole: PolicySpace
  /// Those that may leave no stale translation: what is searched.
  package let safe: PolicySpace
  /// What the answer is judged by.
  package let goal: Goal
  /// The three objectives of the front over the same responses and limits.
  package let problem: Problem
  /// One run of each safe policy, in the order of the space.
  package let table: [[Double]]

  /// Simulates the whole space of a question once, every policy with the same chance.
  ///
  /// - Parameters:
  ///   - question: The question.
  ///   - tools: The simulator and the oracle; a cost model plays no part.
  ///   - store: Runs that were made and are not made again.
  /// - Throws: The simulator's sentence, or that the workload lacks three objectives.
  package init(
    _ question: Question,
    tools: TuningTools,
    store: RunCache
  ) throws(TuningError) {
    let tools = tools.replacing(simulator: store)
    let whole = try PolicySpace(question).patient(question)
    let safe = whole.restricted { tools.safety.verdict(question, policy: $0).isSafe }
    let requests = safe.policies.map { RunRequest(policy: $0, replicate: 0) }
    let allowance = RunAllowance(requests.count + 2 * Recommender.rowRuns)
    let bench = Bench(question, tools: tools, allowance: allowance)
    let present = try bench.runs(
      question.presentPolicy,
      replicates: Recommender.rowRuns,
      .full
    )
    let goal = try Goal(question, present: Recommender.means(present))
    var table: [[Double]] = []
    // Small pieces keep the progress bar alive.
    for start in stride(from: 0, to: requests.count, by: 64) {
      let piece = requests[start..<min(start + 64, requests.count)]
      table += try bench.values(Array(piece), goal)
    }
    let metrics = ParetoFinder.standardObjectives(question)
    self.question = question
    self.whole = whole
    self.safe = safe
    self.goal = goal
    self.table = table
    problem = Problem(
      responses: goal.problem.responses,
      objectives: metrics.compactMap { goal.shown.firstIndex(of: $0.response) },
      constraints: goal.problem.constraints
    )
  }

  /// The case's name.
  package var name: String {
    "\(question.host.name)/\(question.kernel.name)/\(question.workload.name)"
  }

  /// The names of the objectives, with their units.
  package var objectives: [String] { problem.objectives.map { problem.responses[$0].name } }

  /// The point from which volumes are counted: a tenth of each objective's range beyond the worst
  /// of the true front.
  package var reference: [Double] {
    let truth = costs(table)
    let front = truth.front()
    return problem.objectives.indices.map { column in
      let values = front.map { truth[$0, column] }
      let (low, high) = (values.min() ?? 0, values.max() ?? 0)
      return high + max(0.1 * (high - low), 0.01)
    }
  }

  /// The volume that the feasible ones of some evaluations dominate.
  package func volume(_ values: [[Double]]) -> Double {
    costs(values).hypervolume(reference: reference)
  }

  private func costs(_ values: [[Double]]) -> Costs {
    let feasible = values.filter { problem.isFeasible($0) }
    return Costs(feasible.map { problem.costs(of: $0) }, width: problem.objectives.count)
  }

  /// The point with the best objective among those that keep the limits, by the single runs.
  package var best: Int? {
    table.indices.filter { problem.isFeasible(table[$0]) }
      .min { (objective($0), $0) < (objective($1), $1) }
  }

  /// The first objective of a point as a cost.
  func objective(_ point: Int) -> Double { goal.problem.costs(of: table[point])[0] }

  /// Where a policy's ordered knobs stand in their ranges.
  ///
  /// Of policies whose run is the same in every response, such as thresholds that no chunk lies
  /// between, the one with the most knobs inside of their ranges stands for all.
  package func places(of policy: Policy) -> [KnobPlace] {
    guard let own = safe.policies.firstIndex(of: policy) else { return [] }
    let equals = table.indices.filter { table[$0] == table[own] }
    let lists = (equals.isEmpty ? [own] : equals).map { places(ofPoint: $0) }
    return lists.min { left, right in
      left.count { !$0.isInside } < right.count { !$0.isInside }
    } ?? []
  }

  private func places(ofPoint index: Int) -> [KnobPlace] {
    let point = safe.space.points[index]
    return safe.space.dimensions.indices.compactMap { place in
      let dimension = safe.space.dimensions[place]
      let levels = dimension.levels
      let isOrdered = levels.count > 2 && levels.allSatisfy { $0.position != nil }
      guard isOrdered, safe.space.isActive(place, at: point) else { return nil }
      return KnobPlace(
        knob: dimension.name,
        value: levels[point.levels[place]].label,
        place: point.levels[place] + 1,
        of: levels.count,
        low: levels[0].label,
        high: levels[levels.count - 1].label
      )
    }
  }
}

/// Where one ordered knob of a policy stands among the values of its space.
package struct KnobPlace: Hashable, Sendable, Codable {
  /// The knob's name.
  package let knob: String
  /// Its value.
  package let value: String
  /// The value's place, counted from one.
  package let place: Int
  /// The number of values.
  package let of: Int
  /// The first value.
  package let low: String
  /// The last value.
  package let high: String

  /// Whether there is a value on either side.
  package var isInside: Bool { place > 1 && place < of }
}

/// Runs that were made, shared by everything that asks for them: a simulator with a memory.
package final class RunCache: PolicySimulator {
  private let simulator: any PolicySimulator
  private let known = Mutex<[Asked: RunReport]>([:])

  private struct Asked: Hashable {
    let setup: Setup
    let policy: Policy
    let seed: Seed
    let extent: RunExtent
  }

  /// Creates a memory for a simulator.
  package init(_ simulator: any PolicySimulator) { self.simulator = simulator }

  /// Runs that are remembered.
  package var count: Int { known.withLock { $0.count } }

  /// The report of a run, made once.
  package func report(
    _ question: Question,
    policy: Policy,
    seed: Seed,
    extent: RunExtent
  ) throws(TuningError) -> RunReport {
    let asked = Asked(
      setup: question.setup,
      policy: policy,
      seed: seed,
      extent: extent
    )
    if let report = known.withLock({ $0[asked] }) { return report }
    let report = try simulator.report(question, policy: policy, seed: seed, extent: extent)
    known.withLock { $0[asked] = report }
    return report
  }
}
