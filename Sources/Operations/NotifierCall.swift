// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

import PageTables
import Profiles
package import Quantities

/// What a notifier call does to the guest that runs meanwhile; it stands on the step with which the
/// call ends.
package struct NotifierCall: Hashable, Sendable {
  /// Work of the step after the call's second end: freeing, and the way out.
  package var tail: Nanoseconds
  /// Faults that follow, on the mean, when vCPUs touch again what the call unmapped.
  package var faults: Double
  /// One of these faults from the exit to mmu_lock.
  package var outside: Nanoseconds
  /// What the host adds to that at the first attempt: the page is allocated and cleared.
  package var population: Nanoseconds
  /// The same under mmu_lock.
  package var inside: Nanoseconds
}

/// A guest that runs while the host unmaps its memory.
///
/// Between the two ends of a notifier call every fault of the guest is turned back, whatever it is
/// for (arm64 asks `mmu_invalidate_retry`, which knows no range): the vCPU re-enters the guest and
/// faults again. So is a fault during which a call has ended.
package struct RunningGuest: Hashable, Sendable {
  /// vCPUs, at least one, all of which run.
  package var vcpus: Int
  /// From turning a fault back to the next exit.
  package var retry: Nanoseconds
  /// Whether faults share mmu_lock (6.2 and later).
  package var sharesLock: Bool
  /// Whether faults are turned back at all.
  package var turnsBack: Bool
  /// What a vCPU pays to fill a TLB that lost all entries of the VMID; zero for nothing.
  package var refill: UnitCost

  /// The time a vCPU runs until it has used again all the entries that a flush took (assumed: a
  /// thousand entries, one in 100 ns).
  package static let reuse = Nanoseconds.microseconds(100)

  /// The mean time after which a page that will be touched again is touched (assumed).
  ///
  /// It spreads the faults of a block over more than the next call, and changes no number of them.
  package static let delay = Nanoseconds.milliseconds(1)

  /// The share of a vCPU's time that refills take where a flush comes every `gap`, 0 to 1.
  ///
  /// Every flush of an address or a range drops the VMID's combined entries as well (VMALLE1IS after
  /// IPAS2E1IS). Of these, the share 1 - exp(-t / reuse) is wanted again within t.
  package func refilling(every gap: Nanoseconds) -> Double {
    let (gap, reuse) = (max(1, Double(gap.rawValue)), Double(Self.reuse.rawValue))
    let extra = refill.inNanoseconds * (1 - exp(-gap / reuse)) / gap
    return extra / (1 + extra)
  }
}

extension BatchedOperation {
  /// The guest that runs while the operation unmaps its memory; nil where none does.
  package func runningGuest() throws(OperationError) -> RunningGuest? {
    guard setup.workload.operation == .reclaim else { return nil }
    return RunningGuest(
      vcpus: max(1, setup.workload.memory.vcpus),
      retry: setup.host.fault.retry * 1,
      sharesLock: try rules().release.sharedFaults == .all && switches.has(.sharedFaults),
      turnsBack: switches.has(.faultRetry),
      refill: switches.has(.refill) ? setup.host.tlbi.vmidRefill : .zero
    )
  }

  /// What a notifier call over leaves of a level means to the guest.
  ///
  /// - Parameters:
  ///   - freeing: The host's freeing that follows the call in the same step.
  ///   - lost: Pages or blocks that then fault.
  ///   - level: The level that a fault maps again: 3 where the host has only pages any more.
  /// - Returns: The call as the guest sees it.
  func notifierCall(freeing: Nanoseconds, lost: Double, level: Int) -> NotifierCall {
    let costs = setup.host.fault
    let leaf = setup.host.granule.entrySize(level: level)
    let allocation =
      level == 3 ? costs.pageAllocation * 1 : costs.hugeMebibyte * (leaf.rawValue >> 20)
    // Half of a call's own cost is the way out (assumed).
    return NotifierCall(
      tail: freeing + setup.host.hostFree.call * 1 / 2,
      faults: lost * setup.workload.unmap.touchedAgain,
      outside: costs.outsideLock * 1,
      population: setup.workload.unmap.givesBack ? allocation : .zero,
      inside: costs.insideLock * 1 + cleaning(of: leaf)
    )
  }
}
