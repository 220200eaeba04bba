// SPDX-License-Identifier: GPL-3.0-or-later

package import CostModels
package import Operations
import PageTables
import Policies
import Profiles
import Quantities

/// An answer and everything that is asked about it: the runs watched, what else there is, the chunk
/// over its sizes, what predictions are made of, and what decides.
package struct AnswerStudy: Hashable, Sendable, Codable {
  /// What a policy's predicted objective is made of.
  package struct Composition: Hashable, Sendable, Codable {
    /// What the policy is to the answer: `now` or `recommended`.
    package let role: String
    /// The policy's text.
    package let policy: String
    /// The terms.
    package let explanation: Explanation
  }

  /// A part that is not there.
  package struct Absence: Hashable, Sendable, Codable {
    /// Which one.
    package let part: Part
    /// Why not, in one sentence.
    package let reason: String
  }

  /// The parts beside the answer itself.
  package enum Part: String, Hashable, Sendable, CaseIterable, Codable {
    /// The runs watched.
    case runs
    /// The front over the objectives.
    case front
    /// The chunk over its sizes.
    case sweep
    /// What predictions are made of.
    case compositions
    /// What each knob accounts for.
    case sensitivity
    /// What each assumed value of the host moves.
    case hostValues = "host_values"
  }

  /// The answer.
  package let recommendation: Recommendation
  /// Its first runs, watched.
  package private(set) var runs: TracedRuns?
  /// The policies that no other beats in all objectives.
  package private(set) var front: FrontAnswer?
  /// The present policy with chunks of all sizes.
  package private(set) var sweep: WhatIfAnswer?
  /// What the predicted objective is made of, before and after.
  package private(set) var compositions: [Composition] = []
  /// What each knob accounts for.
  package private(set) var sensitivity: SensitivityAnswer?
  /// What each assumed value of the host moves.
  package private(set) var hostValues: HostValueAnswer?
  /// What is not there.
  package private(set) var absent: [Absence] = []

  enum CodingKeys: String, CodingKey {
    case recommendation, runs, front, sweep, compositions, sensitivity
    case hostValues = "host_values"
    case absent
  }

  /// Asks everything about an answer to a question; a part that cannot be answered says why.
  package init(
    of answer: Recommendation,
    to question: Question,
    loaded: LoadedSetup,
    tools: TuningTools
  ) {
    recommendation = answer
    let recommended = answer.recommended
      .flatMap { try? Policy(parsing: $0.policy, over: question.presentPolicy) }?
      .canonical(in: question.setting)
    let other = recommended == question.presentPolicy ? nil : recommended
    runs = attempt(.runs) {
      try RunTracer(question, tools: tools).runs(of: answer)
    }
    front = attempt(.front) {
      let metrics = ParetoFinder.standardObjectives(question)
      guard metrics.count > 1 else {
        throw Missing("the workload has one objective, and a front needs two")
      }
      return try ParetoFinder(question, tools: tools).front(metrics)
    }
    sweep = attempt(.sweep) {
      let sizes = try Self.sizes(question)
      return try WhatIf(question, tools: tools)
        .sweep(sizes, policy: question.presentPolicy, loaded: loaded)
    }
    guard let predictor = tools.predictor else {
      let reason = "it is taken from a cost model's predictions, and none answered"
      absent += [.compositions, .sensitivity, .hostValues].map { Absence(part: $0, reason: reason) }
      return
    }
    compositions =
      attempt(.compositions) {
        try Self.compositions(question, predictor, other)
      } ?? []
    sensitivity = attempt(.sensitivity) {
      var thinned = question
      // All knobs together make a hundred times as many policies as those of today.
      if question.knobs != .today { thinned.thinning = max(question.thinning, 4) }
      return try SensitivityStudy(thinned, predictor: predictor).answer()
    }
    hostValues = attempt(.hostValues) {
      let study = HostValueStudy(question, predictor: predictor)
      guard let answer = try study.answer(loaded.host, recommended: other) else {
        throw Missing("the cost model does not predict \(question.goal.rawValue) here")
      }
      return answer
    }
  }

  /// Why a part cannot be asked for.
  private struct Missing: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  /// A part, or nothing and the reason noted.
  private mutating func attempt<Value>(
    _ part: Part,
    _ make: () throws -> Value
  ) -> Value? {
    do {
      return try make()
    } catch {
      absent.append(Absence(part: part, reason: "\(error)"))
      return nil
    }
  }

  /// The chunk over every size from 64 KiB, or a page where that is more, to 1 GiB that is legal here.
  private static func sizes(_ question: Question) throws -> Sweep {
    let (present, page) = (question.presentPolicy, question.host.granule.page)
    var sizes: [String] = []
    var size = max(page, ByteCount.kibibytes(64))
    while size <= .gibibytes(1) {
      var policy = present
      if (try? policy.set(.chunk, to: size.description)) != nil,
        (try? policy.validate(in: question.setting)) != nil
      {
        let idle = question.workload.idleKnobs(of: policy, turnedFrom: present)
        if let reason = idle.first(where: { $0.knob.hasPrefix("\(PolicyKey.chunk.rawValue)=") })?
          .reason
        {
          throw Missing("the chunk has no effect in this operation: \(reason)")
        }
        sizes.append(size.description)
      }
      size = size * 2
    }
    guard sizes.count > 2 else {
      throw Missing("fewer than three sizes of a chunk are legal here")
    }
    return try Sweep(parsing: "chunk=\(sizes.joined(separator: ","))")
  }

  private static func compositions(
    _ question: Question,
    _ predictor: any PolicyPredictor,
    _ recommended: Policy?
  ) throws(TuningError) -> [Composition] {
    var cases = [("now", question.presentPolicy)]
    if let recommended { cases.append(("recommended", recommended)) }
    var found: [Composition] = []
    for (role, policy) in cases {
      let all = try predictor.explanations(question, policy: policy)
      guard let own = all.first(where: { $0.response == question.goal.response }) else { continue }
      found.append(Composition(role: role, policy: policy.description, explanation: own))
    }
    return found
  }
}
