// SPDX-License-Identifier: GPL-3.0-or-later

import Operations
import PageTables
package import Policies
import Profiles
import Synchronization

/// The hazards of batching and deferral: a policy's rules walked against both models of the TLB.
///
/// The verdict is that of `HazardVerdict`, for every leaf size the granule has, whatever mix the
/// guest holds at the moment: a layout changes while a VM runs, a rule does not. A controller that
/// varies its chunk is judged at both ends. Verdicts are remembered by rule.
package final class RuleSafety: SafetyOracle {
  private struct Case: Hashable {
    let rules: StageTwoRules
    let granule: Granule
    let guestCanRun: Bool
  }

  private let known = Mutex<[Case: SafetyVerdict]>([:])

  /// Creates the oracle.
  package init() {}

  /// The verdict on a policy where it runs.
  package func verdict(_ question: Question, policy: Policy) -> SafetyVerdict {
    let setting = question.setting
    let path = policy.path(over: question.workload.teardownPath)
    let isExit = question.workload.operation == .teardown && path == .processExit
    var last = SafetyVerdict(isSafe: false, sentence: "")
    for chunk in Self.chunks(policy.canonical(in: setting)) {
      last = verdict(policy, chunk: chunk, setting, guestCanRun: !isExit)
      guard last.isSafe else { return last }
    }
    return last
  }

  /// The chunks that a walk may have: the rule's own, or the least and the most of a controller.
  private static func chunks(_ policy: Policy) -> [ChunkRule] {
    switch policy.controller {
    case .fixed: [policy.chunk]
    case .timeBudget(_, let stride): [.visits(stride), policy.chunk]
    case .feedback(let floor, _): [.fixed(floor), policy.chunk]
    }
  }

  private func verdict(
    _ policy: Policy,
    chunk: ChunkRule,
    _ setting: PolicySetting,
    guestCanRun: Bool
  ) -> SafetyVerdict {
    do throws(PageTableError) {
      let rules = try setting.rules(of: policy, chunk: chunk)
      let asked = Case(rules: rules, granule: setting.granule, guestCanRun: guestCanRun)
      if let found = known.withLock({ $0[asked] }) { return found }
      let judged = try HazardVerdict(rules, granule: setting.granule, guestCanRun: guestCanRun)
      let verdict = SafetyVerdict(isSafe: judged.isSafe, sentence: judged.sentence)
      known.withLock { $0[asked] = verdict }
      return verdict
    } catch {
      return SafetyVerdict(isSafe: false, sentence: "cannot be judged: \(error.description)")
    }
  }
}
