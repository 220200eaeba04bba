// SPDX-License-Identifier: GPL-3.0-or-later

/// The state at a break point between two chunks, and whether the lock is really dropped there.
///
/// `cond_resched_rwlock_write` yields for a reschedule only with exactly one lock held, and for
/// contention only on a kernel that counts as preemptible. A lazy request does not count until the
/// tick has made it a real one.
public struct LockBreak: Hashable, Sendable {
  /// A reschedule is due.
  public var needsReschedule: Bool
  /// A reschedule is due by PREEMPT_LAZY, not yet promoted by a tick.
  public var needsLazyReschedule: Bool
  /// Somebody waits for the lock.
  public var isContended: Bool
  /// Whether the kernel counts as preemptible (`ReleaseRules.contentionBreak` says how that is
  /// decided).
  public var isPreemptible: Bool
  /// Locks held by the task, this one included.
  public var locksHeld: Int

  /// Creates a state; everything is quiet unless named.
  public init(
    needsReschedule: Bool = false,
    needsLazyReschedule: Bool = false,
    isContended: Bool = false,
    isPreemptible: Bool = false,
    locksHeld: Int = 1
  ) {
    self.needsReschedule = needsReschedule
    self.needsLazyReschedule = needsLazyReschedule
    self.isContended = isContended
    self.isPreemptible = isPreemptible
    self.locksHeld = locksHeld
  }

  /// Whether the lock is dropped.
  public var fires: Bool {
    (needsReschedule && locksHeld == 1) || (isContended && isPreemptible)
  }
}
