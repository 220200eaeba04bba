// SPDX-License-Identifier: GPL-3.0-or-later

import Operations
import PageTables
import Policies
import Profiles
import Quantities

extension Question {
  /// The paths that a teardown may take with everything else as it is, without the present one: what
  /// an answer shows of them stands in the same race.
  func plainPaths(_ safety: any SafetyOracle) -> [Policy] {
    guard setup.workload.operation == .teardown, mayTurn(.path) else { return [] }
    let present = presentPolicy
    return vmm.paths(present: setup.workload.teardownPath).compactMap { plainPath($0, safety) }
      .filter { $0 != present }
  }

  /// The present policy on another path, where that is possible and safe.
  func plainPath(_ path: TeardownPath, _ safety: any SafetyOracle) -> Policy? {
    var policy = presentPolicy
    policy.path = path
    if path == .madviseSlices, policy.slice == nil { policy.slice = .mebibytes(64) }
    policy = policy.canonical(in: setting)
    guard (try? policy.validate(in: setting)) != nil,
      safety.verdict(self, policy: policy).isSafe
    else { return nil }
    return policy
  }
}
