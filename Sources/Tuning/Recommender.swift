// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Policies
import Profiles
import Randomness
import Search

/// Answers "which policy should this host run for this workload".
///
/// The present policy is run first. Each class of knobs is then searched on its canonical, safe
/// points: the cost model scores all of them, an adaptive search simulates where it pays, and
/// the best go into one race on common random numbers. The winner is run once in full.
package struct Recommender: Sendable {
  private let question: Question
  private let tools: TuningTools

  /// Creates the answerer of one question.
  package init(_ question: Question, tools: TuningTools) {
    self.question = question
    self.tools = tools
  }

  /// The answer; throws for a question that has none, such as an SLO on what the workload lacks.
  package func recommend() throws(TuningError) -> Recommendation {
    try searched().answer()
  }

  /// What a search alone comes to, without the runs that explain it.
  struct Choice {
    /// The policy; nil where none is feasible.
    let policy: Policy?
    /// Runs spent.
    let runs: Int
  }

  /// The choice that `recommend` explains.
  func choose() throws(TuningError) -> Choice {
    let run = try searched()
    return Choice(policy: run.winner, runs: run.bench.allowance.spent)
  }

  private func searched() throws(TuningError) -> RecommendationRun {
    try question.check()
    let bench = Bench(question, tools: tools, allowance: RunAllowance(question.budget))
    let present = question.presentPolicy
    let goal = try goal(bench, present)
    var run = RecommendationRun(
      question: question,
      tools: tools,
      bench: bench,
      goal: goal,
      present: present
    )
    try run.search()
    try run.race()
    try run.simplify()
    try run.raceRivals()
    return run
  }

  /// Runs of the present policy that come first.
  static let presentRuns = 3

  /// The goal, with relative limits taken from the mean of the present policy's first runs.
  private func goal(_ bench: Bench, _ present: Policy) throws(TuningError) -> Goal {
    try Goal(question, present: Self.means(bench.window(present, replicates: Self.presentRuns)))
  }

  /// The mean of each response that all of the reports have.
  static func means(_ reports: [RunReport]) -> [Response: Double] {
    var means: [Response: Double] = [:]
    for response in Response.allCases {
      let values = reports.compactMap { $0.value(of: response) }
      guard values.count == reports.count, !values.isEmpty else { continue }
      means[response] = values.reduce(0, +) / Double(values.count)
    }
    return means
  }
}

/// The state of one recommendation while it is made.
struct RecommendationRun {
  let question: Question
  let tools: TuningTools
  let bench: Bench
  let goal: Goal
  let present: Policy
  /// Finalists in the order of their objective; the classes of knobs together.
  private(set) var finalists: [Policy] = []
  /// Finalists that may not win, raced for the row that shows what their class is worth.
  private var rivals: [Policy] { finalists.filter { !isAllowed($0) } }
  private(set) var result: RaceResult?
  private(set) var winner: Policy?
  /// The best of those that may not win, where one of them keeps the limits for certain.
  private(set) var rival: Policy?
  private(set) var scored = 0
  private(set) var hazardous = 0
  private(set) var simulated: [Policy] = []

  init(question: Question, tools: TuningTools, bench: Bench, goal: Goal, present: Policy) {
    self.question = question
    self.tools = tools
    self.bench = bench
    self.goal = goal
    self.present = present
  }

  /// Whether the question lets a policy of this class win.
  func isAllowed(_ policy: Policy) -> Bool {
    let needed = PolicySpace.knobClass(of: policy, from: present)
    switch question.knobs {
    case .any: return true
    case .today: return needed == .today
    case .kernel: return needed == .kernel || policy == present
    }
  }

  /// How the budget is shared out.
  private var shares: RunShares { RunShares(budget: question.budget) }

  /// Searches both classes with an equal share of the budget.
  ///
  /// The class that may not win gets as much: its row is what a kernel change would be worth, and a
  /// search that stops short of a good policy there would say that it is worth nothing.
  mutating func search() throws(TuningError) {
    let classes: [KnobChoice] = question.knobs == .kernel ? [.kernel, .today] : [.today, .kernel]
    for knobs in classes {
      let found = try ClassSearch(run: self, knobs: knobs, budget: shares.search).search()
      scored += found.scored
      hazardous += found.hazardous
      for policy in found.simulated where !simulated.contains(policy) { simulated.append(policy) }
      let count = min(shares.finalists, knobs == question.knobs ? 5 : 4)
      let best = found.best(count, goal: goal, bench: bench)
      for policy in best where !finalists.contains(policy) { finalists.append(policy) }
    }
    if !finalists.contains(present) { finalists.append(present) }
    finalists = affordable(finalists.filter { isAllowed($0) } + rivals)
  }

  /// As many of the policies, in their order, as there are runs for before anyone may leave.
  private func affordable(_ policies: [Policy]) -> [Policy] {
    var chosen: [Policy] = []
    for policy in policies
    where bench.affords(firstRounds(chosen + [policy]), goal, sparing: shares.explanation) {
      chosen.append(policy)
    }
    return chosen
  }

  /// The runs of a race before anyone may leave it.
  private func firstRounds(_ policies: [Policy]) -> [RunRequest] {
    policies.flatMap { policy in
      (0..<Race.Settings().minimumRounds).map { RunRequest(policy: policy, replicate: $0) }
    }
  }

  /// Races the finalists that may win, on common random numbers; where none is confirmed yet, the
  /// race goes on with what was kept for explaining it.
  mutating func race() throws(TuningError) {
    let eligible = finalists.filter { isAllowed($0) }
    let kept = firstRunsOfRivals + shares.explanation
    var outcome = try race(eligible, sparing: kept, later: kept + shares.simplification)
    if outcome.winner == nil, outcome.end == .budget {
      outcome = try race(eligible, sparing: firstRunsOfRivals, later: firstRunsOfRivals)
    }
    result = outcome
    winner = outcome.winner.map { plainest(eligible, as: $0, outcome) }
  }

  /// Races the finalists of the other class of knobs, for the row that shows what it is worth.
  mutating func raceRivals() throws(TuningError) {
    let others = rivals
    guard !others.isEmpty else { return }
    let kept = shares.explanation
    let outcome = try race(others, sparing: kept, later: kept)
    rival = outcome.winner.map { plainest(others, as: $0, outcome) }
  }

  /// Runs that the race of those that may not win takes at least.
  private var firstRunsOfRivals: Int { bench.price(firstRounds(rivals), goal) }

  /// A difference of the objective, on its scale, that does not matter.
  private static let indifference = 0.005

  /// Races policies with what is left of the budget but for some runs that are kept; another number
  /// of them in rounds after which somebody may have left.
  private func race(
    _ policies: [Policy],
    sparing first: Int,
    later: Int
  ) throws(TuningError) -> RaceResult {
    var settings = Race.Settings()
    settings.confidence = question.confidence
    settings.indifference = Self.indifference
    settings.budget = .max
    let (bench, goal, rules) = (bench, goal, settings)
    func requests(_ runs: [RaceRun]) -> [RunRequest] {
      runs.map { RunRequest(policy: policies[$0.finalist], replicate: $0.replicate) }
    }
    return try Race(problem: goal.problem, settings: settings).run(
      finalists: policies.count,
      affords: { runs in
        let isFirst = runs.allSatisfy { $0.replicate < rules.minimumRounds }
        return bench.affords(requests(runs), goal, sparing: isFirst ? first : later)
      },
      evaluate: { (runs) throws(TuningError) in try bench.values(requests(runs), goal) }
    )
  }

  /// Turns back every knob of the winner that changes nothing: what is left is what matters.
  ///
  /// A knob goes back where the limits stay confirmed and the objective stays within the
  /// indifference of the race, on as many common replicates as the winner had.
  mutating func simplify() throws(TuningError) {
    guard let winner, winner != present else { return }
    var best = winner
    let replicates = max(3, bench.known(winner).count)
    for change in winner.changes(from: present) {
      var simpler = best
      guard let old = present.text(of: change.key), (try? simpler.set(change.key, to: old)) != nil
      else { continue }
      simpler = simpler.canonical(in: question.setting)
      guard simpler != best, isAllowed(simpler),
        (try? simpler.validate(in: question.setting)) != nil,
        tools.safety.verdict(question, policy: simpler).isSafe
      else { continue }
      let requests = (0..<replicates).map { RunRequest(policy: simpler, replicate: $0) }
      let spare = shares.explanation + firstRunsOfRivals
      guard bench.affords(requests, goal, sparing: spare) else { continue }
      _ = try bench.values(requests, goal)
      let costs = [simpler, best].map { goal.problem.costs(of: means($0))[0] }
      if isConfirmed(simpler), costs[0] <= costs[1] + Self.indifference { best = simpler }
    }
    self.winner = best
  }

  /// The finalist that turns fewest knobs among those that are as good as the best.
  private func plainest(
    _ eligible: [Policy],
    as best: Int,
    _ outcome: RaceResult
  ) -> Policy {
    let limit = goal.problem.costs(of: means(eligible[best]))[0] + Self.indifference
    let equals = outcome.standings.filter { standing in
      standing.isConfirmed
        && goal.problem.costs(of: means(eligible[standing.finalist]))[0] <= limit
    }
    let plainest = equals.map(\.finalist).min { left, right in
      let counts = [left, right].map { eligible[$0].changes(from: present).count }
      return (counts[0], left == best ? 0 : 1, left) < (counts[1], right == best ? 0 : 1, right)
    }
    return eligible[plainest ?? best]
  }

  /// The mean values of a policy over the windows that were run, in the goal's order.
  func means(_ policy: Policy) -> [Double] {
    let rows = bench.knownValues(policy, goal)
    return goal.problem.responses.indices.map { place in
      rows.reduce(0) { $0 + $1[place] } / Double(max(1, rows.count))
    }
  }

  /// The standing of a policy in its runs: estimates, violations, whether it is confirmed.
  func isConfirmed(_ policy: Policy) -> Bool {
    let runs = bench.knownValues(policy, goal).map { goal.problem.violations(of: $0) }
    guard runs.count > 1 else { return false }
    return goal.limits.indices.allSatisfy { limit in
      let excess = Estimate(runs.map { $0[limit] })
      return excess.value + excess.margin(confidence: 2 * question.confidence - 1) <= 0
    }
  }

  /// Confirmed ones first, then by how far the mean is from the limits, then by the objective.
  private func rank(_ policy: Policy) -> (Int, Double, Double) {
    let mean = means(policy)
    let place = isConfirmed(policy) ? 0 : 1
    return (place, goal.problem.violation(of: mean), goal.problem.costs(of: mean)[0])
  }

  /// The best policy of a class: the winner or rival where it is of the class, else by its means.
  func best(of knobClass: KnobClass) -> Policy? {
    if let winner, winner != present,
      PolicySpace.knobClass(of: winner, from: present) == knobClass
    {
      return winner
    }
    if let rival, PolicySpace.knobClass(of: rival, from: present) == knobClass { return rival }
    let members = finalists.filter {
      $0 != present && PolicySpace.knobClass(of: $0, from: present) == knobClass
    }
    return members.min { rank($0) < rank($1) }
  }
}
