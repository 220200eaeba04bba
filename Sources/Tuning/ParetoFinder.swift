// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations
import Operations
package import Profiles
import Policies
import Quantities
import Randomness
package import Search

/// One policy of a front.
package struct FrontPoint: Hashable, Sendable, Codable {
  /// The policy's text.
  package let policy: String
  /// The objectives' values, in their order and in the units of their responses.
  package let values: [Double]
  /// The limits it breaks; a front holds only policies that break none, where there are any.
  package let violations: [Violation]
  /// Whether it is the knee: the one that gives up least for what it gains.
  package let isKnee: Bool

  enum CodingKeys: String, CodingKey {
    case policy, values, violations
    case isKnee = "knee"
  }
}

/// A front over several objectives.
package struct FrontAnswer: Hashable, Sendable, Codable {
  /// The version of the JSON form.
  package static let schemaVersion = 1

  /// The version of the form this was written in.
  package let schema: Int
  /// The objectives; their raw values carry the units.
  package let objectives: [Response]
  /// The points, by the first objective.
  package let points: [FrontPoint]
  /// Runs spent.
  package let runs: Int
  /// Why the search ended.
  package let stop: StudyEnd

  enum CodingKeys: String, CodingKey {
    case schema = "schema_version"
    case objectives, points, runs, stop
  }
}

/// Finds the policies that no other beats in all of several objectives, by simulation.
package struct ParetoFinder: Sendable {
  private let question: Question
  private let tools: TuningTools

  /// Creates the finder for a question; its budget is the number of runs.
  package init(_ question: Question, tools: TuningTools) {
    self.question = question
    self.tools = tools
  }

  /// The three objectives of a workload when the user names none: its own measure, the IO that is
  /// kept, and the longest hold; of what it lacks, the next thing that somebody waits for.
  package static func standardObjectives(_ question: Question) -> [Metric] {
    let wishes: [Metric] = [
      question.goal, .ioGoodput, .storageIOPS, .longestHold, .protectStall, .migrationDowntime,
      .requestP99, .connectsFailed,
    ]
    let policy = question.presentPolicy
    let had = wishes.filter { question.workload.has($0.response, policy: policy) }
    return Array(had.prefix(3))
  }

  /// The front over two or more metrics; throws for one that the workload lacks.
  package func front(_ metrics: [Metric]) throws(TuningError) -> FrontAnswer {
    try question.check()
    let bench = Bench(question, tools: tools, allowance: RunAllowance(question.budget))
    let present = Recommender.means(try bench.runs(question.presentPolicy, replicates: 1, .full))
    let goal = try Goal(question, present: present)
    let problem = try problem(goal, metrics)
    let safe = try PolicySpace(question).patient(question).restricted {
      tools.safety.verdict(question, policy: $0).isSafe
    }
    var strategy = ModelStrategy(
      space: safe.space,
      problem: problem,
      seed: Seed(question.seed).derived("pareto")
    )
    func values(_ points: [Int]) throws(TuningError) -> [[Double]] {
      let requests = points.map { RunRequest(policy: safe.policies[$0], replicate: 0) }
      return try bench.values(requests, goal)
    }
    func wholes(_ points: [Int]) throws(TuningError) -> [[Double]] {
      let requests = points.map {
        RunRequest(policy: safe.policies[$0], replicate: 0, extent: .full)
      }
      return bench.affords(requests, goal) ? try bench.values(requests, goal) : []
    }
    // What turns one knob comes first, so that the front has its middle before its ends.
    let start = safe.plain(from: question.presentPolicy, count: min(8, bench.allowance.left / 2))
    let begun = zip(start, try values(start)).map { EvaluatedPoint(point: $0, values: $1) }
    strategy.observe(begun)
    let left = bench.allowance.left - min(Self.members, bench.allowance.left / 4)
    let study = Study(problem: problem, budget: left, batch: ClassSearch.batch)
    let found = try study.run(&strategy, evaluate: values)
    let seen = begun + found.observations
    let members = try whole(study.front(seen).map { seen[$0] }, study, values: wholes)
    return FrontAnswer(
      schema: FrontAnswer.schemaVersion,
      objectives: problem.objectives.map { goal.shown[$0] },
      points: points(members, problem, goal, safe),
      runs: bench.allowance.spent,
      stop: found.stop
    )
  }

  /// Members of a front that are run whole, at most.
  private static let members = 24

  /// What whole runs leave of a front that windows found: members spread over it, their figures those
  /// of whole runs, and of those the front again.
  private func whole(
    _ found: [EvaluatedPoint],
    _ study: Study,
    values: ([Int]) throws(TuningError) -> [[Double]]
  ) throws(TuningError) -> [EvaluatedPoint] {
    let sorted = found.sorted { ($0.values[0], $0.point) < ($1.values[0], $1.point) }
    let count = min(Self.members, sorted.count)
    let kept = (0..<count).map { sorted[$0 * (sorted.count - 1) / max(1, count - 1)] }
    let rows = try values(kept.map(\.point))
    guard rows.count == kept.count else { return found }
    let whole = zip(kept, rows).map { EvaluatedPoint(point: $0.point, values: $1) }
    return study.front(whole).map { whole[$0] }
  }

  private func problem(_ goal: Goal, _ metrics: [Metric]) throws(TuningError) -> Problem {
    var places: [Int] = []
    for metric in metrics {
      guard let place = goal.shown.firstIndex(of: metric.response) else {
        let legal = Metric.allCases.filter { goal.shown.contains($0.response) }.map(\.rawValue)
        throw .noSuchResponse(
          metric: metric.rawValue,
          workload: question.workload.name,
          legal: legal
        )
      }
      if !places.contains(place) { places.append(place) }
    }
    return Problem(
      responses: goal.problem.responses,
      objectives: places,
      constraints: goal.problem.constraints
    )
  }

  private func points(
    _ members: [EvaluatedPoint],
    _ problem: Problem,
    _ goal: Goal,
    _ space: PolicySpace
  ) -> [FrontPoint] {
    let costs = Costs(
      members.map { problem.costs(of: $0.values) },
      width: problem.objectives.count
    )
    let knee = costs.knee()
    let points = members.enumerated().map { place, member in
      FrontPoint(
        policy: space.policies[member.point].description,
        values: problem.objectives.map { member.values[$0] },
        violations: goal.violations(of: member.values),
        isKnee: place == knee
      )
    }
    return points.sorted { ($0.values[0], $0.policy) < ($1.values[0], $1.policy) }
  }
}
