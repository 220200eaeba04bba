// SPDX-License-Identifier: GPL-3.0-or-later

/// One run that a race asks for: the same replicate means the same random numbers.
package struct RaceRun: Hashable, Sendable, Codable {
  /// The finalist, by its place in the list that was given.
  package let finalist: Int
  /// The replicate, counted from zero; finalists are compared replicate by replicate.
  package let replicate: Int
}

/// Why a race ended.
package enum RaceEnd: String, Hashable, Sendable, CaseIterable, Codable {
  /// One finalist stands apart from all others at the stated confidence.
  case separated
  /// Those left differ by less than the stated indifference.
  case indifferent
  /// The stated number of runs was spent.
  case budget
  /// Every finalist breaks a limit at the stated confidence.
  case noneFeasible = "none-feasible"
}

/// A mean with its standard error, from runs.
package struct Estimate: Hashable, Sendable, Codable {
  /// The mean, in the response's unit.
  package let value: Double
  /// The standard error of the mean, same unit.
  package let standardError: Double
  /// The number of runs.
  package let runs: Int

  /// Creates an estimate.
  package init(value: Double, standardError: Double, runs: Int) {
    self.value = value
    self.standardError = standardError
    self.runs = runs
  }

  /// The estimate from single runs; infinite runs make it infinite.
  package init(_ values: [Double]) {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / max(1, count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let error = count > 1 ? (squares / (count - 1) / count).squareRoot() : .infinity
    let isFinite = values.allSatisfy(\.isFinite)
    self.init(
      value: isFinite ? mean : (values.max() ?? .nan),
      standardError: isFinite ? error : 0,
      runs: values.count
    )
  }

  /// Half the width of the two-sided interval of this confidence (0 to 1, both excluded).
  package func margin(confidence: Double) -> Double {
    guard standardError > 0 else { return 0 }
    guard runs > 1 else { return .infinity }
    return Quantiles.student((1 + confidence) / 2, freedom: runs - 1) * standardError
  }
}

/// How one finalist came out.
package struct RaceStanding: Hashable, Sendable {
  /// The finalist, by its place in the list that was given.
  package let finalist: Int
  /// Each response in its own unit, in the problem's order.
  package let estimates: [Estimate]
  /// How far each limit is from being broken, on its response's scale: below zero is kept.
  package let violations: [Estimate]
  /// Whether every limit is kept at the stated confidence.
  package let isConfirmed: Bool
  /// The round after which the finalist ran no more, or nil where it ran to the end.
  package let eliminatedAfter: Int?
}

/// The outcome of a race.
package struct RaceResult: Hashable, Sendable {
  /// One standing for each finalist, in the order they were given.
  package let standings: [RaceStanding]
  /// The best finalist that keeps every limit at the stated confidence, or nil.
  package let winner: Int?
  /// The finalist that breaks its limits least, for an answer where there is no winner.
  package let nearest: Int?
  /// Why the race ended.
  package let end: RaceEnd
  /// Runs spent.
  package let runs: Int
}

/// A race of finalists on common random numbers with sequential elimination.
///
/// Each round runs one more replicate of everyone left. Differences are paired by replicate. A
/// finalist leaves when it breaks a limit, or when it is worse than a finalist that keeps all
/// limits, at the stated confidence; the error is shared over finalists and rounds, so it holds for
/// the race as a whole.
package struct Race: Sendable {
  /// The limits of a race.
  package struct Settings: Hashable, Sendable, Codable {
    /// The probability that no finalist is wrongly eliminated, 0 to 1, both excluded.
    package var confidence = 0.95
    /// Rounds before anyone may leave, at least two.
    package var minimumRounds = 3
    /// Runs at most, those that cost nothing included.
    package var budget = 64
    /// A difference of the first objective, on its scale, that does not matter.
    package var indifference = 0.0

    /// The standard limits.
    package init() {}
  }

  private let problem: Problem
  private let settings: Settings

  /// Creates a race for the problem's first objective under all its constraints.
  package init(problem: Problem, settings: Settings = Settings()) {
    precondition(settings.confidence > 0 && settings.confidence < 1, "a confidence is in (0, 1)")
    precondition(settings.minimumRounds >= 2, "an error of the mean takes two runs")
    self.problem = problem
    self.settings = settings
  }

  /// Runs the race.
  ///
  /// - Parameters:
  ///   - finalists: How many there are.
  ///   - affords: Whether a round may be run, where more than its number of runs decides.
  ///   - evaluate: Returns the responses of each run, in order.
  /// - Returns: How every finalist came out.
  /// - Throws: What `evaluate` throws.
  package func run<Failure: Error>(
    finalists: Int,
    affords: ([RaceRun]) -> Bool = { _ in true },
    evaluate: ([RaceRun]) throws(Failure) -> [[Double]]
  ) throws(Failure) -> RaceResult {
    var state = RaceState(problem: problem, settings: settings, finalists: finalists)
    // Nobody may leave before some rounds are over: together they keep more workers busy.
    let first = state.firstRounds()
    if !first.isEmpty, affords(first) {
      state.take(first, try evaluate(first))
      if let end = state.eliminate() { return state.result(end: end) }
    }
    while true {
      let runs = state.nextRound()
      guard !runs.isEmpty, affords(runs) else { return state.result(end: .budget) }
      state.take(runs, try evaluate(runs))
      if let end = state.eliminate() { return state.result(end: end) }
    }
  }
}

/// The bookkeeping of a race.
private struct RaceState {
  let problem: Problem
  let settings: Race.Settings
  var values: [[[Double]]]
  var left: [Int]
  var eliminated: [Int?]
  var round = 0
  var spent = 0

  init(problem: Problem, settings: Race.Settings, finalists: Int) {
    self.problem = problem
    self.settings = settings
    values = .init(repeating: [], count: finalists)
    left = Array(0..<finalists)
    eliminated = .init(repeating: nil, count: finalists)
  }

  /// The rounds before anyone may leave, where there are runs for all of them.
  func firstRounds() -> [RaceRun] {
    let rounds = 0..<settings.minimumRounds
    guard left.count <= settings.budget / rounds.count else { return [] }
    return rounds.flatMap { round in left.map { RaceRun(finalist: $0, replicate: round) } }
  }

  func nextRound() -> [RaceRun] {
    guard spent + left.count <= settings.budget else { return [] }
    return left.map { RaceRun(finalist: $0, replicate: round) }
  }

  mutating func take(_ runs: [RaceRun], _ results: [[Double]]) {
    precondition(results.count == runs.count, "every run has its responses")
    for (run, result) in zip(runs, results) { values[run.finalist].append(result) }
    spent += runs.count
    round = (runs.map(\.replicate).max() ?? round) + 1
  }

  /// The error that one comparison of this round may make: all of them add up to the whole.
  private var share: Double {
    let look = Double(round - settings.minimumRounds + 1)
    let comparisons = Double(max(1, values.count) * (1 + problem.constraints.count))
    return (1 - settings.confidence) / comparisons / (look * (look + 1))
  }

  /// Drops who stands no chance; returns the end of the race where this is it.
  mutating func eliminate() -> RaceEnd? {
    guard !left.isEmpty else { return .noneFeasible }
    guard round >= settings.minimumRounds else { return nil }
    drop(left.filter { breaksLimit($0) })
    guard !left.isEmpty else { return .noneFeasible }
    guard let leader = leader() else { return nil }
    drop(left.filter { $0 != leader && isWorse($0, than: leader) })
    if left == [leader] { return .separated }
    let close = left.allSatisfy { $0 == leader || isClose($0, to: leader) }
    return close ? .indifferent : nil
  }

  private mutating func drop(_ gone: [Int]) {
    for finalist in gone { eliminated[finalist] = round }
    left.removeAll { gone.contains($0) }
  }

  private func breaksLimit(_ finalist: Int) -> Bool {
    violations(finalist).contains { $0.value - $0.margin(confidence: 1 - 2 * share) > 0 }
  }

  /// Whether all limits are kept at the confidence of the race, over the limits together.
  func isConfirmed(_ finalist: Int) -> Bool {
    let error = (1 - settings.confidence) / Double(max(1, problem.constraints.count))
    return violations(finalist).allSatisfy { $0.value + $0.margin(confidence: 1 - 2 * error) <= 0 }
  }

  func violations(_ finalist: Int) -> [Estimate] {
    let runs = values[finalist].map { problem.violations(of: $0) }
    return problem.constraints.indices.map { limit in Estimate(runs.map { $0[limit] }) }
  }

  private func costs(_ finalist: Int) -> [Double] {
    values[finalist].map { problem.costs(of: $0)[0] }
  }

  private func meanCost(_ finalist: Int) -> Double { Estimate(costs(finalist)).value }

  /// The best of those left that keep every limit for certain.
  func leader() -> Int? {
    left.filter { isConfirmed($0) }.min { (meanCost($0), $0) < (meanCost($1), $1) }
  }

  private func difference(_ finalist: Int, _ leader: Int) -> Estimate {
    Estimate(
      zip(costs(finalist), costs(leader)).map { mine, other in mine == other ? 0 : mine - other }
    )
  }

  private func isWorse(_ finalist: Int, than leader: Int) -> Bool {
    let gap = difference(finalist, leader)
    return gap.value - gap.margin(confidence: 1 - 2 * share) > 0
  }

  private func isClose(_ finalist: Int, to leader: Int) -> Bool {
    let gap = difference(finalist, leader)
    return abs(gap.value) + gap.margin(confidence: 1 - 2 * share) <= settings.indifference
  }

  func result(end: RaceEnd) -> RaceResult {
    let standings = values.indices.map { finalist in
      RaceStanding(
        finalist: finalist,
        estimates: problem.responses.indices.map { response in
          Estimate(values[finalist].map { $0[response] })
        },
        violations: violations(finalist),
        isConfirmed: isConfirmed(finalist),
        eliminatedAfter: eliminated[finalist]
      )
    }
    let nearest = values.indices.filter { !values[$0].isEmpty }.min {
      (distance($0), meanCost($0), $0) < (distance($1), meanCost($1), $1)
    }
    let hasRun = round >= settings.minimumRounds
    return RaceResult(
      standings: standings,
      winner: hasRun ? leader() : nil,
      nearest: nearest,
      end: end,
      runs: spent
    )
  }

  private func distance(_ finalist: Int) -> Double {
    violations(finalist).reduce(0) { $0 + max(0, $1.value) }
  }
}
