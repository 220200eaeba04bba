// SPDX-License-Identifier: GPL-3.0-or-later

package import CostModels
import Estimates
package import Observations
import Operations
import PageTables
package import Policies
import Profiles
import Quantities
import Synchronization

/// A fitted cost model as what predicts policies.
///
/// Page tables are counted once for each set of rules that walks them differently, so features of
/// thousands of policies cost little.
package final class ModelPredictor: PolicyPredictor {
  private let model: CostModel
  private let walks = SharedWalks()
  private let fluids = SharedFluids()
  private let estimates = Mutex<[Asked: [ResponseEstimate]]>([:])
  private let known = Mutex<[Setup: Known]>([:])

  /// What is known of a setup, by policy; plans by the policy that they depend on.
  private final class Known: Sendable {
    let plans = Mutex<[Policy: GatheredPlan]>([:])
    let predictions = Mutex<[Policy: [Response: PredictedValue]]>([:])
  }

  /// What an estimate depends on: the features, and which of the model's responses are wanted.
  private struct Asked: Hashable {
    let features: FeatureVector
    let isWanted: [Bool]
  }

  /// Creates the predictor from a fitted model.
  package init(model: CostModel) { self.model = model }

  /// The model's name and the digest of the runs it was fitted on.
  package var identity: String {
    "\(model.origin.name) \(model.origin.date), runs \(model.origin.runsDigest)"
  }

  /// The predicted responses that the workload has; intervals cover nine runs in ten.
  package func predictions(
    _ question: Question,
    policy: Policy
  ) throws(TuningError) -> [Response: PredictedValue] {
    let known = known(question.setup)
    if let found = known.predictions.withLock({ $0[policy] }) { return found }
    let features = try features(BatchedOperation(question.setup, policy), known)
    var found: [Response: PredictedValue] = [:]
    let unseen = question.workload.unseenByModels ?? policy.unseenByModels
    let isWanted = model.models.map { question.workload.isModelled($0.response, policy: policy) }
    let estimates = estimates(Asked(features: features, isWanted: isWanted))
    // One judgement for all responses: a run that is like none is so in all that is measured of it.
    let order: [Validity.Place] = [.inside, .edge, .extrapolating]
    let worst = estimates.map(\.validity).max { left, right in
      (order.firstIndex(of: left.place) ?? 0) < (order.firstIndex(of: right.place) ?? 0)
    }
    for estimate in estimates {
      found[estimate.response] = PredictedValue(
        value: estimate.value,
        low: estimate.low,
        high: estimate.high,
        place: unseen == nil ? worst?.place ?? .inside : .extrapolating,
        reason: unseen ?? worst.flatMap { $0.reason == nil ? nil : $0.description }
      )
    }
    known.predictions.withLock { $0[policy] = found }
    return found
  }

  /// The estimates of a feature vector, which many policies may have.
  private func estimates(_ asked: Asked) -> [ResponseEstimate] {
    if let found = estimates.withLock({ $0[asked] }) { return found }
    let found = model.predict(asked.features, level: 0.9, only: asked.isWanted)
    estimates.withLock { $0[asked] = found }
    return found
  }

  private func known(_ setup: Setup) -> Known {
    known.withLock { known in
      if let found = known[setup] { return found }
      let fresh = Known()
      known[setup] = fresh
      return fresh
    }
  }

  /// Every prediction that the workload has, taken apart.
  package func explanations(
    _ question: Question,
    policy: Policy
  ) throws(TuningError) -> [Explanation] {
    let operation = BatchedOperation(question.setup, policy)
    let features = try features(operation, known(question.setup))
    return model.models.filter { question.workload.isModelled($0.response, policy: policy) }
      .map { $0.explain(features) }
  }

  private func features(
    _ operation: BatchedOperation,
    _ known: Known
  ) throws(TuningError) -> FeatureVector {
    FeatureVector(of: operation, plan: try plan(operation, known), sharing: fluids)
  }

  private func plan(
    _ operation: BatchedOperation,
    _ known: Known
  ) throws(TuningError) -> GatheredPlan {
    let key = operation.planned.policy
    if let found = known.plans.withLock({ $0[key] }) { return found }
    do {
      var plan = try operation.gatheredPlan(sharing: walks)
      // No feature depends on the order of chunks.
      plan.sequence = plan.sequence.gathered
      known.plans.withLock { $0[key] = plan }
      return plan
    } catch {
      throw .prediction(error.description)
    }
  }
}

extension Policy {
  /// What of the policy no design draws and no feature describes, in a clause; nil for nothing.
  var unseenByModels: String? {
    if harvest != .clear { return "no run that a model was fitted on harvests by GET or by a ring" }
    guard logStart == .boot else { return nil }
    return "no run that a model was fitted on logs since the guest's start"
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
    if operation == .populate { return "no run that a model was fitted on only populates memory" }
    if network.reader == .unpinned || (storage.queueDepth > 0 && storage.task == .unpinned) {
      return "no run that a model was fitted on leaves its tasks to the scheduler"
    }
    guard network.direction == .send, network.flows > 0, network.offered > .zero else { return nil }
    return "no run that a model was fitted on sends its flows"
  }

  /// Whether a run of the workload under a policy yields a response.
  func has(_ response: Response, policy: Policy) -> Bool {
    let path = policy.path(over: teardownPath)
    return switch response {
    case .teardownTime, .stageTwoTime: operation != .migration
    case .longestHold: operation != .map && (operation != .teardown || path != .processExit)
    case .writeProtectTotal, .writeProtectP99: operation == .logEnable || operation == .migration
    case .worstStall: [.logEnable, .migration, .reclaim].contains(operation)
    case .goodputRetained: (network.flows > 0 && network.offered > .zero) || network.datagrams > 0
    case .requestP99: network.requests > 0
    case .iopsRetained: storage.queueDepth > 0
    case .connectsFailed: network.connects > 0
    case .migrationTime, .downtime: operation == .migration
    case .guestLost: operation == .migration || operation == .reclaim
    }
  }

  /// The same where a feature says what the response follows from: none says what unmaps cost a
  /// guest that runs, so runs alone do.
  func isModelled(_ response: Response, policy: Policy) -> Bool {
    has(response, policy: policy) && !(operation == .reclaim && response.isOfGuest)
  }
}
