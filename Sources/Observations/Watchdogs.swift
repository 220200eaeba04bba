// SPDX-License-Identifier: GPL-3.0-or-later

package import Quantities

/// What the kernel's own watchdogs would have seen of an operation, and what they would have logged.
///
/// Limits are the kernel's defaults: twice `watchdog_thresh` of 10 s for a soft lockup, 21 s
/// (CONFIG_RCU_CPU_STALL_TIMEOUT) for an RCU stall, 120 s (CONFIG_DEFAULT_HUNG_TASK_TIMEOUT) for a task
/// that sleeps uninterruptibly.
package struct Watchdogs: Hashable, Sendable, Codable {
  /// The longest time in which the walking CPU could not be given to another task.
  ///
  /// There was neither a break point nor, where the kernel preempts, code without a lock; RCU had no
  /// quiescent state as long.
  package var withoutReschedule = Nanoseconds.zero
  /// How long another ioctl of the VM sleeps for slots_lock; zero where the operation does not hold it.
  package var slotsLock = Nanoseconds.zero

  /// An operation that keeps nobody waiting.
  package init() {}

  enum CodingKeys: String, CodingKey {
    case withoutReschedule = "longest_without_reschedule_ns"
    case slotsLock = "slots_lock_held_ns"
  }

  /// A line of the kernel's log.
  package enum Warning: String, Hashable, Sendable, Codable, CaseIterable {
    /// watchdog: BUG: soft lockup - CPU stuck.
    case softLockup = "soft-lockup"
    /// rcu: INFO: self-detected stall on CPU.
    case stalledRCU = "rcu-stall"
    /// INFO: task blocked for more than 120 seconds.
    case hungTask = "hung-task"

    /// How long the watchdog waits.
    package var limit: Nanoseconds {
      switch self {
      case .softLockup: .seconds(20)
      case .stalledRCU: .seconds(21)
      case .hungTask: .seconds(120)
      }
    }
  }

  /// What would have been logged.
  package var warnings: [Warning] {
    Warning.allCases.filter { time($0) > $0.limit }
  }

  /// The time that a watchdog compares with its limit.
  package func time(_ warning: Warning) -> Nanoseconds {
    switch warning {
    case .softLockup, .stalledRCU: withoutReschedule
    case .hungTask: slotsLock
    }
  }
}
