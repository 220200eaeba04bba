// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import Policies
import Profiles
import Quantities
import Search

extension RecommendationRun {
  /// Puts the answer together, with the runs that only the answer needs.
  func answer() throws(TuningError) -> Recommendation {
    let verdict: Verdict = winner.map { $0 == present ? .keep : .change } ?? .noneFeasible
    let fullRun = fullRun()
    // One run of all that is compared with the answer, together: they last very differently.
    try bench.show(otherPaths.map(\.policy) + otherPolicies, replicates: 1, goal)
    let paths = try paths()
    let alternatives = alternatives()
    let rows = try rows()
    let remedies = try remedies()
    return Recommendation(
      schema: Recommendation.schemaVersion,
      asked: AskedQuestion(question, goal: goal),
      verdict: verdict,
      rows: rows,
      nearest: try nearestRow(),
      changes: (winner ?? present).changes(from: present).map(KnobChange.init),
      why: try reasons(),
      cost: try costs(),
      apply: applySteps(),
      holds: try validity(),
      safety: tools.safety.verdict(question, policy: winner ?? present),
      basis: try basis(),
      alternatives: alternatives,
      paths: paths,
      fullRun: fullRun,
      fleet: fleet(),
      remedies: remedies
    )
  }

  /// What the operation does to a host on which it comes again and again, where the workload says so.
  private func fleet() -> FleetEffect? {
    let rate = question.workload.operationsPerHour
    guard rate > 0, let now = fleetLoss(present, rate) else { return nil }
    let then = winner.flatMap { $0 == present ? nil : fleetLoss($0, rate) }
    return FleetEffect(operationsPerHour: rate, now: now, then: then)
  }

  /// The loss of one policy; where the operation has a CPU without a queue, it hits no flow.
  private func fleetLoss(_ policy: Policy, _ rate: Int) -> FleetLoss? {
    let reports = bench.known(policy, .full)
    guard let outcome = reports.first?.fleet else { return nil }
    let isApart = policy.interrupt == .moved
    let failed = reports.compactMap { $0.value(of: .connectsFailed) }
    let mean = failed.reduce(0, +) / Double(max(1, failed.count))
    return FleetLoss(
      hourChance: isApart ? 0 : outcome.hourChance,
      timeShare: isApart ? 0 : outcome.timeShare,
      connectsADay: failed.isEmpty ? nil : mean * Double(rate) * 24
    )
  }

  private func rows() throws(TuningError) -> [AnswerRow] {
    // The present policy first: what is best of a class depends on whether it keeps the limits.
    let spare = shares.explanation / 2
    try show([present], sparing: spare)
    try show([best(of: .today), best(of: .kernel)].compactMap { $0 }, sparing: spare)
    var rows = [try row(.now, present)]
    if let policy = best(of: .today) { rows.append(try row(.today, policy)) }
    if let policy = best(of: .kernel) { rows.append(try row(.kernel, policy)) }
    return rows
  }

  private func nearestRow() throws(TuningError) -> AnswerRow? {
    guard winner == nil, let nearest else { return nil }
    let needed = PolicySpace.knobClass(of: nearest, from: present)
    return try row(nearest == present ? .now : needed == .today ? .today : .kernel, nearest)
  }

  private func row(_ role: RowRole, _ policy: Policy) throws(TuningError) -> AnswerRow {
    AnswerRow(
      role: role,
      policy: policy.description,
      summary: policy.summary(from: present),
      effects: try effects(policy),
      violations: goal.violations(of: means(policy)),
      undecided: undecided(policy),
      isConfirmed: isConfirmed(policy),
      isRecommended: policy == winner,
      warnings: warnings(policy)
    )
  }

  /// What the kernel would log, by the longest of a policy's whole runs.
  private func warnings(_ policy: Policy) -> [KernelWarning] {
    let runs = bench.known(policy, .full).compactMap(\.watchdogs)
    return Watchdogs.Warning.allCases.compactMap { kind in
      guard let worst = runs.map({ $0.time(kind) }).max(), worst > kind.limit else { return nil }
      return KernelWarning(kind: kind, time: Double(worst.rawValue))
    }
  }

  /// A policy's responses as predicted and as simulated so far.
  func effects(_ policy: Policy) throws(TuningError) -> [Effect] {
    let predicted = try tools.predictor?.predictions(question, policy: policy) ?? [:]
    let reports = bench.known(policy, .full)
    return goal.shown.map { response in
      let values = reports.compactMap { $0.value(of: response) }
      let estimate = values.isEmpty ? nil : Estimate(values)
      let spread = values.count == 1 ? spread(response) : nil
      return Effect(
        response: response,
        predicted: predicted[response],
        simulated: estimate.map {
          SimulatedValue($0, response, confidence: question.confidence, spread: spread)
        }
      )
    }
  }

  /// How far whole runs of one policy lie from their mean, over all policies that were run more than
  /// once: of times and counts as a share of the mean, of shares as they are.
  private func spread(_ response: Response) -> PooledSpread? {
    var spread = PooledSpread()
    for policy in bench.policies(.full) {
      let values = bench.known(policy, .full).compactMap { $0.value(of: response) }
      guard values.count > 1, values.allSatisfy(\.isFinite) else { continue }
      spread.add(values, isRelative: response.unit != .share)
    }
    return spread.freedom > 0 ? spread : nil
  }

  private func basis() throws(TuningError) -> Basis {
    let predicted = try winner.map { (policy) throws(TuningError) in
      try tools.predictor?.predictions(question, policy: policy) ?? [:]
    }
    let isOutside = predicted?.values.contains { $0.isExtrapolated }
    return Basis(
      model: tools.predictor?.identity,
      isInsideDomain: tools.predictor == nil ? nil : isOutside.map { !$0 },
      scored: scored,
      hazardous: hazardous,
      simulated: simulated.count,
      finalists: result?.standings.count ?? 0,
      runs: bench.allowance.spent,
      raceEnd: result?.end ?? .noneFeasible,
      seed: question.seed
    )
  }

  /// The first of the runs that the winner was judged by.
  private func fullRun() -> FullRun? {
    guard let winner, let report = bench.known(winner, .full).first else { return nil }
    return FullRun(
      digest: String(report.digest, radix: 16),
      replicate: 0,
      values: goal.shown.compactMap { response in
        report.value(of: response).map { ResponseValue(response: response, value: $0) }
      }
    )
  }

  /// The present policy on each teardown path where that is possible; none for other operations.
  private var otherPaths: [(path: TeardownPath, policy: Policy)] {
    guard question.workload.operation == .teardown else { return [] }
    return TeardownPath.allCases.compactMap { path in
      question.plainPath(path, tools.safety).map { (path, $0) }
    }
  }

  /// The teardown paths with everything else as it is.
  private func paths() throws(TuningError) -> [PathRow] {
    // A small budget rather says where the choice flips: then one run has to do.
    try settle(otherPaths.map(\.policy), sparing: shares.explanation / 2)
    var rows: [PathRow] = []
    for (path, policy) in otherPaths where !bench.known(policy, .full).isEmpty {
      rows.append(
        PathRow(
          path: path,
          policy: policy.description,
          effects: try effects(policy),
          violations: goal.violations(of: means(policy)),
          undecided: undecided(policy)
        )
      )
    }
    return rows
  }
}

extension KnobChange {
  init(_ change: PolicyChange) {
    self.init(
      knob: change.key.rawValue,
      from: change.from,
      to: change.to,
      knobClass: change.key.knobClass
    )
  }
}

extension Policy {
  /// What a policy changes from another, in words; "as it is" where nothing.
  func summary(from other: Policy) -> String {
    let parts = changes(from: other).map { change in
      switch change.key {
      case .chunk: "chunk \(change.to) instead of \(change.from)"
      case .tlbi: "invalidation \(change.to) instead of \(change.from)"
      case .controller: "chunks end on \(change.to)"
      case .breaks: change.to == "yes" ? "break points between chunks" : "no break points"
      case .split: "eager split by \(change.to)"
      case .log:
        switch change.to {
        case LogStart.allSet.rawValue: "logging starts with all bits set"
        case LogStart.boot.rawValue: "logging since the guest's start"
        default: "logging starts by protecting the slot"
        }
      case .harvest:
        switch change.to {
        case "clear": "GET, then CLEAR"
        case "get": "GET alone"
        default: "dirty \(change.to) entries".replacing(":", with: " of ")
        }
      case .clear: "CLEAR in ranges of \(change.to)"
      case .path: "teardown by \(change.to)"
      case .slice: "the VMM gives memory back in slices of \(change.to)"
      case .pause: "\(change.to) between slices"
      case .irq: "the queue's interrupt on another CPU"
      case .napi: change.to == "threaded" ? "NAPI in a thread" : "NAPI in softirq"
      }
    }
    return parts.isEmpty ? "as it is" : parts.joined(separator: ", ")
  }
}
