// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import Policies
package import Profiles
package import Quantities
import Randomness
import Search

/// A constant that a kernel could have for every host and workload: what stands in its place on one.
package struct RobustCandidate: Hashable, Sendable, Codable {
  /// What it changes, as policies write it, such as `chunk=2MiB`; `now` is the kernel's own rule.
  package let name: String

  /// The kernel's own rule.
  package static let now = RobustCandidate(name: "now")

  /// The kernel's own rule, chunks of powers of two from 1 GiB down to 64 KiB, budgets of time: in the
  /// order in which ties go to them.
  package static let all: [RobustCandidate] =
    [now]
    + (0...14).map { RobustCandidate(name: "chunk=\(ByteCount.kibibytes(64 << (14 - Int64($0))))") }
    + ["2ms", "1ms", "500us"].map { RobustCandidate(name: "controller=time:\($0)/64") }

  /// The policy that it is where a question is asked; throws where it cannot be there.
  func policy(_ question: Question) throws(PolicyError) -> Policy {
    let present = question.presentPolicy
    guard self != .now else { return present }
    let policy = try Policy(parsing: name, over: present)
    try policy.validate(in: question.setting)
    return policy.canonical(in: question.setting)
  }
}

/// What whole runs say of every candidate on one host under one workload.
package struct RobustCheck: Hashable, Sendable, Codable {
  /// The question, `host/kernel/workload memory`.
  package let name: String
  /// The runs of each candidate, which share their chance.
  package let replicates: Int
  /// The seed of all chance.
  package let seed: UInt64
  /// The program that runs the guests.
  package let vmm: VMM
  /// The memory that was asked to be laid out of a teardown, in bytes.
  package let sample: Int64
  /// The memory that runs laid out at most, in bytes: more where that much is done in no time.
  package let laidOut: Int64
  /// What is optimized.
  package let objective: Metric
  /// The limits, as asked.
  package let limits: [String]
  /// The candidates that are possible and safe there.
  package let trials: [RobustTrial]

  enum CodingKeys: String, CodingKey {
    case name, replicates, seed, vmm
    case sample = "sample_bytes"
    case laidOut = "laid_out_bytes"
    case objective, limits, trials
  }
}

/// What the runs of one candidate gave.
package struct RobustTrial: Hashable, Sendable, Codable {
  /// The candidate's name.
  package let candidate: String
  /// The objective of each run, in the unit of the objective.
  package let values: [Double]
  /// The limits that its mean breaks.
  package let broken: [BrokenLimit]
}

/// A limit that the mean of a candidate's runs breaks.
package struct BrokenLimit: Hashable, Sendable, Codable {
  /// The limit as asked.
  package let limit: String
  /// Whether it is broken by more than runs differ.
  package let isClear: Bool

  enum CodingKeys: String, CodingKey {
    case limit
    case isClear = "clear"
  }
}

/// Runs every candidate on one host under one workload.
package struct RobustChecker: Sendable {
  private let tools: TuningTools
  private let replicates: Int
  private let sample: ByteCount

  /// Confidence of what is told from noise.
  static let confidence = 0.95
  /// The stage-2 part that a run has at least where a guest's memory has it: IO is judged over it, and
  /// what a few milliseconds do to IO says nothing of a second.
  private static let leastTime = Nanoseconds.seconds(1)

  /// Prepares checks with so many runs of a candidate; those of teardowns lay out so much memory, or
  /// as much as takes a second.
  package init(tools: TuningTools, replicates: Int, sample: ByteCount) {
    (self.tools, self.replicates, self.sample) = (tools, replicates, sample)
  }

  /// The memory that runs of a question lay out, and what runs it so.
  private func sampling(
    _ question: Question
  ) throws(TuningError) -> (memory: ByteCount, tools: TuningTools) {
    let whole = question.workload.memory.size
    guard question.workload.operation == .teardown, sample < whole,
      var simulator = tools.simulator as? ScenarioSimulator
    else { return (whole, tools) }
    var memory = sample
    while memory < whole {
      simulator.mostMemory = memory
      let report = try simulator.report(
        question,
        policy: question.presentPolicy,
        seed: Seed(question.seed),
        extent: .full
      )
      let time = report.operation.stageTwo.inSeconds * report.operation.simulatedShare
      if time >= Self.leastTime.inSeconds { break }
      memory = min(whole, memory * 2)
    }
    simulator.mostMemory = memory
    return (memory, tools.replacing(simulator: simulator))
  }

  /// Whether a workload has anything to choose: its operation takes `mmu_lock` in chunks.
  package static func concerns(_ workload: WorkloadProfile) -> Bool {
    workload.idleReason(.chunk) == nil
      && (workload.operation != .teardown || workload.teardownPath != .processExit)
  }

  /// Runs the candidates of a question and judges each by the question's goal.
  package func check(_ question: Question, name: String) throws(TuningError) -> RobustCheck {
    let (memory, tools) = try sampling(question)
    let bench = Bench(question, tools: tools)
    let present = try bench.runs(question.presentPolicy, replicates: replicates, .full)
    let goal = try Goal(question, present: Recommender.means(present))
    var trials: [RobustTrial] = []
    for candidate in RobustCandidate.all {
      guard let policy = try? candidate.policy(question),
        tools.safety.verdict(question, policy: policy).isSafe
      else { continue }
      let rows = try bench.values(Bench.requests(policy, replicates, .full), goal)
      trials.append(
        RobustTrial(
          candidate: candidate.name,
          values: rows.map { $0[0] },
          broken: Self.broken(rows, goal)
        )
      )
    }
    return RobustCheck(
      name: name,
      replicates: replicates,
      seed: question.seed,
      vmm: question.vmm,
      sample: sample.rawValue,
      laidOut: memory.rawValue,
      objective: question.goal,
      limits: goal.limits.map(\.level.description),
      trials: trials
    )
  }

  /// The limits that the mean of runs breaks, and whether noise could be why.
  private static func broken(_ rows: [[Double]], _ goal: Goal) -> [BrokenLimit] {
    let means = goal.problem.violations(of: goal.means(of: rows))
    let single = rows.map { goal.problem.violations(of: $0) }
    return goal.limits.indices.compactMap { place in
      // Not a number: no run saw a sample, and the limit is neither kept nor broken.
      guard means[place] > 0 else { return nil }
      let margin = Estimate(single.map { $0[place] }).margin(confidence: confidence)
      return BrokenLimit(
        limit: goal.limits[place].level.description,
        isClear: means[place] > margin
      )
    }
  }
}
