// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Operations
import Profiles
import Quantities
import Tuning

/// The options that ask for one constant over many hosts and workloads.
struct RobustOptions: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "The one constant of the kernel that is best over all hosts and workloads, without --host and "
        + "--workload."
    )
  )
  var robust = false
  @Option(help: "With --robust, host profiles, separated by commas, or all. (default: all)")
  var hosts: String?
  @Option(help: "With --robust, workload profiles, separated by commas, or all. (default: all)")
  var workloads: String?
  @Option(help: "With --robust, runs of each candidate, 2 to 100. (default: 3)")
  var replicates: Int?
  @Option(
    help: ArgumentHelp(
      "With --robust, the memory that a run of a teardown lays out, such as 8GiB, and more where that "
        + "takes less than a second; what is left out repeats it. (default: 8GiB)",
      valueName: "size"
    )
  )
  var sample: String?
  @OptionGroup var file: EvaluationRecord

  /// Refuses its options where it was not asked for.
  func check() throws {
    guard !robust else { return }
    let given = [
      ("--hosts", hosts), ("--workloads", workloads), ("--sample", sample),
      ("--record", file.record),
      ("--replicates", replicates.map { "\($0)" }),
    ]
    if let (name, _) = given.first(where: { $0.1 != nil }) {
      throw Failure.usage("\(name) belongs to --robust")
    }
  }

  /// The candidates on every question, from the record file or made.
  func choice(
    kernel: String,
    vmm: VMM,
    seed: UInt64,
    _ store: ProfileStore,
    _ tools: TuningTools
  ) throws -> RobustChoice {
    let replicates = replicates ?? 3
    guard (2...100).contains(replicates) else {
      throw Failure.usage("--replicates \(replicates) is not legal; write 2 to 100")
    }
    let memory = try sample.map { try ByteCount(parsing: $0) } ?? .gibibytes(8)
    guard memory > .zero else { throw Failure.usage("--sample is not legal; write a size above 0") }
    let questions = try questions(kernel: kernel, vmm: vmm, seed: seed, store)
    guard !questions.isEmpty else {
      throw Failure.usage("none of these workloads reads chunk; 's2tune policy' says which do")
    }
    let checker = RobustChecker(tools: tools, replicates: replicates, sample: memory)
    return try file.quality(
      questions,
      model: nil,
      schema: .robust,
      what: "questions",
      isSame: {
        $0.replicates == replicates && $0.sample == memory.rawValue && $0.seed == seed
          && $0.vmm == vmm
      }
    ) { name, question in
      try checker.check(question, name: name)
    }
  }

  /// Every host with every workload that has something to choose.
  private func questions(
    kernel: String,
    vmm: VMM,
    seed: UInt64,
    _ store: ProfileStore
  ) throws -> [(String, Question)] {
    let release = try store.load(KernelProfile.self, named: kernel).profile
    let loads = try store.names(workloads ?? "all", of: .workload)
      .map { try store.load(WorkloadProfile.self, named: $0).profile }
      .filter(RobustChecker.concerns)
    return try store.names(hosts ?? "all", of: .host).flatMap { host in
      let machine = try store.load(HostProfile.self, named: host).profile
      return loads.map { load in
        var question = Question(host: machine, kernel: release, workload: load)
        (question.vmm, question.seed) = (vmm, seed)
        return ("\(host)/\(kernel)/\(load.name) \(load.memory.size)", question)
      }
    }
  }
}
