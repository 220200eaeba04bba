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

  /// One check a question, those of the record file as they stand there: `known` finds one in the record,
  /// `make` makes it, and `text` is the record's content with so many checks.
  func checks<Quality: Evaluated, Check>(
    _ count: Int,
    _ store: ProfileStore,
    isUnseen: Bool,
    model: String?,
    known: (String, Question, Quality) -> Check?,
    make: (String, Question) throws -> Check,
    record text: ([Check]) throws -> String
  ) throws -> [Check] {
    let questions = try drawn(count, store, isUnseen: isUnseen)
    let progress = ProgressLine()
    let found: Quality? = try earlier(model)
    var checks: [Check] = []
    for (name, question) in questions {
      if let found, let check = known(name, question, found) {
        checks.append(check)
      } else {
        checks.append(try make(name, question))
        if let record { try UserFile.write(text(checks), to: record, force: true) }
      }
      progress.show(checks.count, of: count, "answers")
    }
    progress.clear()
    return checks
  }

  /// What the record file holds, where it is of this simulator and model.
  private func earlier<Quality: Evaluated>(_ model: String?) throws -> Quality? {
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

/// The outcome of an evaluation, as its record file holds it.
protocol Evaluated: Decodable {
  var simulator: String { get }
  var model: String? { get }
}

extension AnswerQuality: Evaluated {}
extension RegretQuality: Evaluated {}

extension TuningTools {
  /// What judges answers: every call and chunk of an operation is run, however many there are.
  var judging: Self { replacing(simulator: ScenarioSimulator(isUnabridged: true)) }
}
