// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Files
import Calibration
import Events
import Foundation
import Machine
import Observations
import Policies
import Operations
import Profiles
import Quantities
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
  @Flag(
    help: ArgumentHelp(
      "Skips through steady state by batch means and says to what error.",
      discussion: "Excludes --window."
    )
  )
  var fast = false
  @Option(
    help: ArgumentHelp(
      "A mechanism to do without, to see what it does; may be repeated.",
      discussion: "One of " + Mechanism.allCases.map(\.rawValue).joined(separator: ", ") + ".",
      valueName: "mechanism"
    ),
    completion: .list(Mechanism.allCases.map(\.rawValue))
  )
  var without: [String] = []
  @Option(
    help: ArgumentHelp(
      "Writes a trace that Perfetto and chrome://tracing open.",
      discussion: """
        One track a context: chunks, holds, polls, reads, drops. The first 200,000 spans and \
        marks are kept, at most 32 MB.
        """,
      valueName: "file"
    ),
    completion: .file(extensions: ["json"])
  )
  var trace: String?
  @OptionGroup var limit: LimitOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    try check()
    let store = try common.store()
    let loaded = try question.load(from: store)
    let policy = try loaded.policy(policy)
    let (workload, baseline) = (loaded.workload.profile, loaded.setup.setting.baseline)
    try workload.refuseIdle(policy, turnedFrom: baseline)
    for idle in workload.idleKnobs(of: policy, turnedFrom: baseline) {
      note("\(idle.knob) has no effect in this operation: \(idle.reason)")
    }
    var scenario = Scenario(
      loaded.setup,
      policy: policy,
      seed: Seed(seed)
    )
    scenario.switches = try MachineSwitches(without: without.map(mechanism))
    scenario.eventLimit = try limit.events(isSampled: window || fast)
    if window { scenario.extent = .window(Window()) }
    if fast { scenario.extent = .fast(FastRun()) }
    if trace != nil { scenario.traceLimit = Self.traceLimit }
    let (report, spans) = try scenario.runTraced()
    try write(spans, of: report)
    let context = AnswerContext(loaded, store)
    switch common.format {
    case .json: try output.write(json(Document(report: report, context: context), .simulate))
    case .text: try output.write(report.text(context))
    }
    guard report.stop == .completed else {
      throw Negative(
        sentence: "the run stopped at its limit (\(report.stop.rawValue)): "
          + (report.stopCause ?? "nothing is known of why")
          + "; the report holds what was known then"
      )
    }
  }
}

extension SimulateCommand {
  /// The report with what surrounds it beside its own values, as JSON.
  private struct Document: Encodable {
    let report: RunReport
    let context: AnswerContext

    private enum CodingKeys: String, CodingKey { case context }

    func encode(to encoder: any Encoder) throws {
      try report.encode(to: encoder)
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(context, forKey: .context)
    }
  }

  /// Spans and marks a trace holds at most.
  static let traceLimit = 200_000

  private func check() throws {
    guard !(fast && window) else {
      throw Failure.usage("--fast and --window exclude each other; write one of them")
    }
    try output.check()
    guard let trace, !output.force, FileManager.default.fileExists(atPath: trace) else { return }
    throw FileError.exists(path: trace)
  }

  private func mechanism(_ name: String) throws -> Mechanism {
    if let mechanism = Mechanism(rawValue: name) { return mechanism }
    let legal = Mechanism.allCases.map(\.rawValue).joined(separator: ", ")
    let hint = didYouMean(name, among: Mechanism.allCases.map(\.rawValue))
    throw Failure.usage("--without \(name) is not legal; write one of \(legal)\(hint)")
  }

  private func write(_ spans: Trace, of report: RunReport) throws {
    guard let trace else { return }
    let process = "\(report.identity.workload) on \(report.identity.host)"
    let data = Scenario.traceEvents(spans, process: process)
    try UserFile.write(String(decoding: data, as: UTF8.self), to: trace, force: output.force)
  }
}

extension AnswerContext {
  init(_ loaded: LoadedSetup, _ store: ProfileStore) {
    self.init(
      workload: loaded.workload,
      host: loaded.host,
      kernel: loaded.kernel,
      validation: StoredValidation(in: store)
    )
  }
}

extension OperationError: Refusal {
  var status: Status {
    if case .policy = self { .usage } else { .data }
  }
}
