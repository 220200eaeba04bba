// SPDX-License-Identifier: GPL-3.0-or-later

package import Quantities
package import Randomness

/// vCPUs that write, one after the other, the pages of their own parts of a write-protected memory.
///
/// Every write is a fault: it leaves the guest, takes mmu_lock for read or for write, makes the
/// entry writable and flushes the page. A broadcast flush is issued by its CPU and then waits for
/// its turn on the fabric, which carries one at a time.
package struct DirtyStorm: Sendable {
  /// vCPUs, at most `FaultStorm.vcpuLimit`.
  package var vcpus: Int
  /// Pages that each of them writes.
  package var pages: Int
  /// A fault's time outside the lock; each fault's lies up to half above or below (assumed).
  package var outside: Nanoseconds
  /// A fault's time under the lock, before the flush.
  package var inside: Nanoseconds
  /// The part of the flush in which nobody else is kept from flushing.
  package var issue: Nanoseconds
  /// The part of the flush that occupies the fabric; zero where the flush is local.
  package var carried = Nanoseconds.zero
  /// Whether faults take the lock for read (page write permission from 5.18, all from 6.2).
  package var sharesLock = true
  /// The root of all chance.
  package var seed: Seed

  /// Creates a storm whose faults share the lock and flush locally.
  package init(
    vcpus: Int,
    pages: Int,
    outside: Nanoseconds,
    inside: Nanoseconds,
    flush: Nanoseconds,
    seed: Seed
  ) {
    precondition(
      (1...FaultStorm.vcpuLimit).contains(vcpus) && pages > 0,
      "a storm has vCPUs and pages"
    )
    self.vcpus = vcpus
    self.pages = pages
    self.outside = outside
    self.inside = inside
    issue = flush
    self.seed = seed
  }
}
