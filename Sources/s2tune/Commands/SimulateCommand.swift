// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Policies
import Profiles
import Randomness
import Reports
import Scenarios

/// `s2tune simulate`: one run of the machine.
struct SimulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Runs a workload under a policy once and reports what everybody saw."
  )

  @OptionGroup var common: CommonOptions
  @OptionGroup var question: QuestionOptions
  @Option(help: "The policy over the kernel's own, such as chunk=2MiB,tlbi=per-leaf.")
  var policy = ""
  @Option(help: "The seed of all chance in the run.")
  var seed: UInt64 = 1
  @Flag(help: "Runs a steady window and scales it, instead of the whole operation.")
  var window = false
  @OptionGroup var output: OutputOptions

  func run() throws {
    let loaded = try question.load(from: common.store())
    var scenario = Scenario(
      host: loaded.host.profile,
      kernel: loaded.kernel.profile,
      workload: loaded.workload.profile,
      policy: try loaded.policy(policy),
      seed: Seed(seed)
    )
    scenario.tables = loaded.tables
    if window { scenario.extent = .window(Window()) }
    let report = try scenario.run()
    switch common.format {
    case .json: try output.write(json(report))
    case .text:
      try output.write(report.text(AnswerContext(loaded)))
    }
    guard report.stop == .completed else {
      throw Negative(
        sentence: "the run stopped at its limit (\(report.stop.rawValue)); the report holds what "
          + "was known then"
      )
    }
  }
}

extension AnswerContext {
  init(_ loaded: LoadedQuestion) {
    self.init(workload: loaded.workload, host: loaded.host, kernel: loaded.kernel)
  }
}

extension ScenarioError: Refusal {
  var status: Status {
    if case .policy = self { .usage } else { .data }
  }
}
