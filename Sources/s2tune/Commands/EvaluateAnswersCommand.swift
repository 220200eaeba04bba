// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Reports
import Tuning

/// `s2tune evaluate answers`: whether recommendations hold, by whole runs that they never saw.
struct EvaluateAnswers: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "answers",
    abstract: "Checks recommendations by whole runs of seeds that they have not seen.",
    discussion: """
      Draws questions from all workloads, hosts, kernels and memory sizes, answers each, and holds \
      every printed figure, every limit, the verdict, and every change of the recommended policy \
      against fresh whole runs in which every call and chunk is run. Ends with 1 where a target is missed. Examples:
        s2tune evaluate answers --questions 12 --seed 3
        s2tune evaluate answers --questions 120 --record answers.json
      """
  )

  @OptionGroup var common: CommonOptions
  @OptionGroup var drawing: DrawnQuestions
  @Option(help: "Questions that are drawn, 1 to 10000.")
  var questions = 120
  @OptionGroup var engine: EngineOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    try output.check()
    let store = try common.store()
    let tools = try engine.tools(store)
    let quality: AnswerQuality = try drawing.quality(
      questions,
      store,
      model: tools.predictor?.identity,
      schema: .evaluateAnswers
    ) { name, question in
      let answer = try Recommender(question, tools: tools).recommend()
      return try AnswerChecker(question, tools: tools.judging).check(answer, name: name)
    }
    switch common.format {
    case .text: try output.write(quality.text())
    case .json: try output.write(json(quality, .evaluateAnswers))
    }
    guard quality.isGood else { throw Negative(sentence: "a target of the answers is missed") }
  }
}
