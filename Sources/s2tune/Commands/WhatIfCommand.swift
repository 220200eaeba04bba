// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Policies
import Operations
import Profiles
import Reports
import Tuning

/// `s2tune what-if`: what a policy would do, without recommending one.
struct WhatIfCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "what-if",
    abstract: "Predicts what a policy does: one, several side by side, or a sweep of a value.",
    discussion: """
      Answers from the cost model where it reaches, with intervals, and simulates where it does \
      not. Repeat --policy, --host or --kernel to compare. Examples:
        s2tune what-if --workload container-churn --host graviton3 \\
          --policy chunk=2MiB --explain
        s2tune what-if --workload container-churn --host graviton3 \\
          --vary chunk=4KiB..1GiB
        s2tune what-if --workload container-churn --host graviton3 \\
          --vary vm.block_share=0..1
      """
  )

  @OptionGroup var common: CommonOptions
  @Option(help: "The workload profile.", completion: .custom { _, _, _ in names(of: .workload) })
  var workload: String
  @Option(
    help: "The host profile; may be repeated.",
    completion: .custom { _, _, _ in names(of: .host) }
  )
  var host: [String]
  @Option(
    help: "The kernel profile; may be repeated. (default: 6.1)",
    completion: .custom { _, _, _ in names(of: .kernel) }
  )
  var kernel: [String] = []
  @Option(
    help: ArgumentHelp(
      "A policy over the present one, such as chunk=2MiB,tlbi=deferred; may be repeated.",
      valueName: "policy"
    )
  )
  var policy: [String] = []
  @Option(
    help: ArgumentHelp(
      "A knob or a key of the workload over its values, such as chunk=4KiB..1GiB, pause=20us..2ms, "
        + "vm.block_share=0..1 or tlbi=per-leaf,deferred.",
      valueName: "sweep"
    )
  )
  var vary: String?
  @Flag(help: "Simulates every case instead of asking the cost model.")
  var exact = false
  @Flag(help: "Takes every prediction apart into terms that add up to it.")
  var explain = false
  @OptionGroup var changes: ChangeOptions
  @OptionGroup var goal: GoalOptions
  @OptionGroup var engine: EngineOptions
  @OptionGroup var output: OutputOptions

  /// The answer with what surrounds it, as JSON.
  struct Document: Encodable {
    let answer: WhatIfAnswer
    let context: AnswerContext

    enum CodingKeys: String, CodingKey {
      case answer = "what_if"
      case context
    }
  }

  func run() throws {
    try output.check()
    let store = try common.store()
    let places = try places(store)
    let asked = try places.map { try goal.question($0) }
    let progress = ProgressLine()
    let tools = try engine.tools(store, progress: progress)
    guard !explain || tools.predictor != nil else {
      throw Failure.usage(
        "--explain takes predictions of a cost model apart and there is none; name one by "
          + "--cost-model, or leave --explain out"
      )
    }
    var whatIf = WhatIf(asked[0], tools: tools, exact: exact)
    whatIf.explains = explain
    let answer =
      try vary.map { try sweep($0, whatIf, places, asked[0]) }
      ?? whatIf.answer(try cases(places, asked))
    progress.clear()
    let context = AnswerContext(places[0], store)
    switch common.format {
    case .text: try output.write(answer.text(context))
    case .json: try output.write(json(Document(answer: answer, context: context), .whatIf))
    }
  }

  /// Every host with every kernel, in the order they were named.
  private func places(_ store: ProfileStore) throws -> [LoadedSetup] {
    let kernels = kernel.isEmpty ? ["6.1"] : kernel
    guard host.count * kernels.count == 1 || changes.dump == nil else {
      throw Failure.usage("--stage2-dump goes with one host and one kernel; name one of each")
    }
    var loaded: [LoadedSetup] = []
    for host in host {
      for kernel in kernels {
        loaded.append(
          try changes.load(
            from: store,
            workload: workload,
            host: host,
            kernel: kernel,
            isRepeated: !loaded.isEmpty
          )
        )
      }
    }
    return loaded
  }

  /// The policy of a text over what the host does now.
  private func policy(_ text: String, _ question: Question) throws -> Policy {
    guard !text.isEmpty else { return question.presentPolicy }
    let policy = try Policy(parsing: text, over: question.presentPolicy)
    try policy.validate(in: question.setting)
    try question.workload.refuseIdle(policy, turnedFrom: question.presentPolicy)
    return policy
  }

  private func sweep(
    _ text: String,
    _ whatIf: WhatIf,
    _ places: [LoadedSetup],
    _ question: Question
  ) throws -> WhatIfAnswer {
    guard places.count == 1, policy.count <= 1 else {
      throw Failure.usage("--vary goes with one host, one kernel and at most one policy")
    }
    let sweep = try Sweep(parsing: text)
    guard changes.dump == nil || sweep.isKnob else {
      throw Failure.usage("--vary '\(text)' varies the guest that --stage2-dump fixes; name a knob")
    }
    try refuseIdle(sweep, question.workload)
    let base = try policy(policy.first ?? "", question)
    return try whatIf.sweep(sweep, policy: base, loaded: places[0])
  }

  /// Refuses a sweep whose cases would all be alike.
  private func refuseIdle(_ sweep: Sweep, _ workload: WorkloadProfile) throws {
    let key = PolicyKey(rawValue: sweep.key)
    let reason =
      key.map { workload.idleReason($0) } ?? workload.unreadReason(ofKey: sweep.key)
    guard let reason else { return }
    throw Failure.usage("--vary \(sweep.key) has no effect here: \(reason)")
  }

  private func cases(
    _ places: [LoadedSetup],
    _ questions: [Question]
  ) throws -> [WhatIfCase] {
    let texts = policy.isEmpty ? [""] : policy
    return try zip(places, questions).flatMap { place, question in
      try texts.map { text in
        var names: [String] = []
        if host.count > 1 { names.append(place.host.profile.name) }
        if kernel.count > 1 { names.append(place.kernel.profile.name) }
        if texts.count > 1 || names.isEmpty { names.append(text.isEmpty ? "now" : text) }
        return WhatIfCase(
          label: names.joined(separator: " "),
          question: question,
          policy: try policy(text, question)
        )
      }
    }
  }
}
