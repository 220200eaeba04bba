// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Operations
import Profiles
import Reports
package import Tuning

/// `s2tune recommend`: which policy a host should run for a workload.
struct RecommendCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recommend",
    abstract: "Recommends a policy: what, from what to what, why, its cost, and how to apply it.",
    discussion: """
      Ends with 1 where no policy keeps the limits; the nearest is shown. Examples:
        s2tune recommend --workload container-churn --host graviton3 --kernel 6.1
        s2tune recommend --workload rpc-latency --host graviton3 \\
          --slo 'request.p99<=2ms' --unknown preemption
      With --check it reads /proc and /sys and says which steps are done; it then ends with 1 as well \
      where a step is not done, and with 0 where all that can be told is:
        s2tune recommend --workload container-churn --host graviton3 \\
          --vmm qemu --check
      With --robust it says which one constant of the kernel is best over all hosts and workloads, beside \
      what each of them loses by it; its runs take half an hour of a CPU, and --record lets it go on:
        s2tune recommend --robust --kernel 6.1 --record robust-6.1.json
      """
  )

  @OptionGroup var common: CommonOptions
  @OptionGroup var question: AnyQuestionOptions
  @OptionGroup var wishes: WishOptions
  @Option(
    help: ArgumentHelp(
      "Something about the host that is not known, preemption, reader or backport: the answer is "
        + "given for each possibility, with the measurement that decides; may be repeated.",
      valueName: "what"
    )
  )
  var unknown: [Unknown] = []
  @Flag(help: "Adds the commands and expected figures that could falsify the answer.")
  var repro = false
  @Flag(help: "Answers anew, where a stored verified answer would do.")
  var fresh = false
  @Flag(help: "Adds everything that is known: why, alternatives, paths, where it stops to hold.")
  var details = false
  @OptionGroup var robust: RobustOptions
  @OptionGroup var host: CheckOptions
  @OptionGroup var engine: EngineOptions
  @OptionGroup var output: OutputOptions

  /// The answers under each possibility of what is unknown, as JSON.
  struct VariantDocument: Encodable {
    let variants: VariantAnswers
    let context: AnswerContext
  }

  func run() throws {
    try output.check()
    try host.check(isOneAnswer: unknown.isEmpty)
    try robust.check()
    let store = try common.store()
    if robust.robust { return try writeConstant(store) }
    let loaded = try question.load(from: store)
    let asked = try wishes.question(loaded)
    let progress = ProgressLine()
    let tools = try engine.tools(store, progress: progress)
    let context = AnswerContext(loaded, store)
    guard unknown.isEmpty else {
      let answers = try Recommender.variants(asked, unknown: unknown, tools: tools)
      progress.clear()
      return try write(answers, context)
    }
    let answer = try tools.answer(asked, loaded, store, fresh: fresh)
    progress.clear()
    try write(answer, try host.check(answer, asked), context)
  }

  /// The one constant over many questions.
  private func writeConstant(_ store: ProfileStore) throws {
    if let name = [wishes.name(ofGiven: question), ownName].compactMap(\.self).first {
      throw Failure.usage(
        "\(name) makes no sense with --robust, which asks about all hosts and workloads with their "
          + "own limits; --hosts and --workloads name some of them"
      )
    }
    let choice = try robust.choice(
      kernel: question.kernel,
      vmm: wishes.goal.vmm,
      seed: wishes.goal.seed,
      store,
      try engine.tools(store)
    )
    switch common.format {
    case .text: try output.write(choice.text(kernel: question.kernel))
    case .json: try output.write(json(choice, .robust))
    }
  }

  /// An option of this command that was given and is about one answer.
  private var ownName: String? {
    let given = [
      ("--unknown", !unknown.isEmpty), ("--repro", repro), ("--fresh", fresh),
      ("--details", details), ("--check", host.check),
      ("--cost-model", engine.answering.costModel != nil),
    ]
    return given.first(where: \.1)?.0
  }

  private func write(
    _ answer: Recommendation,
    _ check: HostCheck?,
    _ context: AnswerContext
  ) throws {
    let reproduction = repro ? answer.reproduction() : nil
    switch common.format {
    case .text:
      let parts = [reproduction?.text(), check?.text()].compactMap(\.self)
      try output.write(answer.text(context, details: details) + parts.joined())
    case .json:
      try output.write(
        json(
          RecommendDocument(answer, reproduction: reproduction, check: check, context),
          .recommend
        )
      )
    }
    if answer.verdict == .noneFeasible || check?.isDone == false { throw Negative() }
  }

  private func write(_ answers: VariantAnswers, _ context: AnswerContext) throws {
    switch common.format {
    case .text: try output.write(answers.text(context))
    case .json:
      try output.write(json(VariantDocument(variants: answers, context: context), .variants))
    }
    if answers.variants.allSatisfy({ $0.answer.verdict == .noneFeasible }) { throw Negative() }
  }
}

extension Unknown: ExpressibleByArgument {}
