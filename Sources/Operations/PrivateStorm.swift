// SPDX-License-Identifier: GPL-3.0-or-later

package import Quantities
package import Randomness

/// vCPUs that access, one after the other, the pages of their own parts of the memory.
///
/// What an access costs follows from what stage 2 holds there: nothing, a write-protected page, or a
/// write-protected block, which the first write splits while logging is on. A fault leaves the guest,
/// passes the cache lines of mmap_lock and mmu_lock, takes mmu_lock for read or for write, changes the
/// entry and flushes where it has to. A broadcast flush is issued by its CPU and then waits for its
/// turn on the fabric, which carries one at a time.
package struct PrivateStorm: Sendable {
  /// What one kind of fault takes.
  package struct Fault: Hashable, Sendable {
    /// Time outside the lock, the lines' transfers included; each fault's lies up to half above or
    /// below (assumed).
    package var outside = Nanoseconds.zero
    /// Transfers of the locks' cache lines, one fault after another; zero with one vCPU.
    package var line = Nanoseconds.zero
    /// Clearing memory for the host's first fault, one clear after another; zero with one vCPU.
    package var clearing = Nanoseconds.zero
    /// Time under the lock, before the flush.
    package var inside = Nanoseconds.zero
    /// The part of the flush in which nobody else is kept from flushing.
    package var issue = Nanoseconds.zero
    /// The part of the flush that occupies the fabric; zero where the flush is local or none.
    package var carried = Nanoseconds.zero
    /// Whether the fault takes the lock for read (page write permission from 5.18, all from 6.2).
    package var sharesLock = true

    /// A fault that takes no time.
    package init() {}
  }

  /// What stage 2 holds before the first access.
  package enum Memory: Hashable, Sendable {
    /// Nothing.
    case empty
    /// Write-protected leaves of the size that logging follows.
    case pages
    /// Write-protected blocks of so many pages.
    case blocks(pages: Int)
  }

  /// vCPUs, at most `FaultStorm.vcpuLimit`.
  package var vcpus: Int
  /// Pages (or, where nothing is mapped, leaves) that each of them accesses.
  package var accesses: Int
  /// What stage 2 holds before.
  package var memory: Memory
  /// The share of the accesses that write.
  package var writes = 1.0
  /// An access that meets no fault: a miss in the caches, overlapped with others (assumed).
  package var hit = Nanoseconds.nanoseconds(20)
  /// A write to a protected page.
  package var relax = Fault()
  /// The first write to a protected block: the block is broken and a table with one page takes its
  /// place.
  package var split = Fault()
  /// An access to what is not mapped.
  package var map = Fault()
  /// The root of all chance.
  package var seed: Seed

  /// Creates a storm in which every access writes and no fault takes time.
  package init(vcpus: Int, accesses: Int, memory: Memory, seed: Seed) {
    precondition(
      (1...FaultStorm.vcpuLimit).contains(vcpus) && accesses > 0,
      "a storm has vCPUs and accesses"
    )
    self.vcpus = vcpus
    self.accesses = accesses
    self.memory = memory
    self.seed = seed
  }
}
