// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import Policies
import Profiles
import Search

/// What whole runs that no answer has seen say of one answer.
package struct AnswerCheck: Hashable, Sendable, Codable {
  /// The question, `host/kernel/workload memory`.
  package let name: String
  /// What the answer said.
  package let verdict: Verdict
  /// The recommended policy; nil where none keeps the limits.
  package let policy: String?
  /// Figures that were printed for policies, and those whose fresh mean lies within their interval.
  package let figures: Int
  package let inside: Int
  /// The figures that do not.
  package let misses: [String]
  /// Policies that were printed, those of them of which the answer says that its runs do not decide,
  /// and those of the others whose limits fresh runs judge alike.
  package let policies: Int
  package let undecided: Int
  package let alike: Int
  /// The policies that fresh runs judge otherwise.
  package let unlike: [String]
  /// Where verdict and rows contradict each other.
  package let contradictions: [String]
  /// Changes of the recommended policy, and those that may be left out: no limit breaks, and the
  /// objective gets worse by at most a hundredth.
  package let changes: Int
  package let idle: [String]
  /// Runs that the answer spent.
  package let runs: Int

  /// Policies of which the answer says whether they keep the limits.
  package var judged: Int { policies - undecided }
}

/// The checks of many answers, added up.
package struct AnswerQuality: Hashable, Sendable, Codable {
  /// The version of the JSON form.
  package static let schemaVersion = 2

  /// The version of the form this was written in.
  package let schema: Int
  /// The simulator's version.
  package let simulator: String
  /// The cost model's identity; nil where answers were made by simulation alone.
  package let model: String?
  /// One check a question.
  package let checks: [AnswerCheck]

  /// Adds up checks.
  package init(simulator: String, model: String?, checks: [AnswerCheck]) {
    schema = Self.schemaVersion
    (self.simulator, self.model, self.checks) = (simulator, model, checks)
  }

  enum CodingKeys: String, CodingKey {
    case schema = "schema_version"
    case simulator, model, checks
  }

  /// Figures within their interval, policies whose limits are judged alike: shares from 0 to 1.
  package var insideShare: Double { share(\.inside, of: \.figures) }
  package var alikeShare: Double { share(\.alike, of: \.judged) }
  package var contradictions: Int { checks.reduce(0) { $0 + $1.contradictions.count } }
  package var policies: Int { checks.reduce(0) { $0 + $1.policies } }
  package var undecided: Int { checks.reduce(0) { $0 + $1.undecided } }
  package var idle: Int { checks.reduce(0) { $0 + $1.idle.count } }

  /// Whether all targets are met: 90 % inside, 98 % judged alike, no contradiction, no idle change.
  package var isGood: Bool {
    insideShare >= 0.9 && alikeShare >= 0.98 && contradictions == 0 && idle == 0
  }

  private func share(_ part: KeyPath<AnswerCheck, Int>, of whole: KeyPath<AnswerCheck, Int>)
    -> Double
  {
    let sums = [part, whole].map { key in checks.reduce(0) { $0 + $1[keyPath: key] } }
    return sums[1] > 0 ? Double(sums[0]) / Double(sums[1]) : 1
  }
}

/// Holds an answer against whole runs of seeds that it has not seen.
package struct AnswerChecker: Sendable {
  private let question: Question
  private let tools: TuningTools
  private let bench: Bench
  private let goal: Goal

  /// The first replicate that no answer has seen, how many are run of a policy, and how many of one
  /// whose mean lies near a limit.
  private static let fresh = 7_000
  private static let count = 3
  private static let most = 8
  /// What stands for an interval where all runs of an answer gave the same, or nearly: a hundredth of
  /// a time, a point of a share, one of a count.
  private static let rounding = 0.01

  /// Prepares the check of a question's answer.
  package init(_ question: Question, tools: TuningTools) throws(TuningError) {
    (self.question, self.tools) = (question, tools)
    bench = Bench(question, tools: tools)
    let present = try bench.reports(Self.requests(question.presentPolicy))
    goal = try Goal(question, present: Recommender.means(present))
  }

  private static func requests(_ policy: Policy, _ count: Int = count) -> [RunRequest] {
    (fresh..<(fresh + count)).map { RunRequest(policy: policy, replicate: $0, extent: .full) }
  }

  /// Whether fresh runs keep every limit on their mean; more of them where three lie on both sides.
  private func isKept(_ policy: Policy) throws(TuningError) -> Bool {
    let rows = try bench.values(Self.requests(policy), goal)
    let sides = Set(rows.map { goal.violations(of: $0).isEmpty })
    guard sides.count > 1 else { return sides.contains(true) }
    return goal.violations(of: try bench.means(Self.requests(policy, Self.most), goal)).isEmpty
  }

  /// The means of a policy's fresh runs, in the order of the goal.
  private func means(_ policy: Policy) throws(TuningError) -> [Double] {
    try bench.means(Self.requests(policy), goal)
  }

  /// Checks an answer.
  package func check(_ answer: Recommendation, name: String) throws(TuningError) -> AnswerCheck {
    var (figures, inside, policies, alike, undecided) = (0, 0, 0, 0, 0)
    var (misses, unlike, contradictions) = ([String](), [String](), [String]())
    let rows =
      answer.rows.map { ($0.policy, $0.effects, $0.violations, $0.undecided) }
      + answer.paths.map { ($0.policy, $0.effects, $0.violations, $0.undecided) }
    var seen: Set<String> = []
    for (text, effects, violations, near) in rows where seen.insert(text).inserted {
      let policy = try parsed(text)
      let values = try means(policy)
      policies += 1
      // What breaks one limit beyond doubt breaks the limits, however near the others are.
      let isBroken = !violations.decided(near).isEmpty
      if !isBroken, !near.isEmpty {
        undecided += 1
      } else if try isKept(policy) == !isBroken {
        alike += 1
      } else {
        unlike.append(text)
      }
      for effect in effects {
        guard let said = effect.simulated,
          let place = goal.shown.firstIndex(of: effect.response)
        else { continue }
        figures += 1
        if agrees(values[place], said, effect.response) {
          inside += 1
        } else {
          let range =
            "\(effect.response.written(said.low)) to \(effect.response.written(said.high))"
          misses.append(
            "\(text): \(effect.response.phrase) \(effect.response.written(values[place])), said \(range)"
          )
        }
      }
      if answer.verdict == .noneFeasible, question.allows(policy), violations.isEmpty {
        contradictions.append("none keeps the limits, and \(text) does")
      }
    }
    for violation in answer.recommended?.violations ?? [] {
      contradictions.append("the recommended policy \(violation.sentence)")
    }
    let idle = try idleChanges(answer)
    return AnswerCheck(
      name: name,
      verdict: answer.verdict,
      policy: answer.recommended?.policy,
      figures: figures,
      inside: inside,
      misses: misses,
      policies: policies,
      undecided: undecided,
      alike: alike,
      unlike: unlike,
      contradictions: contradictions,
      changes: answer.changes.count,
      idle: idle,
      runs: answer.basis.runs
    )
  }

  private func parsed(_ text: String) throws(TuningError) -> Policy {
    do {
      return try Policy(parsing: text).canonical(in: question.setting)
    } catch {
      throw .impossiblePolicy(error.description)
    }
  }

  private func agrees(_ value: Double, _ said: SimulatedValue, _ response: Response) -> Bool {
    let slack: Double =
      switch response.unit {
      case .nanoseconds: Self.rounding * said.value
      case .share: Self.rounding
      case .count: 1
      }
    return said.low - slack <= value && value <= said.high + slack
  }

  /// The changes of the recommended policy without which the limits are kept as well and the
  /// objective is worse by at most a hundredth.
  private func idleChanges(_ answer: Recommendation) throws(TuningError) -> [String] {
    guard let text = answer.recommended?.policy else { return [] }
    let winner = try parsed(text)
    let own = try means(winner)
    var idle: [String] = []
    for change in winner.changes(from: question.presentPolicy) {
      guard let without = winner.turning(change.key, to: change.from, in: question.setting) else {
        continue
      }
      guard try isKept(without) else { continue }
      let values = try means(without)
      if goal.objectiveLoss(values[0], against: own[0]) <= Self.rounding {
        idle.append("\(change.key.rawValue)=\(change.to)")
      }
    }
    return idle
  }
}
