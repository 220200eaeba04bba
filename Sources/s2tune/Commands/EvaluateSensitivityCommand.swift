// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import CostModels
import Operations
import Profiles
import Reports
package import Tuning

/// `s2tune evaluate sensitivity`: which knobs matter for which response.
struct EvaluateSensitivity: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sensitivity",
    abstract: "Says how much of each response's spread over the policies each knob accounts for.",
    discussion: """
      Exact Sobol indices of the cost model's predictions: all policies of the space are predicted \
      and summed over, so there is no sampling error. Example:
        s2tune evaluate sensitivity --workload container-churn \\
          --host graviton3 --knobs kernel
      """
  )

  @OptionGroup var common: CommonOptions
  @OptionGroup var asked: QuestionOptions
  @Option(help: "Which knobs are turned: today (no kernel patch), kernel, or any.")
  var knobs = KnobChoice.any
  @Option(help: "Of knobs with a size or a time, every n-th value, 1 to 16.")
  var thinning = 1
  @Option(
    help: "What the variance is of: the value, or model, the scale it is modelled on (logarithms)."
  )
  var scale = SensitivityScale.value
  @OptionGroup var engine: EngineOptions
  @OptionGroup var output: OutputOptions

  /// The answer with what surrounds it, as JSON.
  struct Document: Encodable {
    let answer: SensitivityAnswer
    let context: AnswerContext

    enum CodingKeys: String, CodingKey {
      case answer = "sensitivity"
      case context
    }
  }

  func run() throws {
    try output.check()
    guard (1...16).contains(thinning) else {
      throw Failure.usage("--thinning \(thinning) is not legal; write 1 to 16")
    }
    let store = try common.store()
    let loaded = try asked.load(from: store)
    var question = Question(loaded.setup)
    (question.knobs, question.thinning) = (knobs, thinning)
    let tools = try engine.tools(store)
    guard let predictor = tools.predictor else {
      throw Failure.usage(
        "sensitivity is that of a cost model's predictions and there is none; name one by "
          + "--cost-model, or make one by 's2tune fit'"
      )
    }
    let answer = try SensitivityStudy(question, predictor: predictor).answer(scale: scale)
    let context = AnswerContext(loaded, store)
    switch common.format {
    case .text: try output.write(answer.text(context))
    case .json: try output.write(json(Document(answer: answer, context: context), .sensitivity))
    }
  }
}

extension SensitivityScale: ExpressibleByArgument {}
