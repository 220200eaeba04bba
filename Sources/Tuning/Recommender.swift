// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import PageTables
package import Policies
import Profiles
import Quantities
import Randomness
import Search

/// Answers "which policy should this host run for this workload".
///
/// The present policy is run first. Each class of knobs is then searched on its canonical, safe
/// points: the cost model scores all of them, and an adaptive search simulates windows where it pays.
/// From there on whole operations are run: of the best of each class, in a race on common random
/// numbers; around its winner, for what windows misjudged; and with its knobs turned back.
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

  /// The policy that the answer recommends, without the runs that explain it; nil where none keeps the
  /// limits.
  package func recommendedPolicy() throws(TuningError) -> Policy? { try choose().policy }

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
    try run.improve()
    try run.refine()
    try run.simplify()
    try run.raceRivals()
    run.keepWhatIsAsGood()
    return run
  }

  /// Whole runs of the present policy that come first, and of every policy that is a row.
  static let rowRuns = 3

  /// The goal, with relative limits taken from the mean of the present policy's first runs.
  private func goal(_ bench: Bench, _ present: Policy) throws(TuningError) -> Goal {
    let own = Bench.requests(present, Self.rowRuns, .full)
    // The other paths stand in the race whatever is found: with the present policy they keep all
    // workers busy, and the slowest of them is the last.
    let paths = question.plainPaths(tools.safety).reversed().map { policy in
      RunRequest(policy: policy, replicate: 0, extent: .full)
    }
    let shares = RunShares(budget: question.budget)
    let spare = 2 * shares.search + shares.explanation + 2 * Self.rowRuns
    let affordsAll = own.count + paths.count + spare <= bench.allowance.left
    _ = try bench.reports((affordsAll ? paths : []) + own)
    return try Goal(question, present: Self.means(try bench.reports(own)))
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
  /// What was searched, one space a class.
  private var spaces: [PolicySpace] = []

  init(question: Question, tools: TuningTools, bench: Bench, goal: Goal, present: Policy) {
    self.question = question
    self.tools = tools
    self.bench = bench
    self.goal = goal
    self.present = present
  }

  /// Whether the question lets a policy win.
  func isAllowed(_ policy: Policy) -> Bool { question.allows(policy) }

  /// How the budget is shared out.
  var shares: RunShares { RunShares(budget: question.budget) }

  /// Searches both classes with an equal share of the budget, by windows, and runs the best whole.
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
      spaces.append(found.space)
      let count =
        knobs == question.knobs || question.knobs == .any ? shares.heats : shares.heats / 2
      let best = found.best(max(2, count), goal: goal, bench: bench)
      let heats = knobs == .today ? question.plainPaths(tools.safety) + best : best
      for policy in try leaders(heats) where !finalists.contains(policy) {
        finalists.append(policy)
      }
    }
    if !finalists.contains(present) { finalists.append(present) }
    finalists = affordable(finalists.filter { isAllowed($0) } + rivals)
  }

  /// A violation of a single whole run, on the responses' scales, that may be chance.
  private static let slack = 0.02
  /// How much dearer than the best a policy may be in a single whole run and still be raced.
  private static let margin = 0.03

  /// How much dearer than the best in whole runs a policy may be in its window and still be run whole:
  /// windows err less than that in times.
  private static let doubtOfTime = 0.25

  /// Those of some policies that go into the race after one whole run each: the few that keep the
  /// limits, or nearly do, and are about as good as the best of them; else the two that come closest.
  private func leaders(_ policies: [Policy]) throws(TuningError) -> [Policy] {
    var known: [Candidate] = []
    var left = policies
    while !left.isEmpty {
      left = left.filter { mayLead($0, known) }
      let members = Array(left.prefix(ClassSearch.batch))
      left = Array(left.dropFirst(members.count))
      let requests = members.map { RunRequest(policy: $0, replicate: 0, extent: .full) }
      let spare = shares.explanation + 2 * Recommender.rowRuns
      guard bench.affords(requests, goal, sparing: spare) else { break }
      known += zip(members, try bench.values(requests, goal)).map {
        Candidate($0, $1, goal.problem)
      }
    }
    guard !known.isEmpty else { return Array(policies.prefix(2)) }
    let kept = known.filter { $0.violation <= 0 }.sorted { $0.cost < $1.cost }
    let best = kept.first?.cost ?? .infinity
    let close = known.filter { $0.violation <= Self.slack && $0.cost <= best + Self.margin }
    if !close.isEmpty {
      let ranked = close.sorted {
        ($0.violation > 0 ? 1 : 0, $0.cost) < ($1.violation > 0 ? 1 : 0, $1.cost)
      }
      let raced = ranked.prefix(shares.finalists).map(\.policy)
      // One that keeps the limits with room stands by, should those on a limit not.
      let others = kept.filter { !raced.contains($0.policy) }
      let spare = others.first(where: \.isComfortable) ?? others.first
      return raced + [spare?.policy].compactMap(\.self)
    }
    return known.sorted { $0.violation < $1.violation }.prefix(2).map(\.policy)
  }

  /// Whether a policy may still be among the best of those that were run whole, or the first that keeps
  /// the limits with room; without a window it always may.
  private func mayLead(_ policy: Policy, _ known: [Candidate]) -> Bool {
    let kept = known.filter { $0.violation <= 0 }.map(\.cost).min()
    guard let kept, known.contains(where: \.isComfortable),
      let window = bench.knownValues(policy, goal, .window).first
    else { return true }
    return goal.problem.costs(of: window)[0] <= kept + Self.doubtOfTime
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
    policies.flatMap { Bench.requests($0, Race.Settings().minimumRounds, .full) }
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
    guard let best = outcome.winner else { return }
    rival = try plain(plainest(others, as: best, outcome), sparing: kept) { [question] in
      !question.allows($0)
    }
  }

  /// Runs that the race of those that may not win takes at least.
  private var firstRunsOfRivals: Int { bench.price(firstRounds(rivals), goal) }

  /// A difference of the objective, on its scale, that does not matter: nearly a hundredth of a time.
  private static let indifference = 0.009

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
      runs.map {
        RunRequest(policy: policies[$0.finalist], replicate: $0.replicate, extent: .full)
      }
    }
    return try Race(problem: goal.problem, settings: settings).run(
      finalists: policies.count,
      affords: { runs in
        let isFirst = runs.allSatisfy { $0.replicate < rules.minimumRounds }
        let isOver = (runs.map(\.replicate).max() ?? 0) >= Self.longestRace
        return bench.affords(requests(runs), goal, sparing: isFirst ? first : later) && !isOver
      },
      evaluate: { (runs) throws(TuningError) in try bench.values(requests(runs), goal) }
    )
  }

  /// Rounds of a race at most: whole runs differ little, and what is undecided then is a tie.
  private static let longestRace = 8

  /// Goes on from the winner by single steps, by windows first and then by whole runs: what windows
  /// took for worse may be better.
  mutating func improve() throws(TuningError) {
    guard let first = winner ?? nearest else { return }
    var best = first
    let spare = shares.explanation + shares.simplification + firstRunsOfRivals
    for _ in 0..<Self.improvements {
      guard let better = try step(from: best, sparing: spare) else { break }
      best = better
      winner = better
    }
  }

  /// Steps that an improvement takes at most, and whole runs that look for one.
  private static let improvements = 2
  private static let tries = 2

  /// Puts the winner's sizes between the powers of two that are searched, where that is worth an odd
  /// number to whoever sets it.
  ///
  /// What a larger slice wins, a pause may have been there to win: each is tried without as well.
  mutating func refine() throws(TuningError) {
    guard let first = winner, first != present else { return }
    let spare = shares.explanation + shares.simplification + firstRunsOfRivals
    for key in [PolicyKey.slice, .clear] {
      let between = between(winner ?? first, key, Self.eighths)
      let plain = between.compactMap { policy in
        policy.turning(.pause, to: present.text(of: .pause) ?? "yield", in: question.setting)
      }
      try refine(to: between + plain, sparing: spare)
    }
    // Turning knobs back comes first where not all can be afforded.
    try refine(
      to: between(first, .slice, Self.furtherEighths),
      sparing: spare + Self.longestRace
    )
  }

  /// Takes one of some policies for the winner where it wins enough.
  private mutating func refine(
    to policies: [Policy],
    sparing spare: Int
  ) throws(TuningError) {
    guard let winner else { return }
    var near: [Policy] = []
    for policy in policies where policy != winner && !near.contains(policy) { near.append(policy) }
    let found = try step(from: winner, to: near, sparing: spare, gaining: Self.worthAnOddSize)
    if let found { self.winner = found }
  }

  /// What an odd size has to win of the objective, on its scale: a fiftieth of a time.
  private static let worthAnOddSize = 0.02

  /// A policy with one of its sizes at some parts of it, in eighths, where that is possible and safe.
  private func between(_ policy: Policy, _ key: PolicyKey, _ parts: [Int64]) -> [Policy] {
    let size = key == .slice ? policy.slice : policy.clearRange
    let unit = key == .slice ? question.setting.granule.page : question.setting.granule.page * 64
    guard let size else { return [] }
    return parts.compactMap { eighths in
      let other = ByteCount(rawValue: size.rawValue / 8 * eighths)
      guard other.rawValue.isMultiple(of: unit.rawValue), other >= unit,
        let one = policy.turning(key, to: "\(other)", in: question.setting),
        tools.safety.verdict(question, policy: one).isSafe
      else { return nil }
      return one
    }
  }

  /// Parts of a size between half of it and twice, in eighths.
  private static let eighths: [Int64] = [5, 6, 7, 9, 10, 12, 14]
  /// Parts up to eight times a size: what slices cost beside IO does not grow evenly with them.
  private static let furtherEighths: [Int64] = [18, 20, 24, 28, 36, 44, 52, 60]

  /// A neighbour of a policy in the searched spaces that is better in whole runs; nil where none is.
  private func step(from best: Policy, sparing spare: Int) throws(TuningError) -> Policy? {
    let near = spaces.flatMap { space -> [Policy] in
      guard let place = space.policies.firstIndex(of: best) else { return [] }
      return space.space.neighbours(of: place).map { space.policies[$0] }
    }
    let members = near.filter { isAllowed($0) }.prefix(Self.neighbours)
    return try step(from: best, to: Array(members), sparing: spare, gaining: Self.indifference)
  }

  /// One of some policies that is better in whole runs by so much of the objective, on its scale; nil
  /// where none is found.
  private func step(
    from best: Policy,
    to near: [Policy],
    sparing spare: Int,
    gaining gain: Double
  ) throws(TuningError) -> Policy? {
    let windows = (near + [best]).map { RunRequest(policy: $0, replicate: 0) }
    guard !near.isEmpty, bench.affords(windows, goal, sparing: spare) else { return nil }
    let rows = try bench.values(windows, goal)
    let isKept = winner != nil
    let own = rows[rows.count - 1]
    let limit = isKept ? goal.problem.costs(of: own)[0] - gain : .infinity
    // Windows err in the limits more than in times: what they see broken by little is tried too.
    let hopeful = zip(near, rows).filter { _, values in
      goal.problem.costs(of: values)[0] < limit
        && goal.problem.violation(of: values) <= max(Self.doubt, goal.problem.violation(of: own))
    }
    let ranked = hopeful.sorted { left, right in
      let keys = [left, right].map { one in
        (goal.problem.violation(of: one.1) > 0 ? 1 : 0, goal.problem.costs(of: one.1)[0])
      }
      return keys[0] < keys[1]
    }
    let current = isKept ? goal.problem.costs(of: means(best))[0] : .infinity
    for (policy, _) in ranked.prefix(Self.tries)
    where try isAsGood(policy, as: current - gain, sparing: spare) {
      return policy
    }
    return nil
  }

  /// Neighbours that a step looks at, at most.
  private static let neighbours = 12
  /// A violation in a window, on the responses' scales, that whole runs may not have.
  private static let doubt = 0.1

  /// Whether whole runs confirm that a policy keeps the limits and costs no more than so much.
  ///
  /// What keeps them on the mean, but not beyond doubt, is run as often as a race would.
  private func isAsGood(
    _ policy: Policy,
    as limit: Double,
    sparing spare: Int
  ) throws(TuningError) -> Bool {
    for replicates in [1, Recommender.rowRuns, Self.longestRace] {
      let requests = Bench.requests(policy, replicates, .full)
      guard bench.affords(requests, goal, sparing: spare) else { return false }
      let rows = try bench.values(requests, goal)
      let costs = rows.map { goal.problem.costs(of: $0)[0] }
      let mean = costs.reduce(0, +) / Double(costs.count)
      guard mean <= limit, goal.problem.violation(of: rows[0]) <= 0,
        goal.problem.violation(of: goal.means(of: rows)) <= 0
      else { return false }
      if isConfirmed(policy) { return true }
    }
    return false
  }

  /// Turns back every knob of the winner that changes nothing: what is left is what matters.
  mutating func simplify() throws(TuningError) {
    guard let winner, winner != present else { return }
    let spare = shares.explanation + firstRunsOfRivals
    self.winner = try plain(winner, sparing: spare, among: question.allows)
  }

  /// Keeps the present policy where it keeps the limits and nothing that was found is better by more
  /// than anybody notices.
  mutating func keepWhatIsAsGood() {
    guard let winner, winner != present, isAllowed(present), isConfirmed(present) else { return }
    if goal.problem.costs(of: means(present))[0] <= tie(with: winner) { self.winner = present }
  }

  /// A difference of a time that nobody notices, however short the operation: half a scheduler tick
  /// at HZ 100.
  static let unnoticed = Nanoseconds.milliseconds(5)

  /// The cost up to which a policy is as good as another one.
  private func tie(with policy: Policy) -> Double {
    let mean = means(policy)[0]
    let response = goal.problem.responses[0]
    let near = response.cost(mean) + Self.indifference
    guard goal.objective.unit == .nanoseconds else { return near }
    return max(near, response.cost(mean + Double(Self.unnoticed.rawValue)))
  }

  /// The same policy with every knob turned back that changes nothing, and those that are left moved
  /// towards the present as far as nothing changes.
  ///
  /// A knob goes back where whole runs confirm the limits and the objective stays within the
  /// indifference of what it was at first, however many go back. A size that has moved may leave another
  /// knob without effect, so both are done again until nothing moves.
  func plain(
    _ policy: Policy,
    sparing spare: Int,
    among isMember: @escaping (Policy) -> Bool
  ) throws(TuningError) -> Policy {
    let terms = Terms(limit: tie(with: policy), spare: spare, isMember: isMember)
    var best = policy
    while true {
      let before = best
      best = try nearer(fewer(best, terms), terms)
      guard best != before, best.changes(from: present).count > 1 else { return best }
    }
  }

  /// What a plainer policy may cost, the runs that are left after it, and which may be taken.
  private struct Terms {
    let limit: Double
    let spare: Int
    let isMember: (Policy) -> Bool
  }

  /// The same policy without the changes that nothing needs, or that another size does without.
  private func fewer(_ policy: Policy, _ terms: Terms) throws(TuningError) -> Policy {
    var best = policy
    while true {
      let simpler = best.changes(from: present).compactMap { change -> Policy? in
        let one = best.turning(change.key, to: change.from, in: question.setting)
        guard let one, terms.isMember(one),
          one.changes(from: present).count < best.changes(from: present).count
        else { return nil }
        return tools.safety.verdict(question, policy: one).isSafe ? one : nil
      }
      var found: Policy?
      try bench.show(simpler, replicates: 1, goal, sparing: terms.spare)
      for one in simpler where found == nil {
        if try isAsGood(one, as: terms.limit, sparing: terms.spare) { found = one }
      }
      for one in simpler where found == nil { found = try resized(one, as: best, terms) }
      guard let found else { return best }
      best = found
    }
  }

  /// A policy with another of its sizes, where that is as good as one with a change more: what the
  /// change gave, another size may give.
  private func resized(
    _ simpler: Policy,
    as best: Policy,
    _ terms: Terms
  ) throws(TuningError) -> Policy? {
    let sizes = simpler.changes(from: present).map(\.key).filter { $0 == .slice || $0 == .clear }
    let others = spaces.flatMap(\.policies).filter { one in
      let keys = one.changes(from: simpler).map(\.key)
      return keys.count == 1 && sizes.contains(keys[0]) && terms.isMember(one) && one != present
    }
    let windows = (others + [best]).map { RunRequest(policy: $0, replicate: 0) }
    guard !others.isEmpty, bench.affords(windows, goal, sparing: terms.spare) else { return nil }
    let rows = try bench.values(windows, goal)
    let limit = goal.problem.costs(of: rows[rows.count - 1])[0] + Self.indifference
    let kept = zip(others, rows).map { Candidate($0, $1, goal.problem) }
      .filter { $0.violation <= 0 && $0.cost <= limit }.sorted { $0.cost < $1.cost }
    // The cheapest, and the cheapest that keeps the limits with room.
    var tried: [Policy] = []
    for one in [kept.first, kept.first(where: \.isComfortable)].compactMap({ $0?.policy })
    where !tried.contains(one) {
      tried.append(one)
      if try isAsGood(one, as: terms.limit, sparing: terms.spare) { return one }
    }
    return nil
  }

  /// The same policy with its sizes moved towards the present as far as that does.
  private func nearer(_ policy: Policy, _ terms: Terms) throws(TuningError) -> Policy {
    var best = policy
    for key in [PolicyKey.slice, .clear, .pause, .chunk] {
      // The further towards the present, the less keeps the limits: bisected.
      let milder = try milder(best, key).filter { terms.isMember($0) && $0 != present }
      var (good, bad) = (milder.count, -1)
      while good - bad > 1 {
        let middle = (good + bad) / 2
        if try isAsGood(milder[middle], as: terms.limit, sparing: terms.spare) {
          good = middle
        } else {
          bad = middle
        }
      }
      if good < milder.count { best = milder[good] }
    }
    return best
  }

  /// The policies of the searched spaces that differ in one knob's value alone and lie between a policy
  /// and the present one, those that windows take for as good first and the furthest first.
  private func milder(_ policy: Policy, _ key: PolicyKey) throws(TuningError) -> [Policy] {
    guard let own = policy.amount(of: key) else { return [] }
    let other = present.amount(of: key) ?? .infinity
    let members = spaces.flatMap(\.policies).filter { one in
      guard let amount = one.amount(of: key), one.changes(from: policy).map(\.key) == [key] else {
        return false
      }
      return min(own, other) < amount && amount < max(own, other) && amount != own
    }
    let requests = (members + [policy]).map { RunRequest(policy: $0, replicate: 0) }
    guard bench.affords(requests, goal, sparing: shares.explanation) else { return [] }
    let rows = try bench.values(requests, goal)
    let limit = goal.problem.costs(of: rows[rows.count - 1])[0] + Self.indifference
    return zip(members, rows).filter { _, values in
      goal.problem.costs(of: values)[0] <= limit && goal.problem.violation(of: values) <= 0
    }
    .map(\.0).sorted { left, right in
      let amounts = [left, right].compactMap { $0.amount(of: key) }
      return own < other ? amounts[0] > amounts[1] : amounts[0] < amounts[1]
    }
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

  /// The mean values of a policy over its whole runs, in the goal's order.
  func means(_ policy: Policy) -> [Double] {
    goal.means(of: bench.knownValues(policy, goal, .full))
  }

  /// Whether the whole runs of a policy say beyond doubt that it keeps every limit.
  func isConfirmed(_ policy: Policy) -> Bool {
    bench.known(policy, .full).count > 1
      && goal.limits.indices.allSatisfy {
        standing(policy, limit: $0) == .kept
      }
  }

  /// What the whole runs of a policy say of a limit, by its place in the goal.
  private func standing(_ policy: Policy, limit: Int) -> LimitStanding {
    let runs = bench.knownValues(policy, goal, .full)
    return LimitStanding(
      runs.map { goal.problem.violations(of: $0)[limit] },
      confidence: question.confidence
    )
  }

  /// The limits of which a policy's whole runs do not say beyond doubt whether it keeps them.
  func undecided(_ policy: Policy) -> [UndecidedLimit] {
    goal.limits.indices.filter { standing(policy, limit: $0) == .undecided }.map {
      UndecidedLimit(limit: goal.limits[$0].level.description, response: goal.limits[$0].response)
    }
  }

  /// Runs policies whole as often as a row is, and up to a race's length those of which it is open
  /// whether they keep the limits, sparing some runs.
  func show(_ policies: [Policy], sparing spare: Int = 0) throws(TuningError) {
    try bench.show(policies, replicates: Recommender.rowRuns, goal)
    try settle(policies, sparing: spare)
  }

  /// Goes on with policies that were run before: those that break no limit for certain as often as a row
  /// is, and those of which it is open whether they keep the limits up to a race's length.
  func settle(_ policies: [Policy], sparing spare: Int) throws(TuningError) {
    let known = policies.filter { !bench.known($0, .full).isEmpty }
    let hopeful = known.filter { !standings($0).contains(.broken) }
    try bench.show(hopeful, replicates: Recommender.rowRuns, goal, sparing: spare)
    let open = known.filter { isOpen($0) }
    try bench.show(open, replicates: Self.longestRace, goal, sparing: spare)
  }

  /// Whether more runs would say whether a policy keeps the limits: none is broken for certain.
  private func isOpen(_ policy: Policy) -> Bool {
    let standings = standings(policy)
    return standings.contains(.undecided) && !standings.contains(.broken)
  }

  /// What the whole runs of a policy say of each limit.
  private func standings(_ policy: Policy) -> [LimitStanding] {
    goal.limits.indices.map { standing(policy, limit: $0) }
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
    if let rival, PolicySpace.knobClass(of: rival, from: present) == knobClass {
      // Where the present policy keeps the limits, what is no better is no row.
      let isBetter = tie(with: rival) < goal.problem.costs(of: means(present))[0]
      return isConfirmed(present) && !isBetter ? nil : rival
    }
    guard !isConfirmed(present) else { return nil }
    let violation = goal.problem.violation(of: means(present))
    // What breaks the limits as far as the present policy does is no row either.
    let members = finalists.filter {
      $0 != present && PolicySpace.knobClass(of: $0, from: present) == knobClass
        && goal.problem.violation(of: means($0)) < violation - Candidate.comfort
    }
    return members.min { rank($0) < rank($1) }
  }
}
