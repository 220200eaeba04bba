// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
package import Quantities

/// The preemption model a kernel runs with.
package enum PreemptionModel: String, Hashable, Sendable, CaseIterable, Codable {
  /// PREEMPT_NONE: tasks yield in the kernel only at cond_resched.
  case none
  /// PREEMPT_VOLUNTARY: as NONE, with more yield points.
  case voluntary
  /// PREEMPT (full): preemptible wherever no lock is held.
  case full
  /// PREEMPT_LAZY: as full, but fair wakeups wait for the next tick.
  case lazy
}

/// A kernel: its release, how it preempts and how often it ticks.
package struct KernelProfile: Hashable, Sendable {
  /// The profile's name, such as `6.1`.
  package var name: String
  /// The release whose rules apply.
  package var release: KernelRelease
  /// The preemption model.
  package var preemption: PreemptionModel
  /// Ticks per second: 100, 250, 300 or 1000.
  package var hz: Int
  /// Whether the kernel is built with PREEMPT_DYNAMIC, so that its model is chosen at boot.
  package var isDynamic = false

  /// Creates a kernel profile.
  package init(name: String, release: KernelRelease, preemption: PreemptionModel, hz: Int) {
    self.name = name
    self.release = release
    self.preemption = preemption
    self.hz = hz
  }

  /// The time between two ticks.
  package var jiffy: Nanoseconds { .seconds(1) / Int64(hz) }
}
