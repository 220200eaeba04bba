// SPDX-License-Identifier: GPL-3.0-or-later

/// Answers many questions into one table, from stored answers where there are any.
public struct Exporter: Sendable {
  private let store: AnswerStore?
  private let engine: String
  private let tools: @Sendable (Question) -> TuningTools

  /// Creates an exporter.
  ///
  /// - Parameters:
  ///   - store: Where verified answers are kept, or nil to answer everything anew.
  ///   - engine: What answers: the model's digest and the simulator's version.
  ///   - tools: The tools for a question.
  public init(
    store: AnswerStore?,
    engine: String,
    tools: @escaping @Sendable (Question) -> TuningTools
  ) {
    self.store = store
    self.engine = engine
    self.tools = tools
  }

  /// The answer to a question: the stored one, or a new one that is then stored.
  public func answer(_ question: Question) throws(TuningError) -> Recommendation {
    let key = AnswerStore.key(question, engine: engine)
    if let stored = try store?.answer(key) { return stored }
    let answer = try Recommender(question, tools: tools(question)).recommend()
    try store?.save(answer, key: key)
    return answer
  }

  /// The questions that have no stored answer.
  public func missing(_ questions: [Question]) throws(TuningError) -> [Question] {
    var missing: [Question] = []
    for question in questions {
      let key = AnswerStore.key(question, engine: engine)
      if try store?.answer(key) == nil { missing.append(question) }
    }
    return missing
  }

  /// The table of all questions; `each` is told the number answered so far.
  public func table(
    _ questions: [Question],
    each: (_ done: Int) -> Void = { _ in }
  ) throws(TuningError) -> TuningTable {
    var entries: [TableEntry] = []
    for question in questions {
      entries.append(TableEntry(try answer(question), question: question))
      each(entries.count)
    }
    return TuningTable(engine: engine, entries: entries)
  }
}
