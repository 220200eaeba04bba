// SPDX-License-Identifier: GPL-3.0-or-later

public import CostModels
public import PageTables
public import Policies
public import Profiles
import Quantities
import Randomness
import Scenarios
import Synchronization

/// A fitted cost model as what predicts policies.
///
/// Page tables are counted once for each set of rules that walks them differently, so features of
/// thousands of policies cost little.
public final class ModelPredictor: PolicyPredictor {
  private let model: CostModel
  private let tables: StageTwo?
  private let walks = SharedWalks()
  private let fluids = SharedFluids()
  private let outlines = Mutex<[Walk: OperationOutline]>([:])
  private let estimates = Mutex<[FeatureVector: [ResponseEstimate]]>([:])
  private let known = Mutex<[Asked: [Response: PredictedValue]]>([:])

  /// What of a question and a policy decides how the tables are walked.
  private struct Walk: Hashable {
    let host: HostProfile
    let kernel: KernelProfile
    let memory: GuestMemory
    let operation: StageTwoOperation
    let path: TeardownPath
    let chunk: ChunkRule
    let flush: FlushRule
    let slice: Policy
  }

  private struct Asked: Hashable {
    let host: HostProfile
    let kernel: KernelProfile
    let workload: WorkloadProfile
    let policy: Policy
  }

  /// Creates the predictor.
  ///
  /// - Parameters:
  ///   - model: The fitted model.
  ///   - tables: The guest's tables where a dump says what they are.
  public init(model: CostModel, tables: StageTwo? = nil) {
    self.model = model
    self.tables = tables
  }

  /// The model's name and the digest of the runs it was fitted on.
  public var identity: String {
    "\(model.origin.name) \(model.origin.date), runs \(model.origin.runsDigest)"
  }

  /// The predicted responses that the workload has; intervals cover nine runs in ten.
  public func predictions(
    _ question: Question,
    policy: Policy
  ) throws(TuningError) -> [Response: PredictedValue] {
    let asked = Asked(
      host: question.host,
      kernel: question.kernel,
      workload: question.workload,
      policy: policy
    )
    if let found = known.withLock({ $0[asked] }) { return found }
    let features = try features(question, policy)
    var found: [Response: PredictedValue] = [:]
    let unseen = question.workload.unseenByModels
    for estimate in estimates(features)
    where question.workload.has(estimate.response, policy: policy) {
      let known = estimate.validity.reason == nil ? nil : estimate.validity.description
      found[estimate.response] = PredictedValue(
        value: estimate.value,
        low: estimate.low,
        high: estimate.high,
        place: unseen == nil ? estimate.validity.place : .extrapolating,
        reason: unseen ?? known
      )
    }
    known.withLock { $0[asked] = found }
    return found
  }

  /// The estimates of a feature vector, which many policies may have.
  private func estimates(_ features: FeatureVector) -> [ResponseEstimate] {
    if let found = estimates.withLock({ $0[features] }) { return found }
    let found = model.predict(features, level: 0.9)
    estimates.withLock { $0[features] = found }
    return found
  }

  /// Every prediction that the workload has, taken apart.
  public func explanations(
    _ question: Question,
    policy: Policy
  ) throws(TuningError) -> [Explanation] {
    let features = try features(question, policy)
    return model.models.filter { question.workload.has($0.response, policy: policy) }
      .map { $0.explain(features) }
  }

  private func features(
    _ question: Question,
    _ policy: Policy
  ) throws(TuningError) -> FeatureVector {
    FeatureVector(
      host: question.host,
      kernel: question.kernel,
      workload: question.workload,
      policy: policy,
      outline: try outline(question, policy),
      sharing: fluids
    )
  }

  private func outline(
    _ question: Question,
    _ policy: Policy
  ) throws(TuningError) -> OperationOutline {
    var shape = Policy(chunk: .largestBlock, flush: .perLeaf)
    (shape.slice, shape.eagerSplit, shape.clearRange) = (
      policy.slice, policy.eagerSplit, policy.clearRange
    )
    var scenario = Scenario(
      host: question.host,
      kernel: question.kernel,
      workload: question.workload,
      policy: policy,
      seed: Seed(0)
    )
    scenario.tables = tables
    let walk = Walk(
      host: question.host,
      kernel: question.kernel,
      memory: question.workload.memory,
      operation: question.workload.operation,
      path: policy.path ?? question.workload.teardownPath,
      chunk: scenario.chunkRule,
      flush: policy.flush,
      slice: shape
    )
    if let found = outlines.withLock({ $0[walk] }) { return found }
    do {
      var outline = try scenario.outline(sharing: walks)
      // No feature depends on the order of chunks.
      outline.train = outline.train.gathered
      outlines.withLock { $0[walk] = outline }
      return outline
    } catch {
      throw .prediction(error.description)
    }
  }
}

extension WorkloadProfile {
  /// What of the workload no design runs and no feature describes, in a clause; nil for nothing.
  var unseenByModels: String? {
    if operation == .map { return "no run that a model was fitted on maps from a vCPU's task" }
    if operation == .mapCreate, memory.blockShare + memory.hugeBlockShare > 0 {
      return "no run that a model was fitted on maps blocks by many vCPUs"
    }
    if operation == .dirty { return "no run that a model was fitted on only dirties memory" }
    if network.reader == .free || (storage.queueDepth > 0 && storage.task == .free) {
      return "no run that a model was fitted on leaves its tasks to the scheduler"
    }
    guard network.direction == .send, network.flows > 0, network.offered > .zero else { return nil }
    return "no run that a model was fitted on sends its flows"
  }

  /// Whether a run of the workload under a policy yields a response.
  func has(_ response: Response, policy: Policy) -> Bool {
    let path = policy.path ?? teardownPath
    return switch response {
    case .teardownTime, .stageTwoTime: operation != .migration
    case .longestHold: operation != .map && (operation != .teardown || path != .processExit)
    case .writeProtectTotal, .writeProtectP99, .worstStall:
      operation == .logEnable || operation == .migration
    case .goodputRetained: (network.flows > 0 && network.offered > .zero) || network.datagrams > 0
    case .requestP99: network.requests > 0
    case .iopsRetained: storage.queueDepth > 0
    case .connectsFailed: network.connects > 0
    case .migrationTime, .downtime: operation == .migration
    }
  }
}
