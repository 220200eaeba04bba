// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Machine
import Operations
import Policies
import Profiles
import Reports
import Tuning

/// A question of `recommend` or `pareto`.
struct RecommendRequest: Sendable {
  private let asked: Asked
  let question: Question
  private let isFresh: Bool

  /// The keys of the body.
  static let keys = Asked.keys + Asked.goalKeys + ["knobs", "budget", "pin", "fresh"]
  /// The same of a front.
  static let frontKeys = Asked.keys + Asked.goalKeys + ["knobs", "budget", "pin", "objectives"]
  /// Runs that one answer may ask for.
  private static let budgets = UInt64(Question.leastBudget)...2_000

  /// Reads a body.
  init(_ fields: JSONFields, _ desk: Desk) throws {
    asked = try Asked(fields, desk)
    var question = try asked.question()
    for name in try fields.texts("pin", most: PolicyKey.allCases.count) {
      question.pinned.insert(try Asked.word(name, "pin", PolicyKey.allCases))
    }
    if let name = try fields.text("knobs") {
      question.knobs = try Asked.word(name, "knobs", KnobChoice.allCases)
    }
    if let budget = try fields.whole("budget", Self.budgets) { question.budget = Int(budget) }
    self.question = question
    isFresh = try fields.flag("fresh")
  }

  /// The recommendation: the stored one where there is one and nobody asks for another.
  func recommend(_ tools: TuningTools, _ desk: Desk) throws -> RecommendDocument {
    RecommendDocument(
      try tools.answer(question, asked.loaded, desk.store, fresh: isFresh),
      desk.context(asked.loaded)
    )
  }

  /// The front over some metrics.
  func front(_ tools: TuningTools, _ desk: Desk) throws -> ParetoDocument {
    let names = try asked.fields.texts("objectives", most: Metric.allCases.count)
    let metrics = try names.map { try Asked.word($0, "objectives", Metric.allCases) }
    guard metrics.isEmpty || Set(metrics).count > 1 else {
      throw Refused(
        .badRequest,
        "'objectives' has \(names.count) metric; name two or more, or none"
      )
    }
    let front = try ParetoFinder(question, tools: tools)
      .front(metrics.isEmpty ? ParetoFinder.standardObjectives(question) : metrics)
    return ParetoDocument(front, desk.context(asked.loaded))
  }
}

extension Desk {
  /// What `recommend` answers; the client is told how far it is.
  func recommend(_ fields: JSONFields, _ tell: Teller) async throws -> RecommendDocument {
    try await search(fields, tell) { request, tools, desk in try request.recommend(tools, desk) }
  }

  /// What `pareto` answers.
  func front(_ fields: JSONFields, _ tell: Teller) async throws -> ParetoDocument {
    try await search(fields, tell) { request, tools, desk in try request.front(tools, desk) }
  }

  private func search<Document: Sendable>(
    _ fields: JSONFields,
    _ tell: Teller,
    _ answer: @escaping @Sendable (RecommendRequest, TuningTools, Desk) throws -> Document
  ) async throws -> Document {
    let request = try await quick.run { [self] in try RecommendRequest(fields, self) }
    let watch = RunWatch()
    return try await long(watch) { [self] in
      let tools = longTools(watch) { tell.progress($0, of: $1, "runs") }
      return try answer(request, tools, self)
    }
  }
}
