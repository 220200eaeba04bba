// SPDX-License-Identifier: GPL-3.0-or-later

import Synchronization

/// Fluid estimates that the features of many policies share.
///
/// An estimate depends on the CPU and on the priced steps of the plan, and on nothing else: policies
/// that price alike, such as flush thresholds that no chunk reaches, need one together.
package final class SharedFluids: Sendable {
  private struct Asked: Hashable {
    let groups: [FluidGroup]
    let cpu: SharedCPU
  }

  private let known = Mutex<[Asked: FluidEstimate]>([:])

  /// Creates a store without estimates.
  package init() {}

  func estimate(_ groups: [FluidGroup], on cpu: SharedCPU) -> FluidEstimate {
    let asked = Asked(groups: groups, cpu: cpu)
    if let found = known.withLock({ $0[asked] }) { return found }
    let estimate = FluidEstimate(groups, on: cpu)
    known.withLock { $0[asked] = estimate }
    return estimate
  }
}
