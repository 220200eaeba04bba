// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Operations
import Profiles
import Quantities
import Randomness
import Reports
import Scenarios
import Tuning

/// `s2tune evaluate answers`: whether recommendations hold, by whole runs that they never saw.
struct EvaluateAnswers: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "answers",
    abstract: "Checks recommendations by whole runs of seeds that they have not seen.",
    discussion: """
      Draws questions from all workloads, hosts, kernels and memory sizes, answers each, and holds \
      every printed figure, every limit, the verdict, and every change of the recommended policy \
      against fresh whole runs. Ends with 1 where a target is missed. Examples:
        s2tune evaluate answers --questions 12 --seed 3
        s2tune evaluate answers --questions 120
      """
  )

  @OptionGroup var common: CommonOptions
  @Option(help: "Questions that are drawn, 1 to 10000.")
  var questions = 120
  @Option(help: "The seed of the drawing.")
  var seed: UInt64 = 1
  @Option(help: "Kernel profiles to draw from, separated by commas, or all.")
  var kernels = "5.10,6.1,6.12,7.3"
  @Option(help: "Host profiles to draw from, separated by commas, or all.")
  var hosts = "all"
  @Option(help: "Workload profiles to draw from, separated by commas, or all.")
  var workloads = "all"
  @OptionGroup var engine: EngineOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    try output.check()
    guard (1...10_000).contains(questions) else {
      throw Failure.usage("--questions \(questions) is not legal; write 1 to 10000")
    }
    let store = try common.store()
    let progress = ProgressLine()
    let tools = try engine.tools(store)
    var checks: [AnswerCheck] = []
    for (name, question) in try drawn(store) {
      let answer = try Recommender(question, tools: tools).recommend()
      checks.append(try AnswerChecker(question, tools: tools).check(answer, name: name))
      progress.show(checks.count, of: questions, "answers")
    }
    progress.clear()
    let quality = AnswerQuality(simulator: Scenario.simulatorVersion, checks: checks)
    switch common.format {
    case .text: try output.write(quality.text())
    case .json: try output.write(json(quality, .evaluateAnswers))
    }
    guard quality.isGood else { throw Negative(sentence: "a target of the answers is missed") }
  }

  /// The questions: workload, host, kernel and a half, one or two times the workload's memory.
  private func drawn(_ store: ProfileStore) throws -> [(String, Question)] {
    let (hosts, workloads, kernels) = (
      store.names(hosts, of: .host), store.names(workloads, of: .workload),
      store.names(kernels, of: .kernel)
    )
    var chance = Seed(seed).stream("answers")
    func one(_ names: [String]) -> String { names[Int(chance.uniform(below: UInt64(names.count)))] }
    return try (0..<questions).map { _ in
      let (workload, host, kernel) = (one(workloads), one(hosts), one(kernels))
      var question = Question(
        host: try store.load(HostProfile.self, named: host).profile,
        kernel: try store.load(KernelProfile.self, named: kernel).profile,
        workload: try store.load(WorkloadProfile.self, named: workload).profile
      )
      let size = question.workload.memory.size
      let factor = Int64(1) << Int64(chance.uniform(below: 3))
      question.workload.memory.size = ByteCount(rawValue: size.rawValue / 2 * factor)
      return ("\(host)/\(kernel)/\(workload) \(question.workload.memory.size)", question)
    }
  }
}
