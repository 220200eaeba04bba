// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Profiles
import Reports
import Tuning

/// `s2tune evaluate search`: whether somebody with a script finds better policies than `recommend`.
struct EvaluateSearch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search",
    abstract: "Holds recommendations against an independent search by whole runs.",
    discussion: """
      Draws questions that ship no answer, answers each, and looks for something better with whole \
      runs alone: random policies over all that can be written, one knob at a time and all together, \
      and changes of the best. Both are judged by fresh runs of every call. Ends with 1 where a target \
      is missed. Examples:
        s2tune evaluate search --questions 2 --seed 3 --trials 40
        s2tune evaluate search --record regret.json
      """
  )

  @OptionGroup var common: CommonOptions
  @OptionGroup var drawing: DrawnQuestions
  @Option(help: "Questions that are drawn, 1 to 10000.")
  var questions = 20
  @Option(help: "Whole runs that look for something better, a question; 10 to 100000.")
  var trials = 120
  @Option(help: "Which knobs may be turned: today, kernel or any.")
  var knobs = KnobChoice.today
  @OptionGroup var engine: EngineOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    try output.check()
    guard (10...100_000).contains(trials) else {
      throw Failure.usage("--trials \(trials) is not legal; write 10 to 100000")
    }
    let store = try common.store()
    let tools = try engine.tools(store)
    let quality: RegretQuality = try drawing.quality(
      questions,
      store,
      isUnseen: true,
      model: tools.predictor?.identity,
      schema: .evaluateSearch,
      isSame: { $0.trials == trials && $0.knobs == knobs }
    ) { name, question in
      var question = question
      question.knobs = knobs
      let policy = try Recommender(question, tools: tools).recommendedPolicy()
      return try RegretChecker(question, tools: tools, judge: tools.judging)
        .check(policy, name: name, trials: trials, seed: drawing.seed)
    }
    switch common.format {
    case .text: try output.write(quality.text())
    case .json: try output.write(json(quality, .evaluateSearch))
    }
    guard quality.isGood else { throw Negative(sentence: "a target of the search is missed") }
  }
}
