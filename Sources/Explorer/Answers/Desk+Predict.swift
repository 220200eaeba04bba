// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
import Observations
import Operations
import Policies
import Profiles
import Quantities
import Reports
import Tuning

/// The answer of `what-if`, as that command writes it, and in words where they were asked for.
struct PredictDocument: Encodable, Sendable {
  let answer: WhatIfAnswer
  let context: AnswerContext
  let words: [AnswerWords]?

  enum CodingKeys: String, CodingKey {
    case answer = "what_if"
    case context, words
  }
}

/// A question of `what-if`: cases side by side, or a sweep.
struct PredictRequest: Sendable {
  private let asked: Asked
  private let question: Question
  private let policies: [String]
  private let sweep: Sweep?
  private let explains: Bool
  private let isExact: Bool
  private let hasWords: Bool
  /// Whether runs may answer where the model does not reach.
  let mayRun: Bool

  /// The keys of the body.
  static let keys =
    Asked.keys + Asked.goalKeys + ["policy", "vary", "explain", "exact", "words", "runs"]
  /// Policies side by side at most.
  private static let most = 16

  /// Reads a body.
  init(_ fields: JSONFields, _ desk: Desk) throws {
    asked = try Asked(fields, desk)
    question = try asked.question()
    policies = try fields.texts("policy", most: Self.most)
    sweep = try fields.text("vary").map { try Sweep(parsing: $0) }
    explains = try fields.flag("explain")
    isExact = try fields.flag("exact")
    hasWords = try fields.flag("words")
    let runs = try fields.text("runs") ?? "auto"
    guard ["auto", "never"].contains(runs) else {
      throw Refused(.badRequest, "'runs' is '\(runs.prefix(20))'; write auto or never")
    }
    mayRun = runs == "auto"
    guard !isExact || mayRun else {
      throw Refused(.badRequest, "'exact' runs the machine, and 'runs' is never; leave one out")
    }
    try check()
  }

  private func check() throws {
    guard let sweep else { return }
    guard policies.count <= 1 else {
      throw Refused(
        .badRequest,
        "'vary' goes with at most one policy, and there are \(policies.count)"
      )
    }
    guard try asked.fields.object("stage2_dump", legal: SentFile.keys) == nil || sweep.isKnob
    else {
      throw Refused(
        .badRequest,
        "'vary' varies the guest that 'stage2_dump' fixes; name a knob of a policy"
      )
    }
    let workload = question.workload
    let key = PolicyKey(rawValue: sweep.key)
    let reason =
      key.map { workload.idleReason($0) } ?? workload.unreadReason(ofKey: sweep.key)
    if let reason {
      throw Refused(.badRequest, "'vary' of \(sweep.key) has no effect here: \(reason)")
    }
  }

  /// The answer with these tools.
  func answer(_ tools: TuningTools, _ desk: Desk) throws -> PredictDocument {
    guard !explains || tools.predictor != nil else {
      throw Refused(
        .badRequest,
        "'explain' takes predictions of a cost model apart and there is none; leave it out"
      )
    }
    var whatIf = WhatIf(question, tools: tools, exact: isExact)
    whatIf.explains = explains
    let answer = try answer(whatIf)
    let context = desk.context(asked.loaded)
    return PredictDocument(
      answer: answer,
      context: context,
      words: hasWords ? try words(answer) + answer.words(context) : nil
    )
  }

  /// The refusal of a question that the model does not reach, with the reason where there is one.
  func unreached(_ tools: TuningTools) -> Refused {
    let texts = policies.isEmpty ? [""] : policies
    let asked = [question.presentPolicy] + texts.compactMap { try? policy($0) }
    let reasons = asked.compactMap { policy -> String? in
      let known = try? tools.predictor?.predictions(
        question,
        policy: policy.canonical(in: question.setting)
      )
      return known?.values.first(where: \.isExtrapolated)?.reason
    }
    let reason =
      reasons.first.map { ": \($0.trimmingPrefix("extrapolating: "))" }
      ?? ": it predicts no \(question.goal.rawValue) here"
    return Refused(
      .conflict,
      "the cost model does not reach this question\(reason); simulate it, or write 'runs': 'auto'"
    )
  }

  /// What the policy of a single case makes the host do.
  private func words(_ answer: WhatIfAnswer) throws -> [AnswerWords] {
    guard sweep == nil, policies.count <= 1 else { return [] }
    let policy = try policy(policies.first ?? "").canonical(in: question.setting)
    return [
      AnswerWords(label: "what happens", sentences: PolicyWords(policy, question).sentences)
    ]
  }

  private func answer(_ whatIf: WhatIf) throws -> WhatIfAnswer {
    if let sweep {
      let base = try policy(policies.first ?? "")
      return try whatIf.sweep(sweep, policy: base, loaded: asked.loaded)
    }
    let texts = policies.isEmpty ? [""] : policies
    return try whatIf.answer(
      try texts.map { text in
        WhatIfCase(
          label: text.isEmpty ? "now" : text,
          question: question,
          policy: try policy(text)
        )
      }
    )
  }

  /// The policy of a text over what the host does now.
  private func policy(_ text: String) throws -> Policy {
    guard !text.isEmpty else { return question.presentPolicy }
    let policy = try Policy(parsing: text, over: question.presentPolicy)
    try policy.validate(in: question.setting)
    try question.workload.refuseIdle(policy, turnedFrom: question.presentPolicy)
    return policy
  }
}

extension Desk {
  /// The answer of `what-if`: by the model where it reaches, else by runs, in their own lane.
  func predict(_ fields: JSONFields, _ tell: Teller) async throws -> PredictDocument {
    do {
      return try await quick.run { [self] in
        let request = try PredictRequest(fields, self)
        do {
          return try request.answer(quickTools(), self)
        } catch  where NoSimulator.refused(error) {
          guard request.mayRun else { throw request.unreached(quickTools()) }
          throw Unreached()
        }
      }
    } catch is Unreached {
      let watch = RunWatch()
      return try await long(watch) { [self] in
        let tools = longTools(watch) { tell.progress($0, of: $1, "runs") }
        return try PredictRequest(fields, self).answer(tools, self)
      }
    }
  }

  /// The model does not reach and runs are allowed.
  private struct Unreached: Error {}

  /// Does long work in its lane and in its time; what takes longer is stopped.
  func long<Result: Sendable>(
    _ watch: RunWatch,
    _ work: @escaping @Sendable () throws -> Result
  ) async throws -> Result {
    let time = limits.longTime
    let late = Refused(
      .unavailable,
      "it took more than \(time), as long as one answer may; ask for less, such as a smaller vm.memory"
    )
    return try await long.hold {
      try await within(time, orElse: late) {
        do {
          return try await Lane.onThread(watch, work)
        } catch {
          if watch.isStopped { throw CancellationError() }
          throw error
        }
      }
    }
  }
}
