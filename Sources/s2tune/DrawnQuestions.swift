// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Operations
import Profiles
import Quantities
import Randomness
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
  @OptionGroup var file: EvaluationRecord

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

  /// One check a drawn question, from the record file or made.
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
    return try file.quality(
      questions,
      model: model,
      schema: schema,
      what: "answers",
      isSame: isSame,
      make: make
    )
  }
}

extension TuningTools {
  /// What judges answers: every call and chunk of an operation is run, however many there are.
  var judging: Self {
    var whole = simulator as? ScenarioSimulator ?? ScenarioSimulator()
    whole.isUnabridged = true
    return replacing(simulator: whole)
  }
}
