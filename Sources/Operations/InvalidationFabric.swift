// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
package import Profiles
import Quantities

/// Who shares the fabric that carries broadcast invalidations with the CPU that invalidates.
package struct FabricShare: Hashable, Sendable {
  /// CPUs that invalidate at the same time, the one in question included; at least 1.
  package var invalidators: Int
  /// CPUs on which the VM has run, at least 1.
  package var cpus: Int

  /// The only invalidator, of a VM that ran on one CPU, unless more is said.
  package init(invalidators: Int = 1, cpus: Int = 1) {
    precondition(invalidators > 0 && cpus > 0, "somebody invalidates, and the VM ran somewhere")
    self.invalidators = invalidators
    self.cpus = cpus
  }

  /// What an operation shares the fabric with: so many invalidators, else its neighbours, and the
  /// CPUs of the VM.
  package init(_ host: HostProfile, _ workload: WorkloadProfile, invalidators: Int? = nil) {
    self.init(
      invalidators: invalidators ?? workload.neighbours + 1,
      cpus: max(1, min(workload.memory.vcpus, host.cpus))
    )
  }
}

// A broadcast flush is issued by its CPU and then carried to all others, one flush at a time: the
// fabric is a queue with one server. Published times of up to 64 vCPUs that flush after every
// fault (JZ22) grow as such a queue does: hardly until it is full, then by the same time for each
// further CPU.
extension InvalidationCosts {
  /// How long one broadcast flush takes, in nanoseconds, that alone takes `flush`.
  ///
  /// `think` is what each invalidator does between two of its flushes, in nanoseconds. All
  /// invalidators are taken to be alike. Mean value analysis of a closed queue with fixed service
  /// times (the arriving flush meets the others' mean queue, the one in service half done), never
  /// faster than the fabric carries.
  package func flushTime(_ flush: Double, after think: Double, _ share: FabricShare) -> Double {
    let alone = flush * (1 + reach * Double(share.cpus - 1))
    let carried = alone * min(1, occupancy)
    guard share.invalidators > 1, carried > 0 else { return alone }
    let outside = think + alone - carried
    var residence = carried
    var (queue, load) = (0.0, 0.0)
    for others in 0..<share.invalidators {
      residence = carried * (1 + queue - load / 2)
      let rate = min(Double(others + 1) / (outside + residence), 1 / carried)
      residence = Double(others + 1) / rate - outside
      (queue, load) = (rate * residence, rate * carried)
    }
    return alone - carried + residence
  }

  /// By how much broadcast flushes get longer where others use the fabric, as a factor of at
  /// least 1.
  ///
  /// `invalidation` is what all `flushes` take alone and `walk` what the CPU does between them, in
  /// nanoseconds.
  package func stretch(
    walk: Double,
    invalidation: Double,
    flushes: Int64,
    _ share: FabricShare
  ) -> Double {
    guard flushes > 0, invalidation > 0 else { return 1 }
    let flush = invalidation / Double(flushes)
    return flushTime(flush, after: walk / Double(flushes), share) / flush
  }
}

/// What one write fault on a write-protected page costs its vCPU: the entry becomes writable and
/// the page is flushed.
package struct RelaxationCost: Hashable, Sendable {
  /// Exit, lookup and return, without the lock, in nanoseconds.
  package var outside: Double
  /// Work under mmu_lock, in nanoseconds.
  package var inside: Double
  /// The flush under mmu_lock, in nanoseconds, beside the other vCPUs' flushes.
  package var flush: Double
  /// Whether faults share mmu_lock; otherwise `inside` and `flush` are one vCPU's at a time.
  package var isShared: Bool

  /// All of it, in nanoseconds.
  package var whole: Double { outside + inside + flush }

  /// Prices a fault by the release's rule: before 5.18 under the exclusive lock, before 6.5 with a
  /// broadcast flush, later with a local one.
  ///
  /// `gap` is what each vCPU does between two faults, in nanoseconds. Under the exclusive lock nobody
  /// else invalidates, whatever `share` says.
  package init(
    on host: HostProfile,
    _ rules: ReleaseRules,
    sharesLock: Bool = true,
    _ share: FabricShare,
    gap: Double = 0
  ) {
    outside = host.fault.outsideLock.inNanoseconds
    inside = host.fault.insideLock.inNanoseconds
    isShared = sharesLock && rules.sharedFaults != .none
    guard !rules.relaxesLocally else {
      flush = host.tlbi.ipaFlushLocal.inNanoseconds
      return
    }
    var share = share
    if !isShared { share.invalidators = 1 }
    let alone = host.tlbi.ipaFlush.inNanoseconds
    flush = host.tlbi.flushTime(alone, after: outside + inside + gap, share)
  }
}
