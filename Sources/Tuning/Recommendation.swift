// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations
import Operations
import PageTables
package import Policies
package import Profiles
import Quantities
package import Search

/// What came out.
package enum Verdict: String, Hashable, Sendable, CaseIterable, Codable {
  /// Another policy is better at the stated confidence.
  case change
  /// The present policy keeps the limits and nothing simulated beats it.
  case keep
  /// No policy that was simulated keeps the limits.
  case noneFeasible = "none-feasible"
}

/// A simulated response: the mean of whole runs, and the interval in which another one would lie.
package struct SimulatedValue: Hashable, Sendable, Codable {
  /// The mean, in the response's unit.
  package let value: Double
  /// The lower end of the interval of another run, same unit.
  package let low: Double
  /// The upper end of the interval of another run, same unit.
  package let high: Double
  /// Runs behind it.
  package let runs: Int

  /// Creates the value from an estimate; the spread of other policies' runs stands for that of a
  /// single run, without which it has no interval.
  ///
  /// No response is ever below zero and no share above one, so no interval reaches there.
  init(
    _ estimate: Estimate,
    _ response: Response,
    confidence: Double,
    spread: PooledSpread? = nil
  ) {
    let margin: Double
    if estimate.runs > 1 {
      margin = estimate.margin(confidence: confidence) * Double(estimate.runs + 1).squareRoot()
    } else {
      let unit = response.unit == .share ? 1 : estimate.value.magnitude
      margin = (spread?.margin(confidence: confidence) ?? 0) * unit
    }
    let most = response.unit == .share ? 1 : Double.infinity
    value = estimate.value
    low = max(min(0, estimate.value), estimate.value - margin)
    high = min(max(most, estimate.value), estimate.value + margin)
    runs = estimate.runs
  }
}

/// How far runs lie from the mean of their own policy, over several policies.
struct PooledSpread {
  /// Degrees of freedom: runs without one a policy.
  private(set) var freedom = 0
  private var squares = 0.0

  /// Adds the runs of a policy, two or more.
  mutating func add(_ values: [Double], isRelative: Bool) {
    let mean = values.reduce(0, +) / Double(values.count)
    let unit = isRelative ? max(mean.magnitude, 1e-12) : 1
    squares += values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) / (unit * unit) }
    freedom += values.count - 1
  }

  /// Half the width of the interval around one run in which another one would lie.
  func margin(confidence: Double) -> Double {
    let deviation = (squares / Double(max(1, freedom))).squareRoot()
    return Quantiles.student((1 + confidence) / 2, freedom: max(1, freedom)) * deviation
      * 2.0.squareRoot()
  }
}

/// One response of one policy, as predicted and as simulated.
package struct Effect: Hashable, Sendable, Codable {
  /// The response; its raw value carries the unit.
  package let response: Response
  /// What the cost model says, where there is one that knows the response.
  package let predicted: PredictedValue?
  /// What the simulator says, where the policy was run.
  package let simulated: SimulatedValue?
}

/// Which line of an answer a policy is.
package enum RowRole: String, Hashable, Sendable, CaseIterable, Codable {
  /// What the host does now.
  case now
  /// The best without a kernel patch.
  case today
  /// The best with a kernel change.
  case kernel
}

/// A limit to which a policy's mean lies so near that its runs do not decide whether it keeps it.
package struct UndecidedLimit: Hashable, Sendable, Codable {
  /// The limit as asked, such as `io.goodput>=0.95`.
  package let limit: String
  /// The response it bounds.
  package let response: Response
}

extension [Violation] {
  /// Those that are broken beyond doubt: of the others the mean alone is on the wrong side.
  package func decided(_ undecided: [UndecidedLimit]) -> [Violation] {
    filter { one in !undecided.contains { $0.limit == one.limit } }
  }
}

/// One policy of an answer with its effects.
package struct AnswerRow: Hashable, Sendable, Codable {
  /// Which line it is.
  package let role: RowRole
  /// The policy's text, as `what-if --policy` reads it.
  package let policy: String
  /// What the policy changes, in words.
  package let summary: String
  /// Its responses, the objective first.
  package let effects: [Effect]
  /// The limits it breaks; empty where it keeps them.
  package let violations: [Violation]
  /// The limits to which its mean lies so near that its runs do not decide; a violation among them is
  /// one on average only.
  package let undecided: [UndecidedLimit]
  /// Whether its limits are kept at the stated confidence, not only on average.
  package let isConfirmed: Bool
  /// Whether it is the recommended one.
  package let isRecommended: Bool
  /// What the kernel's own watchdogs would log; empty where nothing.
  package let warnings: [KernelWarning]

  enum CodingKeys: String, CodingKey {
    case role, policy, summary, effects, violations, undecided, warnings
    case isConfirmed = "confirmed"
    case isRecommended = "recommended"
  }
}

/// A line that a real kernel would log of an operation.
package struct KernelWarning: Hashable, Sendable, Codable {
  /// Which watchdog.
  package let kind: Watchdogs.Warning
  /// What it compares with its limit, in nanoseconds.
  package let time: Double

  enum CodingKeys: String, CodingKey {
    case kind
    case time = "time_ns"
  }
}

/// One knob that the recommendation turns.
package struct KnobChange: Hashable, Sendable, Codable {
  /// The knob's key.
  package let knob: String
  /// Its present value.
  package let from: String
  /// Its recommended value.
  package let to: String
  /// Whether it needs a kernel change.
  package let knobClass: KnobClass

  enum CodingKeys: String, CodingKey {
    case knob, from, to
    case knobClass = "class"
  }
}

/// One way to put a policy into effect.
package struct ApplyStep: Hashable, Sendable, Codable {
  /// Whether it works on an unpatched kernel.
  package let knobClass: KnobClass
  /// Where it is done: `ioctl`, `vmm`, `qemu`, `cloud-hypervisor`, `host` or `kernel`.
  package let place: String
  /// The call, option, command or constant; `INTERFACE` and `VMM_PID` are the reader's.
  package let text: String
  /// What takes it back; nil where it ends with the operation or is made before the guest starts.
  package let undo: String?

  enum CodingKeys: String, CodingKey {
    case knobClass = "class"
    case place, text, undo
  }
}

/// A change of the workload beyond which the answer is another.
package struct ValidityLimit: Hashable, Sendable, Codable {
  /// The profile's key that was varied, such as `vm.block_share`.
  package let key: String
  /// The values tried, in order, as written in a profile.
  package let tried: [String]
  /// The first value at which the choice flips, or nil where it held for all.
  package let flipsAt: String?
  /// The same in one sentence.
  package let sentence: String

  enum CodingKeys: String, CodingKey {
    case key, tried
    case flipsAt = "flips_at"
    case sentence
  }
}

/// An obvious alternative and why it is not the answer.
package struct Alternative: Hashable, Sendable, Codable {
  /// The alternative's name, such as `2 MiB chunks`.
  package let name: String
  /// Its policy's text, where it is possible here.
  package let policy: String?
  /// Why not, in one sentence with its numbers.
  package let reason: String
}

/// A teardown path under the present rules.
package struct PathRow: Hashable, Sendable, Codable {
  /// The path.
  package let path: TeardownPath
  /// The policy's text.
  package let policy: String
  /// Its responses.
  package let effects: [Effect]
  /// The limits it breaks.
  package let violations: [Violation]
  /// The limits to which its mean lies so near that its runs do not decide.
  package let undecided: [UndecidedLimit]
}

/// What an answer rests on.
package struct Basis: Hashable, Sendable, Codable {
  /// The cost model's identity, or nil where only runs decided.
  package let model: String?
  /// Whether the question lies inside of the model's domain; nil without a model.
  package let isInsideDomain: Bool?
  /// Policies that were scored.
  package let scored: Int
  /// Policies that the hazards removed.
  package let hazardous: Int
  /// Policies that were simulated.
  package let simulated: Int
  /// Finalists of the race.
  package let finalists: Int
  /// Runs spent.
  package let runs: Int
  /// Why the race ended.
  package let raceEnd: RaceEnd
  /// The seed.
  package let seed: UInt64

  enum CodingKeys: String, CodingKey {
    case model
    case isInsideDomain = "inside_domain"
    case scored, hazardous, simulated, finalists, runs
    case raceEnd = "race_end"
    case seed
  }
}

/// The question an answer belongs to, in words and numbers.
package struct AskedQuestion: Hashable, Sendable, Codable {
  /// The host profile's name.
  package let host: String
  /// The kernel profile's name.
  package let kernel: String
  /// The release whose rules apply.
  package let release: String
  /// The preemption model.
  package let preemption: PreemptionModel
  /// Ticks per second.
  package let hz: Int
  /// The workload profile's name.
  package let workload: String
  /// What is done to the guest.
  package let operation: StageTwoOperation
  /// The teardown path, for a teardown.
  package let path: TeardownPath?
  /// Guest memory in bytes.
  package let memory: Int64
  /// What is optimized.
  package let objective: Metric
  /// The limits as asked.
  package let limits: [String]
  /// The program that runs the guest.
  package let vmm: VMM
  /// Knobs that stay as they are.
  package let pinned: [String]
  /// Which knobs may be turned.
  package let knobs: KnobChoice
  /// Runs that could be spent.
  package let budget: Int
  /// The confidence of the comparison.
  package let confidence: Double

  enum CodingKeys: String, CodingKey {
    case host, kernel, release, preemption, hz, workload, operation, path
    case memory = "memory_bytes"
    case objective, limits, vmm, pinned, knobs, budget, confidence
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
    vmm = question.vmm
    pinned = question.pinned.map(\.rawValue).sorted()
    knobs = question.knobs
    budget = question.budget
    confidence = question.confidence
  }
}

/// One run of a whole operation.
package struct FullRun: Hashable, Sendable, Codable {
  /// The digest of the run's trace, in hexadecimal.
  package let digest: String
  /// The number of the replicate, from which the run's seed follows.
  package let replicate: Int
  /// The responses, the objective first.
  package let values: [ResponseValue]
}

/// A response and its value.
package struct ResponseValue: Hashable, Sendable, Codable {
  /// The response; its raw value carries the unit.
  package let response: Response
  /// The value, in the response's unit.
  package let value: Double
}

/// A recommendation: everything an operator needs to act on it and to check it.
package struct Recommendation: Hashable, Sendable, Codable {
  /// The version of the JSON form.
  package static let schemaVersion = 4

  /// The version of the form this was written in.
  package let schema: Int
  /// The question.
  package let asked: AskedQuestion
  /// What came out.
  package let verdict: Verdict
  /// The present policy, the best of today, the best with a kernel change.
  package let rows: [AnswerRow]
  /// The policy that comes closest where none keeps the limits.
  package let nearest: AnswerRow?
  /// What to change, from and to.
  package let changes: [KnobChange]
  /// The mechanism, in sentences with its numbers.
  package let why: [String]
  /// What it costs.
  package let cost: [String]
  /// How to put it into effect.
  package let apply: [ApplyStep]
  /// When it stops being valid.
  package let holds: [ValidityLimit]
  /// Whether the recommended policy may leave a stale translation.
  package let safety: SafetyVerdict
  /// What it rests on.
  package let basis: Basis
  /// Why not the obvious alternatives.
  package let alternatives: [Alternative]
  /// The teardown paths under the present rules, compared before any chunk.
  package let paths: [PathRow]
  /// The whole operation under the recommended policy, run once without a window.
  package let fullRun: FullRun?
  /// What it means to a host on which the operation happens again and again; nil where the workload
  /// does not say how often.
  package let fleet: FleetEffect?
  /// What keeps the limits without batching, where unmaps harm a running guest and no policy keeps them.
  package var remedies: [Remedy]?

  /// The recommended row; where no policy is feasible, nil.
  package var recommended: AnswerRow? { rows.first(where: \.isRecommended) }

  enum CodingKeys: String, CodingKey {
    case schema = "schema_version"
    case asked, verdict, rows, nearest, changes, why, cost, apply, holds, safety, basis,
      alternatives, paths, remedies
    case fullRun = "full_run"
    case fleet
  }
}

/// What an operation that comes again and again does to the flows of a host, now and then.
package struct FleetEffect: Hashable, Sendable, Codable {
  /// Operations an hour.
  package let operationsPerHour: Int
  /// Under the present policy.
  package let now: FleetLoss
  /// Under the recommended policy; nil where there is none or it is the present one.
  package let then: FleetLoss?

  enum CodingKeys: String, CodingKey {
    case operationsPerHour = "operations_per_hour"
    case now, then
  }
}

/// What a flow of such a host loses under one policy.
package struct FleetLoss: Hashable, Sendable, Codable {
  /// The chance that a flow of an hour is hit at least once.
  package let hourChance: Double
  /// The share of its time that a flow spends hit.
  package let timeShare: Double
  /// Connections that fail or take longer than a second in a day; nil without connections.
  package let connectsADay: Double?

  enum CodingKeys: String, CodingKey {
    case hourChance = "hit_in_an_hour_chance"
    case timeShare = "hit_time_share"
    case connectsADay = "connects_failed_a_day"
  }
}
