// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Profiles
import Quantities
import Search

/// The one constant that is best over many hosts and workloads, and what each candidate loses.
///
/// A candidate's regret on a question is the loss of the objective against the best one that keeps the
/// limits there. Breaking a limit that another candidate keeps is a failure, and failures come first; the
/// present rule has only failed where noise cannot be why. What breaks a limit that the present rule keeps
/// is never chosen. Regrets that differ by less than a hundredth, or by less than runs do, are a tie: it
/// goes to the present rule, then to the larger chunk.
package struct RobustChoice: Hashable, Sendable, Codable {
  /// The version of the JSON form.
  package static let schemaVersion = 1

  /// The version of the form this was written in.
  package let schema: Int
  /// The simulator's version.
  package let simulator: String
  /// None: no cost model takes part.
  package let model: String?
  /// One check a question.
  package let checks: [RobustCheck]
  /// One row a candidate that is possible and safe on every question.
  package let rows: [RobustRow]
  /// The candidate whose worst regret is least.
  package let minimax: String
  /// The candidate whose mean regret is least.
  package let mean: String
  /// The candidate whose worst regret is least among those that are a chunk.
  package let chunk: String

  enum CodingKeys: String, CodingKey {
    case schema = "schema_version"
    case simulator, model, checks, rows, minimax, mean, chunk
  }

  /// Adds up checks.
  package init(simulator: String, model: String?, checks: [RobustCheck]) {
    schema = Self.schemaVersion
    (self.simulator, self.model, self.checks) = (simulator, model, checks)
    let judged = checks.map(JudgedQuestion.init)
    let rows = RobustCandidate.all.compactMap { RobustRow($0.name, judged) }
    self.rows = rows
    minimax = Self.best(rows, \.worst)
    mean = Self.best(rows, \.mean)
    chunk = Self.best(rows.filter { !$0.candidate.hasPrefix("controller=") }, \.worst)
  }

  /// The row of a candidate.
  package func row(_ candidate: String) -> RobustRow? {
    rows.first { $0.candidate == candidate }
  }

  /// A difference of regrets that does not matter: a hundredth.
  private static let indifference = 0.01

  /// The first candidate, in the order of ties, of those with the least regret among those that fail
  /// least.
  private static func best(_ rows: [RobustRow], _ regret: KeyPath<RobustRow, Regret?>) -> String {
    let possible = rows.filter { $0.regressions == 0 && $0[keyPath: regret] != nil }
    func failures(_ row: RobustRow) -> Int {
      row.candidate == RobustCandidate.now.name ? row.clearFailures : row.failures
    }
    let least = possible.map(failures).min()
    let equal = possible.filter { failures($0) == least }
      .compactMap { row in row[keyPath: regret].map { (row.candidate, $0) } }
    guard let best = equal.min(by: { $0.1.value < $1.1.value }) else {
      return RobustCandidate.now.name
    }
    let tied = equal.first { _, one in
      let noise = (one.margin * one.margin + best.1.margin * best.1.margin).squareRoot()
      return one.value - best.1.value <= max(indifference, noise)
    }
    return (tied ?? best).0
  }
}

/// A regret, as a share of the objective, and how far another such evaluation could lie from it.
package struct Regret: Hashable, Sendable, Codable {
  /// The regret: 0.1 is an objective that is worse by a tenth.
  package let value: Double
  /// Half the width of its interval at 95 % confidence, a share.
  package let margin: Double
}

/// What one candidate comes to over all questions.
package struct RobustRow: Hashable, Sendable, Codable {
  /// The candidate's name.
  package let candidate: String
  /// Questions whose limits its mean keeps, all of them.
  package let kept: Int
  /// Those among them whose limits the present rule keeps as well.
  package let keptOfNow: Int
  /// Questions on which its mean breaks a limit that another candidate keeps.
  package let failures: Int
  /// Those among them on which noise cannot be why.
  package let clearFailures: Int
  /// Those among the latter on which the present rule keeps that limit.
  package let regressions: Int
  /// Questions that the present rule does not fail and on which the objective is clearly worse than
  /// under it, by more than a hundredth.
  package let slower: Int
  /// The largest regret where it does not clearly fail; nil where it does everywhere.
  package let worst: Regret?
  /// The question of the largest regret.
  package let worstQuestion: String?
  /// The mean of its regrets where it does not clearly fail; nil where it does everywhere.
  package let mean: Regret?

  enum CodingKeys: String, CodingKey {
    case candidate, kept
    case keptOfNow = "kept_of_now"
    case failures
    case clearFailures = "clear_failures"
    case regressions, slower
    case worst = "worst_regret"
    case worstQuestion = "worst_question"
    case mean = "mean_regret"
  }

  /// Adds up a candidate; nil where some question does not have it.
  init?(_ candidate: String, _ questions: [JudgedQuestion]) {
    let verdicts = questions.map { ($0, $0.verdict(candidate)) }
    let known = verdicts.compactMap { question, verdict in verdict.map { (question, $0) } }
    guard known.count == questions.count else { return nil }
    self.candidate = candidate
    kept = known.count { $1.isKept }
    keptOfNow = known.count { $1.isKept && $0.isKeptNow }
    failures = known.count { $1.isFailure }
    clearFailures = known.count { $1.isClearFailure }
    regressions = known.count { $1.isRegression }
    slower = known.count { $1.isSlower }
    let sound = known.filter { !$1.isClearFailure }
    let top = sound.max { $0.1.regret.value < $1.1.regret.value }
    worst = top?.1.regret
    worstQuestion = top?.0.name
    guard !sound.isEmpty else {
      mean = nil
      return
    }
    let count = Double(sound.count)
    let squares = sound.reduce(0) { $0 + $1.1.regret.margin * $1.1.regret.margin }
    mean = Regret(
      value: sound.reduce(0) { $0 + $1.1.regret.value } / count,
      margin: squares.squareRoot() / count
    )
  }
}

/// A question with what each candidate is judged against.
struct JudgedQuestion {
  let name: String
  private let check: RobustCheck
  /// The limits that some candidate keeps.
  private let attainable: Set<String>
  /// The best trial among those that break fewest of them.
  private let best: RobustTrial?
  private let now: RobustTrial?

  /// A loss of the objective that does not matter: a hundredth.
  private static let slight = 0.01

  /// What a question says of a candidate.
  struct Verdict {
    let isKept: Bool
    let isFailure: Bool
    let isClearFailure: Bool
    let isRegression: Bool
    let isSlower: Bool
    let regret: Regret
  }

  init(_ check: RobustCheck) {
    (name, self.check) = (check.name, check)
    let attainable = Set(
      check.limits.filter { limit in
        check.trials.contains { trial in trial.broken.allSatisfy { $0.limit != limit } }
      }
    )
    func misses(_ trial: RobustTrial) -> Int {
      trial.broken.count { attainable.contains($0.limit) }
    }
    let least = check.trials.map(misses).min()
    let sign: Double = check.objective.moreIsBetter ? -1 : 1
    best = check.trials.filter { misses($0) == least }
      .min { sign * $0.average < sign * $1.average }
    now = check.trials.first { $0.candidate == RobustCandidate.now.name }
    self.attainable = attainable
  }

  var isKeptNow: Bool { now?.broken.isEmpty == true }

  func verdict(_ candidate: String) -> Verdict? {
    guard let trial = check.trials.first(where: { $0.candidate == candidate }), let best, let now
    else { return nil }
    let missed = trial.broken.filter { attainable.contains($0.limit) }
    let missedNow = Set(now.broken.map(\.limit)).intersection(attainable)
    let against = loss(trial, against: now)
    return Verdict(
      isKept: trial.broken.isEmpty,
      isFailure: !missed.isEmpty,
      isClearFailure: missed.contains { $0.isClear },
      isRegression: missed.contains { $0.isClear && !missedNow.contains($0.limit) },
      isSlower: missedNow.isEmpty && against.value > max(Self.slight, against.margin),
      regret: loss(trial, against: best)
    )
  }

  /// What a trial's objective loses against another's, run by run; nothing where it is better, or worse
  /// by what nobody notices.
  private func loss(_ trial: RobustTrial, against other: RobustTrial) -> Regret {
    let sign: Double = check.objective.moreIsBetter ? -1 : 1
    let base = max(other.average.magnitude, .leastNormalMagnitude)
    let losses = Estimate(zip(trial.values, other.values).map { sign * ($0 - $1) / base })
    let unit = check.objective.response.unit
    let unnoticed = unit == .nanoseconds ? Double(RecommendationRun.unnoticed.rawValue) / base : 0
    guard losses.value > unnoticed else { return Regret(value: 0, margin: 0) }
    let margin = losses.margin(confidence: RobustChecker.confidence)
    return Regret(value: losses.value, margin: margin)
  }
}

extension RobustTrial {
  /// The mean of the objective, in its unit.
  fileprivate var average: Double { values.reduce(0, +) / Double(max(1, values.count)) }
}
