// SPDX-License-Identifier: GPL-3.0-or-later

package import Profiles
package import Quantities
package import Randomness

/// Many vCPUs that touch the same pages for the first time, half reading and half writing.
///
/// A page that a reader met first is the zero page; a writer must copy it, and every writer that
/// has found the zero page before the copy was installed calls the notifier, which unmaps the
/// page under mmu_lock for write, whether or not anything is mapped any more. So a page costs
/// between no and as many notifier calls as there are writers; how many follows from how the
/// vCPUs race, which is simulated. Faults that come to the map step while a notifier runs, or
/// after one has run since they began, are taken again: the check is blind to ranges.
package struct FaultStorm: Sendable {
  /// vCPUs, at most `vcpuLimit`.
  package var vcpus: Int
  /// Pages that are touched, one after the other, by every vCPU.
  package var pages: Int
  /// What a fault costs outside and inside the lock, and what a retry and an allocation cost.
  package var costs: FaultCosts
  /// The notifier's hold when it clears a valid entry, invalidation included.
  package var clearing: Nanoseconds
  /// The notifier's hold when it finds nothing, invalidation included if there is one.
  package var finding: Nanoseconds
  /// Whether faults take the lock for read (6.2 and later).
  package var sharesLock: Bool
  /// Whether a fault that met a notifier is taken again.
  package var retriesFaults = true
  /// What cleaning a mapped block to the point of coherency takes under the lock; zero with FWB,
  /// and for pages, where it is part of the time inside the lock.
  package var cleaning = Nanoseconds.zero
  /// Whether faults clean a leaf that another has mapped before them (up to 5.13).
  package var cleansDuplicates = false
  /// The host's first fault on a huge page, others waiting; nil where pages are the zero page first.
  package var population: Nanoseconds?
  /// The share of the vCPUs that write; the others only read.
  package var writers: Ratio
  /// The root of all chance: when each vCPU starts.
  package var seed: Seed

  /// vCPUs that one storm holds at most.
  package static let vcpuLimit = 1_024

  /// Creates a storm in which every second vCPU writes.
  package init(vcpus: Int, pages: Int, costs: FaultCosts, seed: Seed) {
    precondition((1...Self.vcpuLimit).contains(vcpus) && pages > 0, "a storm has vCPUs and pages")
    self.vcpus = vcpus
    self.pages = pages
    self.costs = costs
    clearing = .zero
    finding = .zero
    sharesLock = true
    writers = Ratio(1, over: 2)
    self.seed = seed
  }
}
