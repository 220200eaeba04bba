// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
public import Policies
public import Profiles
import Quantities
public import Search

/// What came out.
public enum Verdict: String, Hashable, Sendable, CaseIterable, Codable {
  /// Another policy is better at the stated confidence.
  case change
  /// The present policy keeps the limits and nothing simulated beats it.
  case keep
  /// No policy that was simulated keeps the limits.
  case noneFeasible = "none-feasible"
}

/// A simulated response: the mean of runs and its interval.
public struct SimulatedValue: Hashable, Sendable, Codable {
  /// The mean, in the response's unit.
  public let value: Double
  /// The lower end of the interval of the mean, same unit.
  public let low: Double
  /// The upper end of the interval of the mean, same unit.
  public let high: Double
  /// Runs behind it.
  public let runs: Int

  /// Creates the value from an estimate; one run has no interval and stands at both ends.
  ///
  /// No response is ever below zero, so no interval reaches there.
  init(_ estimate: Estimate, confidence: Double) {
    let margin = estimate.runs > 1 ? estimate.margin(confidence: confidence) : 0
    value = estimate.value
    low = max(min(0, estimate.value), estimate.value - margin)
    high = estimate.value + margin
    runs = estimate.runs
  }
}

/// One response of one policy, as predicted and as simulated.
public struct Effect: Hashable, Sendable, Codable {
  /// The response; its raw value carries the unit.
  public let response: Profiles.Response
  /// What the cost model says, where there is one that knows the response.
  public let predicted: PredictedValue?
  /// What the simulator says, where the policy was run.
  public let simulated: SimulatedValue?
}

/// Which line of an answer a policy is.
public enum RowRole: String, Hashable, Sendable, CaseIterable, Codable {
  /// What the host does now.
  case now
  /// The best without a kernel patch.
  case today
  /// The best with a kernel change.
  case kernel
}

/// One policy of an answer with its effects.
public struct AnswerRow: Hashable, Sendable, Codable {
  /// Which line it is.
  public let role: RowRole
  /// The policy's text, as `what-if --policy` reads it.
  public let policy: String
  /// What the policy changes, in words.
  public let summary: String
  /// Its responses, the objective first.
  public let effects: [Effect]
  /// The limits it breaks; empty where it keeps them.
  public let violations: [Violation]
  /// Whether its limits are kept at the stated confidence, not only on average.
  public let isConfirmed: Bool
  /// Whether it is the recommended one.
  public let isRecommended: Bool

  enum CodingKeys: String, CodingKey {
    case role, policy, summary, effects, violations
    case isConfirmed = "confirmed"
    case isRecommended = "recommended"
  }
}

/// One knob that the recommendation turns.
public struct KnobChange: Hashable, Sendable, Codable {
  /// The knob's key.
  public let knob: String
  /// Its present value.
  public let from: String
  /// Its recommended value.
  public let to: String
  /// Whether it needs a kernel change.
  public let knobClass: KnobClass

  enum CodingKeys: String, CodingKey {
    case knob, from, to
    case knobClass = "class"
  }
}

/// One way to put a policy into effect.
public struct ApplyStep: Hashable, Sendable, Codable {
  /// Whether it works on an unpatched kernel.
  public let knobClass: KnobClass
  /// Where it is done: `ioctl`, `vmm`, `qemu`, `cloud-hypervisor`, `host` or `kernel`.
  public let place: String
  /// The call, option, command or constant.
  public let text: String

  enum CodingKeys: String, CodingKey {
    case knobClass = "class"
    case place, text
  }
}

/// A change of the workload beyond which the answer is another.
public struct ValidityLimit: Hashable, Sendable, Codable {
  /// The profile's key that was varied, such as `vm.block_share`.
  public let key: String
  /// The values tried, in order, as written in a profile.
  public let tried: [String]
  /// The first value at which the choice flips, or nil where it held for all.
  public let flipsAt: String?
  /// The same in one sentence.
  public let sentence: String

  enum CodingKeys: String, CodingKey {
    case key, tried
    case flipsAt = "flips_at"
    case sentence
  }
}

/// An obvious alternative and why it is not the answer.
public struct Alternative: Hashable, Sendable, Codable {
  /// The alternative's name, such as `2 MiB chunks`.
  public let name: String
  /// Its policy's text, where it is possible here.
  public let policy: String?
  /// Why not, in one sentence with its numbers.
  public let reason: String
}

/// A teardown path under the present rules.
public struct PathRow: Hashable, Sendable, Codable {
  /// The path.
  public let path: TeardownPath
  /// The policy's text.
  public let policy: String
  /// Its responses.
  public let effects: [Effect]
  /// The limits it breaks.
  public let violations: [Violation]
}

/// What an answer rests on.
public struct Basis: Hashable, Sendable, Codable {
  /// The cost model's identity, or nil where only runs decided.
  public let model: String?
  /// Whether the question lies inside of the model's domain; nil without a model.
  public let isInsideDomain: Bool?
  /// Policies that were scored.
  public let scored: Int
  /// Policies that the hazards removed.
  public let hazardous: Int
  /// Policies that were simulated.
  public let simulated: Int
  /// Finalists of the race.
  public let finalists: Int
  /// Runs spent.
  public let runs: Int
  /// Why the race ended.
  public let raceEnd: RaceEnd
  /// The seed.
  public let seed: UInt64

  enum CodingKeys: String, CodingKey {
    case model
    case isInsideDomain = "inside_domain"
    case scored, hazardous, simulated, finalists, runs
    case raceEnd = "race_end"
    case seed
  }
}

/// The question an answer belongs to, in words and numbers.
public struct AskedQuestion: Hashable, Sendable, Codable {
  /// The host profile's name.
  public let host: String
  /// The kernel profile's name.
  public let kernel: String
  /// The release whose rules apply.
  public let release: String
  /// The preemption model.
  public let preemption: PreemptionModel
  /// Ticks per second.
  public let hz: Int
  /// The workload profile's name.
  public let workload: String
  /// What is done to the guest.
  public let operation: StageTwoOperation
  /// The teardown path, for a teardown.
  public let path: TeardownPath?
  /// Guest memory in bytes.
  public let memory: Int64
  /// What is optimized.
  public let objective: Metric
  /// The limits as asked.
  public let limits: [String]
  /// Which knobs may be turned.
  public let knobs: KnobChoice
  /// Runs that could be spent.
  public let budget: Int
  /// The confidence of the comparison.
  public let confidence: Double

  enum CodingKeys: String, CodingKey {
    case host, kernel, release, preemption, hz, workload, operation, path
    case memory = "memory_bytes"
    case objective, limits, knobs, budget, confidence
  }

  init(_ question: Question, goal: Goal) {
    host = question.host.name
    kernel = question.kernel.name
    release = question.kernel.release.description
    preemption = question.kernel.preemption
    hz = question.kernel.hz
    workload = question.workload.name
    operation = question.workload.operation
    path = question.workload.operation == .teardown ? question.workload.teardownPath : nil
    memory = question.workload.memory.size.rawValue
    objective = question.goal
    limits = goal.limits.map(\.level.description)
    knobs = question.knobs
    budget = question.budget
    confidence = question.confidence
  }
}

/// One run of a whole operation.
public struct FullRun: Hashable, Sendable, Codable {
  /// The digest of the run's trace, in hexadecimal.
  public let digest: String
  /// The number of the replicate, from which the run's seed follows.
  public let replicate: Int
  /// The responses, the objective first.
  public let values: [ResponseValue]
}

/// A response and its value.
public struct ResponseValue: Hashable, Sendable, Codable {
  /// The response; its raw value carries the unit.
  public let response: Profiles.Response
  /// The value, in the response's unit.
  public let value: Double
}

/// A recommendation: everything an operator needs to act on it and to check it.
public struct Recommendation: Hashable, Sendable, Codable {
  /// The version of the JSON form.
  public static let schemaVersion = 2

  /// The version of the form this was written in.
  public let schema: Int
  /// The question.
  public let asked: AskedQuestion
  /// What came out.
  public let verdict: Verdict
  /// The present policy, the best of today, the best with a kernel change.
  public let rows: [AnswerRow]
  /// The policy that comes closest where none keeps the limits.
  public let nearest: AnswerRow?
  /// What to change, from and to.
  public let changes: [KnobChange]
  /// The mechanism, in sentences with its numbers.
  public let why: [String]
  /// What it costs.
  public let cost: [String]
  /// How to put it into effect.
  public let apply: [ApplyStep]
  /// When it stops being valid.
  public let holds: [ValidityLimit]
  /// Whether the recommended policy may leave a stale translation.
  public let safety: SafetyVerdict
  /// What it rests on.
  public let basis: Basis
  /// Why not the obvious alternatives.
  public let alternatives: [Alternative]
  /// The teardown paths under the present rules, compared before any chunk.
  public let paths: [PathRow]
  /// The whole operation under the recommended policy, run once without a window.
  public let fullRun: FullRun?

  /// The recommended row; where no policy is feasible, nil.
  public var recommended: AnswerRow? { rows.first(where: \.isRecommended) }

  enum CodingKeys: String, CodingKey {
    case schema = "schema_version"
    case asked, verdict, rows, nearest, changes, why, cost, apply, holds, safety, basis,
      alternatives, paths
    case fullRun = "full_run"
  }
}
