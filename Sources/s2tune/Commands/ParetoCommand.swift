// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Profiles
import Reports
import Tuning

/// `s2tune pareto`: the policies that no other beats in all of several objectives.
struct ParetoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pareto",
    abstract: "Shows the front of policies over several objectives, with its knee.",
    discussion: """
      Without --objectives: the operation's own measure, the IO that is kept, and the longest hold \
      of mmu_lock. Example:
        s2tune pareto --workload container-churn --host graviton3 --knobs any
      """
  )

  /// How the front is written.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text, csv, json
  }

  @Option(help: "How the answer is written.")
  var format = Format.text
  @OptionGroup var models: ModelOptions
  @OptionGroup var question: QuestionOptions
  @Option(
    help: ArgumentHelp(
      "Two or more metrics, separated by commas, such as teardown.time,io.goodput,hold.max.",
      valueName: "metrics"
    )
  )
  var objectives: String?
  @OptionGroup var wishes: WishOptions
  @OptionGroup var engine: EngineOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    try output.check()
    let store = try models.store()
    let loaded = try question.load(from: store)
    let asked = try wishes.question(loaded)
    let metrics = try metrics(asked)
    let progress = ProgressLine()
    let tools = try engine.tools(store, progress: progress)
    let front = try ParetoFinder(asked, tools: tools).front(metrics)
    progress.clear()
    let context = AnswerContext(loaded, store)
    switch format {
    case .text: try output.write(front.text(context))
    case .csv: try output.write(front.csv())
    case .json: try output.write(json(ParetoDocument(front, context), .pareto))
    }
    guard front.points.contains(where: \.violations.isEmpty) else {
      throw Negative(sentence: "no policy that was simulated keeps the limits")
    }
  }

  private func metrics(_ question: Question) throws -> [Metric] {
    guard let objectives else { return ParetoFinder.standardObjectives(question) }
    let names = objectives.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    let metrics = try names.map { try metric($0) }
    guard Set(metrics).count > 1 else {
      throw Failure.usage("--objectives '\(objectives)' is not legal; name two metrics or more")
    }
    return metrics
  }
}
