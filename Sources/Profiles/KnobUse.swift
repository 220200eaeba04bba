// SPDX-License-Identifier: GPL-3.0-or-later

package import Policies
import Quantities

/// A knob that a policy turns and that changes nothing where it runs.
package struct IdleKnob: Hashable, Sendable, Codable {
  /// The knob as policies write it, such as `path=process-exit`.
  package let knob: String
  /// Why it changes nothing, in a clause.
  package let reason: String
}

extension PolicyKey {
  /// The operations that some value of the key changes anything in; `irq` and `napi` also need a
  /// network load.
  package var operations: [StageTwoOperation] {
    switch self {
    case .chunk, .controller, .breaks: [.teardown, .logEnable, .migration]
    case .tlbi: [.teardown, .mapCreate, .reclaim]
    case .split: [.logEnable, .migration, .dirty]
    case .log, .harvest, .clear: [.migration]
    case .path, .slice, .pause: [.teardown]
    case .irq, .napi: StageTwoOperation.allCases.filter(\.sharesItsCPU)
    }
  }

  /// Whether the key is about the queue of a network load.
  package var needsNetwork: Bool { self == .irq || self == .napi }

  /// The operations as messages list them.
  var operationList: String { operations.map(\.rawValue).joined(separator: ", ") }
}

extension StageTwoOperation {
  /// Whether the operation is run on a CPU beside the workload's network and storage; storms of
  /// faults of many vCPUs are run alone.
  package var sharesItsCPU: Bool {
    switch self {
    case .teardown, .logEnable, .migration, .map, .reclaim: true
    case .dirty, .populate, .mapCreate: false
    }
  }
}

extension NetworkLoad {
  /// Whether bulk flows offer anything.
  package var hasFlows: Bool { flows > 0 && offered > .zero }

  /// Whether anything comes over the network at all.
  package var isBusy: Bool { hasFlows || datagrams > 0 || requests > 0 || connects > 0 }
}

extension WorkloadProfile {
  /// Why no value of a knob changes anything in this workload, whatever the path, with what would
  /// read it; nil where some value does.
  package func idleReason(_ key: PolicyKey) -> String? {
    guard key.operations.contains(operation) else {
      return "the operation is \(operation.rawValue), and \(key.rawValue) is read by "
        + key.operationList
    }
    guard !key.needsNetwork || network.isBusy else {
      return "the workload has no network load; net.flows with net.offered, net.datagrams, "
        + "net.requests or net.connects gives it one"
    }
    return nil
  }

  /// The knobs that a policy turns away from another and that change nothing, each with the reason.
  package func idleKnobs(of policy: Policy, turnedFrom other: Policy) -> [IdleKnob] {
    policy.changes(from: other).compactMap { change in
      let reason = idleReason(change.key) ?? pathReason(change.key, policy)
      return reason.map { IdleKnob(knob: "\(change.key.rawValue)=\(change.to)", reason: $0) }
    }
  }

  /// Why a knob changes nothing on the path that a teardown takes under a policy.
  private func pathReason(_ key: PolicyKey, _ policy: Policy) -> String? {
    guard operation == .teardown else { return nil }
    let path = policy.path(over: teardownPath)
    switch key {
    case .chunk, .tlbi, .controller, .breaks:
      return path == .processExit ? "process-exit takes no mmu_lock and sends no TLBI" : nil
    case .slice:
      return path == .processExit || path == .memslotDelete
        ? "\(path.rawValue) is one call; munmap and madvise-slices read it" : nil
    case .pause:
      return policy.slice == nil ? "without slice= there is nothing to pause between" : nil
    default: return nil
    }
  }

  /// Refuses a policy that turns a knob away from another's where no value of it changes anything.
  package func refuseIdle(_ policy: Policy, turnedFrom other: Policy) throws(PolicyError) {
    for change in policy.changes(from: other) {
      guard let reason = idleReason(change.key) else { continue }
      throw .idle(key: change.key.rawValue, value: change.to, reason: reason)
    }
  }
}
