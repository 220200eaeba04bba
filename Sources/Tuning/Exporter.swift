// SPDX-License-Identifier: GPL-3.0-or-later

/// Answers many questions into one table, from stored answers where there are any.
package struct Exporter: Sendable {
  private let store: AnswerStore?
  private let engine: Engine
  private let tools: @Sendable (Question) -> TuningTools

  /// Creates an exporter.
  ///
  /// - Parameters:
  ///   - store: Where verified answers are, or nil to answer everything anew.
  ///   - engine: What answers.
  ///   - tools: The tools for a question.
  package init(
    store: AnswerStore?,
    engine: Engine,
    tools: @escaping @Sendable (Question) -> TuningTools
  ) {
    self.store = store
    self.engine = engine
    self.tools = tools
  }

  /// The stored answer to a question, where there is one of this engine.
  package func stored(_ question: Question) throws(TuningError) -> Recommendation? {
    guard case .answer(let answer)? = try store?.find(question, engine: engine) else { return nil }
    return answer
  }

  /// The answer to a question: the stored one, or a new one that is then kept.
  package func answer(_ question: Question) throws(TuningError) -> Recommendation {
    if let stored = try stored(question) { return stored }
    let answer = try Recommender(question, tools: tools(question)).recommend()
    try store?.save(answer, to: question, engine: engine)
    return answer
  }

  /// The questions that have no stored answer of this engine.
  package func missing(_ questions: [Question]) throws(TuningError) -> [Question] {
    var missing: [Question] = []
    for question in questions where try stored(question) == nil { missing.append(question) }
    return missing
  }

  /// The table of all questions; `each` is told the number answered so far.
  package func table(
    _ questions: [Question],
    each: (_ done: Int) -> Void = { _ in }
  ) throws(TuningError) -> TuningTable {
    var entries: [TableEntry] = []
    for question in questions {
      entries.append(TableEntry(try answer(question), question: question))
      each(entries.count)
    }
    return TuningTable(engine: engine.description, entries: entries)
  }
}
