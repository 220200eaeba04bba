// SPDX-License-Identifier: GPL-3.0-or-later

public import PageTables
public import Quantities

/// The preemption model a kernel runs with.
public enum PreemptionModel: String, Hashable, Sendable, CaseIterable, Codable {
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
public struct KernelProfile: Hashable, Sendable {
  /// The profile's name, such as `6.1`.
  public var name: String
  /// The release whose rules apply.
  public var release: KernelRelease
  /// The preemption model.
  public var preemption: PreemptionModel
  /// Ticks per second: 100, 250, 300 or 1000.
  public var hz: Int

  /// Creates a kernel profile.
  public init(name: String, release: KernelRelease, preemption: PreemptionModel, hz: Int) {
    self.name = name
    self.release = release
    self.preemption = preemption
    self.hz = hz
  }

  /// The time between two ticks.
  public var jiffy: Nanoseconds { .seconds(1) / Int64(hz) }
}
