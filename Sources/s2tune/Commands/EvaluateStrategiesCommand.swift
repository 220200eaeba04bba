// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Files
import Foundation
import Profiles
import Reports
import Scenarios
import Tuning

/// `s2tune evaluate strategies`.
struct EvaluateStrategies: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "strategies",
    abstract: "Compares search strategies on spaces that were simulated whole.",
    discussion: """
      Every safe policy of a thinned space is simulated once with the same chance; the strategies \
      are then run on that table, and recommendations are made and judged by runs that no search \
      has seen. Ends with 1 where a target is missed. Quick use:
        s2tune evaluate strategies --hosts graviton3 --workloads ci-microvm \\
          --seeds 2 --thinning 8
      """
  )

  @OptionGroup var common: CommonOptions
  @Option(help: "Host profiles, separated by commas, or all.")
  var hosts = "graviton3,ampere-altra,tlbirange-vhe-2023"
  @Option(help: "Workload profiles, separated by commas, or all.")
  var workloads = "container-churn,storage-randwrite,rpc-latency"
  @Option(help: "The kernel profile.")
  var kernel = "6.12"
  @Option(help: "Seeds of each strategy and of each recommendation, 1 to 1000.")
  var seeds = 10
  @Option(help: "Of knobs with a size or a time, every n-th value, 1 to 16.")
  var thinning = 2
  @Option(help: "Simulations that the strategies are given, separated by commas.")
  var budgets = "100,200"
  @Option(help: "Simulations that a recommendation may spend.")
  var budget = Question.standardBudget
  @Option(
    help: ArgumentHelp(
      "A directory where the tables are written, for other optimizers.",
      valueName: "dir"
    ),
    completion: .directory
  )
  var tables: String?
  @OptionGroup var engine: EngineOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    try output.check()
    let store = try common.store()
    let progress = ProgressLine()
    let tools = try engine.tools(store, progress: progress)
    var evaluation = SearchEvaluation(tools: tools)
    evaluation.seeds = try within(seeds, 1...1_000, "--seeds")
    evaluation.queryBudget = try within(budget, Question.leastBudget...100_000, "--budget")
    evaluation.budgets = try budgets.split(separator: ",").map { text in
      guard let budget = Int(text) else {
        throw Failure.usage("--budgets '\(budgets)' is not legal; write numbers such as 100,200")
      }
      return try within(budget, 1...100_000, "--budgets")
    }
    let quality = try evaluation.quality(
      of: try questions(store),
      simulator: Scenario.simulatorVersion
    ) { one, score throws(TuningError) in
      progress.clear()
      try keep(one, score)
    }
    switch common.format {
    case .text: try output.write(quality.text())
    case .json: try output.write(json(quality, .evaluateStrategies))
    }
    guard quality.isGood else { throw Negative(sentence: "a target of the search is missed") }
  }

  private func within(_ value: Int, _ range: ClosedRange<Int>, _ name: String) throws -> Int {
    guard range.contains(value) else {
      throw Failure.usage(
        "\(name) \(value) is not legal; write \(range.lowerBound) to \(range.upperBound)"
      )
    }
    return value
  }

  private func questions(_ store: ProfileStore) throws -> [Question] {
    let thinning = try within(thinning, 1...16, "--thinning")
    return try store.names(hosts, of: .host).flatMap { host in
      try store.names(workloads, of: .workload).map { workload in
        var question = Question(
          host: try store.load(HostProfile.self, named: host).profile,
          kernel: try store.load(KernelProfile.self, named: kernel).profile,
          workload: try store.load(WorkloadProfile.self, named: workload).profile
        )
        question.knobs = .any
        question.thinning = thinning
        return question
      }
    }
  }

  /// Writes a case's table where one was asked for; a file of an earlier evaluation is replaced.
  private func keep(_ one: SearchCase, _ score: SearchCaseScore) throws(TuningError) {
    guard let tables else { return }
    let name = one.name.split(separator: "/").joined(separator: "_") + ".json"
    let file = URL(fileURLWithPath: tables).appendingPathComponent(name)
    do {
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(),
        withIntermediateDirectories: true
      )
      try WholeFile.write(
        AnswerStore.json(SearchTable(one, score), isPretty: false),
        to: file.path,
        replaces: true
      )
    } catch {
      throw .notWritten(file: file.path, reason: "no file can be made there")
    }
  }
}
