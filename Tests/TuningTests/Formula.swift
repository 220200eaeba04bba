// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness

@testable import Tuning

/// A simulator whose truth is a formula.
///
/// Holds grow with the chunk, goodput falls with the hold, small chunks and slices cost time. It
/// knows nothing of kernels and is quick.
struct FormulaSimulator: PolicySimulator {
  /// The noise of one run, as a share.
  var noise = 0.002

  func report(
    _ question: Question,
    policy: Policy,
    seed: Seed,
    extent: RunExtent
  ) throws(TuningError) -> RunReport {
    let identity = RunIdentity(
      host: question.host.name,
      kernel: question.kernel.name,
      workload: question.workload.name,
      policy: policy.description,
      seed: seed.rawValue
    )
    var report = RunReport(identity: identity)
    var common = seed.stream("common")
    let shake = 1 + noise * common.normal()
    let values = Self.truth(question, policy)
    report.operation.whole = .seconds(rounding: values.time * shake)
    report.operation.stageTwo = report.operation.whole
    report.digest = seed.rawValue
    if values.hold > 0 {
      var locks = LockHolds()
      locks.longestChunk = .seconds(rounding: values.hold)
      locks.holds.max = locks.longestChunk
      report.locks = locks
    }
    var network = NetworkOutcome()
    network.baseline = question.workload.network.offered
    network.retained = min(1, values.kept * (1 + noise / 4 * common.normal()))
    network.firstKsoftirqdWake = .milliseconds(4)
    report.network = network
    return report
  }

  /// Time and longest hold in seconds, and the share of goodput that is kept.
  static func truth(
    _ question: Question,
    _ policy: Policy
  ) -> (time: Double, hold: Double, kept: Double) {
    let memory = question.workload.memory
    let leaves = memory.size.inGibibytes * (262_144 * (1 - memory.blockShare) + 512)
    if policy.path == .processExit { return (leaves * 0.4e-6, 0, 1) }
    let size = question.setting.size(of: policy.chunk) ?? .mebibytes(2)
    let unit = min(size, policy.slice ?? size)
    let perLeaf = policy.flush == .perLeaf ? 1.14e-6 : 0.5e-6
    let inside = min(leaves, unit.inGibibytes * 262_144 * (1 - memory.blockShare) + 1)
    let hold = inside * perLeaf
    let calls = memory.size.inGibibytes / unit.inGibibytes
    let pause = policy.slice == nil ? 0 : policy.pause.inSeconds + 2e-6
    let kept = policy.interrupt == .moved ? 1 : 1 / (1 + hold / 0.05)
    return (leaves * perLeaf + calls * (1e-6 + pause), hold, kept)
  }
}

/// A predictor that is off by a tenth, with honest intervals.
struct FormulaPredictor: PolicyPredictor {
  let identity = "formula, a tenth too slow"

  func predictions(
    _ question: Question,
    policy: Policy
  ) throws(TuningError) -> [Response: PredictedValue] {
    let truth = FormulaSimulator.truth(question, policy)
    func value(_ number: Double) -> PredictedValue {
      PredictedValue(value: number, low: number * 0.8, high: number * 1.2)
    }
    return [
      .teardownTime: value(truth.time * 1.1e9), .goodputRetained: value(truth.kept * 0.98),
      .longestHold: value(truth.hold * 1.1e9),
    ]
  }
}

/// Refuses conditional flushes over the call only, and no flush at all.
struct FormulaSafety: SafetyOracle {
  func verdict(_ question: Question, policy: Policy) -> SafetyVerdict {
    switch policy.flush {
    case .deferredIfCleared(.call):
      SafetyVerdict(isSafe: false, sentence: "the flush may miss the rest of a leaf (hazard 1)")
    case .none: SafetyVerdict(isSafe: false, sentence: "nothing is invalidated")
    default: SafetyVerdict(isSafe: true, sentence: "no stale entry")
    }
  }
}

/// A teardown of 64 GiB beside a flow, on a kernel of choice.
func exampleQuestion(
  release: (Int, Int) = (6, 1),
  path: TeardownPath = .munmap,
  features: CPUFeatures = CPUFeatures(forcedWriteBack: true)
) -> Question {
  var nic = NetworkAdapter()
  nic.queues = 64
  let host = HostProfile(
    name: "bench",
    cpus: 64,
    granule: .size4K,
    features: features,
    stage2: StageTwoCosts(),
    tlbi: InvalidationCosts(),
    fault: FaultCosts(),
    hostFree: HostFreeCosts(),
    cpu: ProcessorCosts(),
    nic: nic,
    storage: StorageDevice()
  )
  let version = KernelRelease(major: release.0, minor: release.1)
  let kernel = KernelProfile(
    name: version.description,
    release: version,
    preemption: .voluntary,
    hz: 250
  )
  var workload = WorkloadProfile(name: "churn")
  workload.memory.size = .gibibytes(64)
  workload.memory.ipaBits = 48
  workload.teardownPath = path
  workload.network.offered = .gigabits(9.5)
  workload.serviceLevels = [ServiceLevel(.ioGoodput, .share(0.97))]
  var question = Question(host: host, kernel: kernel, workload: workload)
  // Another path or another CPU beats every batching in the formula.
  question.pinned = [.path, .irq]
  question.budget = 96
  return question
}

/// The formula as a set of tools.
func exampleTools(predicts: Bool = true, workers: Int = 2) -> TuningTools {
  TuningTools(
    simulator: FormulaSimulator(),
    predictor: predicts ? FormulaPredictor() : nil,
    safety: FormulaSafety(),
    workers: workers
  )
}
