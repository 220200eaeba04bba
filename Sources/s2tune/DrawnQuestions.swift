// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Foundation
import Operations
import Profiles
import Quantities
import Randomness
import Scenarios
import Tuning

/// The questions of an evaluation: drawn from all that ships, with a seed.
struct DrawnQuestions: ParsableArguments {
  @Option(help: "The seed of the drawing.")
  var seed: UInt64 = 1
  @Option(help: "Kernel profiles to draw from, separated by commas, or all.")
  var kernels = "5.10,6.1,6.12,7.3"
  @Option(help: "Host profiles to draw from, separated by commas, or all.")
  var hosts = "all"
  @Option(help: "Workload profiles to draw from, separated by commas, or all.")
  var workloads = "all"
  @Option(
    help: ArgumentHelp(
      "A file that takes what is checked, question by question; what stands in it is not made again.",
      valueName: "file"
    ),
    completion: .file(extensions: ["json"])
  )
  var record: String?

  /// Workload, host, kernel and a half, one or two times the workload's memory; for those that no
  /// shipped answer knows, not one time.
  func drawn(_ count: Int, _ store: ProfileStore, isUnseen: Bool) throws -> [(String, Question)] {
    guard (1...10_000).contains(count) else {
      throw Failure.usage("--questions \(count) is not legal; write 1 to 10000")
    }
    let (hosts, workloads, kernels) = (
      store.names(hosts, of: .host), store.names(workloads, of: .workload),
      store.names(kernels, of: .kernel)
    )
    var chance = Seed(seed).stream("answers")
    func one(_ names: [String]) -> String { names[Int(chance.uniform(below: UInt64(names.count)))] }
    return try (0..<count).map { _ in
      let (workload, host, kernel) = (one(workloads), one(hosts), one(kernels))
      var question = Question(
        host: try store.load(HostProfile.self, named: host).profile,
        kernel: try store.load(KernelProfile.self, named: kernel).profile,
        workload: try store.load(WorkloadProfile.self, named: workload).profile
      )
      let size = question.workload.memory.size
      let shift = chance.uniform(below: isUnseen ? 2 : 3) * (isUnseen ? 2 : 1)
      question.workload.memory.size = ByteCount(rawValue: size.rawValue / 2 * (1 << Int64(shift)))
      return ("\(host)/\(kernel)/\(workload) \(question.workload.memory.size)", question)
    }
  }

  /// One check a question: as it stands in the record file where that has one that `isSame`, else made.
  ///
  /// The record file keeps what it had, whatever is asked; the outcome holds the asked questions alone.
  func quality<Quality: Evaluated>(
    _ count: Int,
    _ store: ProfileStore,
    isUnseen: Bool = false,
    model: String?,
    schema: OutputSchema,
    isSame: (Quality.Check) -> Bool = { _ in true },
    make: (String, Question) throws -> Quality.Check
  ) throws -> Quality {
    let questions = try drawn(count, store, isUnseen: isUnseen)
    let progress = ProgressLine()
    var known: [Quality.Check] = try earlier(Quality.self, model)?.checks ?? []
    func outcome(_ checks: [Quality.Check]) -> Quality {
      Quality(simulator: Scenario.simulatorVersion, model: model, checks: checks)
    }
    var checks: [Quality.Check] = []
    for (name, question) in questions {
      if let check = known.first(where: { $0.name == name && isSame($0) }) {
        checks.append(check)
      } else {
        let check = try make(name, question)
        checks.append(check)
        known.append(check)
        if let record { try UserFile.write(json(outcome(known), schema), to: record, force: true) }
      }
      progress.show(checks.count, of: count, "answers")
    }
    progress.clear()
    return outcome(checks)
  }

  /// What the record file holds, where it is of this simulator and model.
  private func earlier<Quality: Evaluated>(
    _ type: Quality.Type,
    _ model: String?
  ) throws -> Quality? {
    guard let record, FileManager.default.fileExists(atPath: record) else { return nil }
    let text = try UserFile.read(record)
    guard let quality = try? AnswerStore.decoder.decode(Quality.self, from: Data(text.utf8)) else {
      throw Failure.data("\(record): it is no record of this evaluation; name another file")
    }
    guard quality.simulator == Scenario.simulatorVersion, quality.model == model else {
      throw Failure.data(
        "\(record): it is of simulator \(quality.simulator) or of another cost model; name another file"
      )
    }
    return quality
  }
}

/// What an evaluation found of one question.
protocol QuestionCheck: Codable {
  /// The question: host, kernel, workload and memory.
  var name: String { get }
}

/// The outcome of an evaluation, as its record file holds it.
protocol Evaluated: Codable {
  associatedtype Check: QuestionCheck
  var simulator: String { get }
  var model: String? { get }
  var checks: [Check] { get }
  init(simulator: String, model: String?, checks: [Check])
}

extension AnswerCheck: QuestionCheck {}
extension AnswerQuality: Evaluated {}
extension RegretCheck: QuestionCheck {}
extension RegretQuality: Evaluated {}

extension TuningTools {
  /// What judges answers: every call and chunk of an operation is run, however many there are.
  var judging: Self {
    var whole = simulator as? ScenarioSimulator ?? ScenarioSimulator()
    whole.isUnabridged = true
    return replacing(simulator: whole)
  }
}
