// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Foundation
import Profiles
import Reports
import Tuning

/// `s2tune recommend`: which policy a host should run for a workload.
struct RecommendCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recommend",
    abstract: "Recommends a policy: what, from what to what, why, its cost, and how to apply it.",
    discussion: """
      Ends with 1 where no policy keeps the limits; the nearest is shown. Example:
        s2tune recommend --workload container-churn --host graviton3 --kernel 6.1
      """
  )

  @OptionGroup var common: CommonOptions
  @OptionGroup var question: QuestionOptions
  @OptionGroup var wishes: WishOptions
  @OptionGroup var output: OutputOptions

  /// The answer with what surrounds it, as JSON.
  struct Document: Encodable {
    let recommendation: Recommendation
    let context: AnswerContext
  }

  func run() throws {
    let loaded = try question.load(from: common.store())
    let asked = try wishes.question(loaded)
    let progress = ProgressLine()
    let tools = TuningTools(
      simulator: ScenarioSimulator(tables: loaded.tables),
      predictor: nil,
      safety: HazardRules(),
      workers: ProcessInfo.processInfo.activeProcessorCount,
      progress: { progress.show($0, of: $1, "runs") }
    )
    let recommendation = try Recommender(asked, tools: tools).recommend()
    progress.clear()
    let context = AnswerContext(loaded)
    switch common.format {
    case .text: try output.write(recommendation.text(context))
    case .json: try output.write(json(Document(recommendation: recommendation, context: context)))
    }
    if recommendation.verdict == .noneFeasible { throw Negative() }
  }
}

/// What the user wants: limits, objective, knobs, and how hard to look.
struct WishOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A limit that the answer keeps, such as io.goodput>=0.95, wp.p99<=2ms or "
        + "teardown.time<=1.2x; may be repeated and replaces the workload's own.",
      valueName: "limit"
    )
  )
  var slo: [String] = []

  @Option(help: "What is to be least (or most), such as teardown.time or io.goodput.")
  var objective: String?

  @Option(help: "Which knobs may be turned: today (no kernel patch), kernel, or any.")
  var knobs = "today"

  @Option(help: "Simulator runs that may be spent.")
  var budget = 64

  @Option(help: "The confidence of the final comparison, between 0 and 1.")
  var confidence = 0.95

  @Option(help: "The seed of all chance.")
  var seed: UInt64 = 1

  @Option(help: "The host's present policy, where it is not the kernel's own.")
  var present: String?

  /// The question of these options about three profiles.
  func question(_ loaded: LoadedQuestion) throws -> Question {
    var question = Question(
      host: loaded.host.profile,
      kernel: loaded.kernel.profile,
      workload: loaded.workload.profile
    )
    if !slo.isEmpty { question.serviceLevels = try slo.map { try ServiceLevel(parsing: $0) } }
    if let objective {
      guard let metric = Metric(rawValue: objective) else {
        throw Failure.usage(
          "objective '\(objective)' is not legal; write one of "
            + Metric.allCases.map(\.rawValue).joined(separator: ", ")
        )
      }
      question.objective = metric
    }
    guard let knobs = KnobChoice(rawValue: knobs) else {
      throw Failure.usage("--knobs '\(knobs)' is not legal; write today, kernel or any")
    }
    question.knobs = knobs
    question.budget = budget
    question.confidence = confidence
    question.seed = seed
    if let present { question.present = try loaded.policy(present) }
    return question
  }
}

extension TuningError: Refusal {
  var status: Status {
    switch self {
    case .badTable, .badStore, .simulation, .prediction: .data
    default: .usage
    }
  }
}
