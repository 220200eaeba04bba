// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Policies
import Profiles
import Quantities
import Tuning

/// Which policies may leave a stale translation, by the rules of the walker and the flush.
struct HazardRules: SafetyOracle {
  func verdict(_ question: Question, policy: Policy) -> SafetyVerdict {
    let setting = question.setting
    let isDestroy = (policy.path ?? question.workload.teardownPath) == .processExit
    if question.workload.operation == .teardown, isDestroy {
      return SafetyVerdict(
        isSafe: true,
        sentence: "no invalidation is needed: the tables are unlinked and no vCPU can run again"
      )
    }
    switch policy.flush {
    case .none:
      return SafetyVerdict(
        isSafe: false,
        sentence: "without invalidation the freed pages stay translatable while a vCPU may run "
          + "(hazard 9: a notifier may return only after all flushes)"
      )
    case .deferredRange, .deferredIfCleared:
      guard setting.features.forcedWriteBack else {
        return SafetyVerdict(
          isSafe: false,
          sentence: "deferred invalidation without FWB cleans the cache before the invalidation "
            + "is complete (hazard 8)"
        )
      }
    case .perLeaf, .vmidAbove: break
    }
    let size = setting.size(of: policy.canonical(in: setting).chunk)
    let cutsBlocks = size.map { $0 < setting.granule.largestBlock } ?? true
    if policy.flush == .deferredIfCleared(.call), cutsBlocks {
      return SafetyVerdict(
        isSafe: false,
        sentence:
          "a flush of the call's range, only if something was cleared, leaves the rest of a "
          + "block translatable that a smaller chunk cleared whole (hazard 1); if-cleared-span is safe"
      )
    }
    return SafetyVerdict(
      isSafe: true,
      sentence: "every cleared leaf is invalidated before the lock is dropped"
    )
  }
}
