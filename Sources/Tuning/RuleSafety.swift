// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
public import Policies
import Profiles
import Quantities

/// The hazards of batching and deferral, judged from a policy's rules.
///
/// The numbers are those of the project's list of hazards: 1 conditional flush with a chunk below
/// the leaf, 3 tables freed before their walk-cache entry is gone, 6 range operands at their
/// limit, 8 deferral without forced write-back. The strict model of the TLB is assumed, in which
/// an entry dies only where a flush covers it.
public struct RuleSafety: SafetyOracle {
  /// Creates the oracle.
  public init() {}

  /// The verdict on a policy where it runs.
  public func verdict(_ question: Question, policy: Policy) -> SafetyVerdict {
    let path = policy.path ?? question.workload.teardownPath
    if question.workload.operation == .teardown, path == .processExit {
      return safe("the tree is unlinked and no vCPU runs it, so no invalidation is needed")
    }
    switch policy.flush {
    case .none: return unsafe("nothing is invalidated while vCPUs may still run")
    case .deferredIfCleared(.call): return conditional(question, policy)
    case .deferredRange, .deferredIfCleared(.clearedLeaves): return deferred(question, policy)
    case .perLeaf, .vmidAbove:
      return safe("every cleared leaf is invalidated before its page is given back")
    }
  }

  private func safe(_ sentence: String) -> SafetyVerdict {
    SafetyVerdict(isSafe: true, sentence: sentence)
  }

  private func unsafe(_ sentence: String) -> SafetyVerdict {
    SafetyVerdict(isSafe: false, sentence: sentence)
  }

  /// A flush of the call's range, only if something was cleared: safe only if no leaf can reach
  /// beyond the call.
  private func conditional(_ question: Question, _ policy: Policy) -> SafetyVerdict {
    let setting = question.setting
    let memory = question.workload.memory
    let granule = setting.granule
    let largest =
      memory.hugeBlockShare > 0
      ? granule.largestBlock : memory.blockShare > 0 ? granule.smallestBlock : granule.page
    let chunk = setting.size(of: policy.chunk) ?? granule.page
    let call = min(chunk, policy.slice ?? chunk)
    if case .mappingAware = policy.chunk { return deferred(question, policy) }
    guard call >= largest, policy.controller == .fixed else {
      return unsafe(
        "hazard 1: a call of \(call) clears a leaf of \(largest) whole, flushes only its own range, "
          + "and the next calls find nothing to flush"
      )
    }
    return deferred(question, policy)
  }

  private func deferred(_ question: Question, _ policy: Policy) -> SafetyVerdict {
    let setting = question.setting
    guard setting.features.forcedWriteBack else {
      return unsafe("hazard 8: without FWB the cache is cleaned before the deferred invalidation")
    }
    let release = setting.release
    let isBroken =
      release >= KernelRelease(major: 6, minor: 6) && release < KernelRelease(major: 6, minor: 9)
    let limit = setting.granule.page * (1 << 21)
    if isBroken, let chunk = setting.size(of: policy.chunk), chunk >= limit {
      return unsafe("hazard 6: Linux \(release) corrupts a range flush of exactly 2^21 pages")
    }
    if isBroken {
      return safe(
        "no stale leaf; Linux \(release) itself frees tables before their flush (hazard 3), fixed in "
          + "6.9 and 6.6.47"
      )
    }
    return safe("one flush covers every leaf that the call cleared, before the lock is dropped")
  }
}
