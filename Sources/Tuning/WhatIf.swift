// SPDX-License-Identifier: GPL-3.0-or-later

import CostModels
package import Operations
package import Policies
import Profiles
import Quantities
import Search

/// Answers what-if questions: from the cost model where it may be believed, else by runs.
package struct WhatIf: Sendable {
  private let question: Question
  private let tools: TuningTools
  private let isExact: Bool
  /// Whether each case carries the terms of its predictions.
  package var explains = false

  /// Runs a case when it is simulated.
  static let replicates = 3

  /// Creates the answerer; `exact` simulates every case.
  package init(_ question: Question, tools: TuningTools, exact: Bool = false) {
    self.question = question
    self.tools = tools
    isExact = exact
  }

  /// One policy.
  package func point(_ policy: Policy) throws(TuningError) -> WhatIfAnswer {
    try comparison([policy])
  }

  /// Several policies side by side.
  package func comparison(_ policies: [Policy]) throws(TuningError) -> WhatIfAnswer {
    try answer(
      policies.map { WhatIfCase(label: $0.description, question: question, policy: $0) }
    )
  }

  /// A knob of a policy, or a property of the workload, over its values.
  ///
  /// - Parameters:
  ///   - sweep: The key and its values.
  ///   - policy: The policy that is varied, or that stays.
  ///   - loaded: The setup as it was loaded, for keys of its profiles.
  /// - Returns: The answer, one point a value.
  /// - Throws: A sentence where a value is not legal.
  package func sweep(
    _ sweep: Sweep,
    policy: Policy,
    loaded: LoadedSetup
  ) throws(TuningError) -> WhatIfAnswer {
    var cases: [WhatIfCase] = []
    for value in sweep.values {
      var question = question
      var policy = policy
      do {
        if let key = PolicyKey(rawValue: sweep.key) {
          try policy.set(key, to: value)
        } else {
          var changed = loaded
          try changed.set([(sweep.key, value)])
          question.setup = changed.setup
        }
      } catch {
        throw .illegalValue("\(error)")
      }
      let label = "\(sweep.key)=\(value)"
      let position = Sweep.position(of: value)
      cases.append(
        WhatIfCase(label: label, position: position, question: question, policy: policy)
      )
    }
    return try answer(cases, swept: sweep.key)
  }

  /// Any cases, also over hosts and kernels; there is at least one.
  ///
  /// Limits relative to the present policy, and the comparison with it, are those of each case's
  /// own host, kernel and workload.
  package func answer(
    _ cases: [WhatIfCase],
    swept: String? = nil
  ) throws(TuningError) -> WhatIfAnswer {
    precondition(!cases.isEmpty, "a what-if asks about something")
    var evidence = Evidence(tools: tools, isExact: isExact)
    try evidence.prepare(cases)
    let first = cases[0].question
    let now = WhatIfCase(label: "now", question: first, policy: first.presentPolicy)
    var points: [WhatIfPoint] = []
    for one in cases { points.append(try point(one, &evidence)) }
    let goal = try evidence.goal(first)
    return WhatIfAnswer(
      schema: WhatIfAnswer.schemaVersion,
      objective: first.goal,
      limits: goal.limits.map(\.level.description),
      model: tools.predictor?.identity,
      swept: swept,
      present: try point(now, &evidence),
      points: points,
      flips: swept == nil ? [] : flips(points, goal),
      best: best(points, goal)
    )
  }

  private func point(
    _ one: WhatIfCase,
    _ evidence: inout Evidence
  ) throws(TuningError) -> WhatIfPoint {
    let goal = try evidence.goal(one.question)
    let known = try evidence.known(one.question, one.policy)
    let present = try evidence.known(one.question, one.question.presentPolicy)
    let values = goal.values(known.values)
    return WhatIfPoint(
      label: one.label,
      position: one.position,
      host: one.question.host.name,
      kernel: one.question.kernel.name,
      workload: one.question.workload.name,
      policy: one.policy.description,
      effects: goal.shown.map { known.effect($0, one.question.confidence) },
      present: present.values[goal.objective],
      isPresentFeasible: goal.violations(of: goal.values(present.values)).isEmpty,
      violations: goal.violations(of: values),
      safety: tools.safety.verdict(one.question, policy: one.policy),
      source: known.source,
      place: known.place,
      placeReason: known.placeReason,
      fewSamples: known.fewSamples,
      idleKnobs: idleKnobs(one),
      explanation: try explanation(one, goal)
    )
  }

  /// The knobs that a case turns away from the present policy and that nothing here reads.
  private func idleKnobs(_ one: WhatIfCase) -> [IdleKnob]? {
    let present = one.question.presentPolicy
    let found = one.question.workload.idleKnobs(of: one.policy, turnedFrom: present)
    return found.isEmpty ? nil : found
  }

  /// The terms of a case's predictions, in the order of its effects; nil where nobody asks.
  private func explanation(
    _ one: WhatIfCase,
    _ goal: Goal
  ) throws(TuningError) -> [Explanation]? {
    guard explains, let predictor = tools.predictor else { return nil }
    let policy = one.policy.canonical(in: one.question.setting)
    let known = try predictor.explanations(one.question, policy: policy)
    return goal.shown.compactMap { response in known.first { $0.response == response } }
  }

  /// Where a limit begins or ends to be kept, safety begins or ends, or the present policy
  /// overtakes.
  private func flips(_ points: [WhatIfPoint], _ goal: Goal) -> [WhatIfFlip] {
    zip(points, points.dropFirst()).flatMap { before, after in
      var found: [WhatIfFlip] = []
      func add(_ sentence: String) {
        found.append(WhatIfFlip(after: before.label, from: after.label, sentence: sentence))
      }
      let (old, new) = (before.violations.map(\.limit), after.violations.map(\.limit))
      for miss in after.violations where !old.contains(miss.limit) {
        let verdict = miss.value == nil ? "has no sample" : "is broken"
        add("\(miss.limit) \(verdict) from here on")
      }
      for limit in old where !new.contains(limit) { add("\(limit) is kept from here on") }
      if before.safety.isSafe != after.safety.isSafe {
        add(after.safety.isSafe ? "safe from here on" : after.safety.sentence)
      }
      if let was = beatsPresent(before, goal), let isNow = beatsPresent(after, goal), was != isNow {
        let text = isNow ? "better than the present policy" : "the present policy is as good"
        add("\(text) from here on")
      }
      return found
    }
  }

  /// Whether one would choose the policy over the present one: that breaks a limit, or is worse in
  /// the objective by more than a thousandth; nil where the policy itself breaks one.
  private func beatsPresent(_ point: WhatIfPoint, _ goal: Goal) -> Bool? {
    guard point.violations.isEmpty else { return nil }
    guard point.isPresentFeasible else { return true }
    let response = goal.problem.responses[0]
    guard let mine = point.value(of: goal.objective), let other = point.present else { return nil }
    return response.cost(mine) < response.cost(other) - 0.001
  }

  private func best(_ points: [WhatIfPoint], _ goal: Goal) -> String? {
    let response = goal.problem.responses[0]
    let eligible = points.filter { $0.violations.isEmpty && $0.safety.isSafe }
    let costs = eligible.map { point in
      point.value(of: goal.objective).map { response.cost($0) } ?? .infinity
    }
    return eligible.indices.min { (costs[$0], $0) < (costs[$1], $1) }.map { eligible[$0].label }
  }
}
