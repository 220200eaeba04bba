// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Policies
import Operations
import Profiles
import Quantities
package import Tuning

/// What an answer is judged by, and against what.
struct GoalOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A limit that the answer keeps, such as io.goodput>=0.95, wp.p99<=2ms or "
        + "teardown.time<=1.2x; may be repeated and replaces the workload's own.",
      valueName: "limit"
    )
  )
  var slo: [String] = []

  @Option(
    help: "What is to be least (or most), such as teardown.time or io.goodput.",
    completion: .list(Metric.allCases.map(\.rawValue))
  )
  var objective: String?

  @Option(
    help: "Confidence of intervals and comparisons, between 0 and 1, such as 95%. (default: 0.95)",
    transform: { text in
      guard let value = fraction(text) else {
        throw QuantityError(text: text, legal: "a number between 0 and 1, such as 0.95 or 95%")
      }
      return value
    }
  )
  var confidence = 0.95

  @Option(help: "The seed of all chance.")
  var seed: UInt64 = 1

  @Option(
    help: ArgumentHelp(
      "The host's present policy, where it is not the kernel's own.",
      valueName: "policy"
    )
  )
  var present: String?

  @Option(
    help: "The program that runs the guest: what it does now, and what it can be told.",
    completion: .list(VMM.allCases.map(\.rawValue))
  )
  var vmm = VMM.other

  /// The question of these options about three profiles.
  func question(_ loaded: LoadedSetup) throws -> Question {
    var question = Question(loaded.setup)
    question.vmm = vmm
    if !slo.isEmpty { question.serviceLevels = try slo.map { try ServiceLevel(parsing: $0) } }
    if let objective { question.objective = try metric(objective) }
    question.confidence = confidence
    question.seed = seed
    if let present { question.present = try loaded.policy(present) }
    try question.checkGoal()
    return question
  }
}

/// A metric by its name, refused with the names there are.
func metric(_ name: String) throws -> Metric {
  guard let metric = Metric(rawValue: name) else {
    throw Failure.usage(
      "objective '\(name)' is not legal; write one of "
        + Metric.allCases.map(\.rawValue).joined(separator: ", ")
        + didYouMean(name, among: Metric.allCases.map(\.rawValue))
    )
  }
  return metric
}

/// What the user wants: limits, objective, knobs, and how hard to look.
struct WishOptions: ParsableArguments {
  @OptionGroup var goal: GoalOptions

  @Option(help: "Which knobs may be turned: today (no kernel patch), kernel, or any.")
  var knobs = KnobChoice.today

  @Option(
    help: """
      Simulator runs that an answer may spend, those that explain it included; at least \
      \(Question.leastBudget).
      """
  )
  var budget = Question.standardBudget

  @Option(
    help: ArgumentHelp(
      "A knob that stays as it is, such as path; may be repeated.",
      valueName: "knob"
    ),
    completion: .list(PolicyKey.allCases.map(\.rawValue))
  )
  var pin: [String] = []

  /// An option that was given and is about one question only: a wish, or what the question is about.
  func name(ofGiven question: AnyQuestionOptions) -> String? {
    let given = [
      ("--workload", question.workload != nil), ("--host", question.host != nil),
      ("--set", !question.changes.set.isEmpty), ("--stage2-dump", question.changes.dump != nil),
      ("--slo", !goal.slo.isEmpty), ("--objective", goal.objective != nil),
      ("--present", goal.present != nil), ("--pin", !pin.isEmpty), ("--knobs", knobs != .today),
      ("--budget", budget != Question.standardBudget), ("--confidence", goal.confidence != 0.95),
    ]
    return given.first(where: \.1)?.0
  }

  /// The question of these options about three profiles.
  func question(_ loaded: LoadedSetup) throws -> Question {
    var question = try goal.question(loaded)
    for name in pin {
      guard let key = PolicyKey(rawValue: name) else {
        throw PolicyError.unknownKey(key: name, legal: PolicyKey.allCases.map(\.rawValue))
      }
      question.pinned.insert(key)
    }
    question.knobs = knobs
    question.budget = budget
    return question
  }
}

extension KnobChoice: ExpressibleByArgument {}
extension VMM: ExpressibleByArgument {}

extension TuningError: Refusal {
  var status: Status {
    switch self {
    case .notWritten: .output
    case .store(let error): error.status
    case .badTable, .badStore, .noTable, .noSemanticPatch, .simulation, .prediction: .data
    default: .usage
    }
  }
}
