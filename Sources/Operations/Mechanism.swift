// SPDX-License-Identifier: GPL-3.0-or-later

/// A mechanism of the model that a run can do without, to see what it does.
///
/// Where a policy or a profile already says how much there is of something (threaded NAPI, the
/// interrupt's CPU, competitors, a controller), nothing of it is the way to do without.
package enum Mechanism: String, Hashable, Sendable, CaseIterable {
  /// Packets interrupt the CPU; without, another CPU takes them.
  case interrupts
  /// Interrupts wait while a TLB primitive has them off; without, they come through.
  case maskedFlushes = "irq-off-flushes"
  /// Up to 6.4 a runnable ksoftirqd keeps softirqs from running; without, they run as from 6.5.
  case softirqRule = "softirq-rule"
  /// What a softirq run leaves wakes ksoftirqd; without, it waits for the next interrupt.
  case ksoftirqd = "ksoftirqd"
  /// The conditional break between two chunks.
  case breakPoints = "break-points"
  /// The adapter spaces its interrupts.
  case moderation
  /// The receive ring has an end.
  case ring
  /// The sender heeds the receive window.
  case window
  /// Ticks find expired timers, which raise a softirq.
  case timers
  /// The sender's retransmission timeout.
  case timeout = "retransmission-timeout"
  /// The sender's window shrinks after a loss.
  case congestion = "congestion-control"
  /// The tick ends a task's slice.
  case slices
  /// The host zaps and frees what was mapped.
  case hostFreeing = "host-freeing"
  /// Broadcast invalidations of all CPUs share a fabric that carries one at a time; without, each
  /// takes as long as alone.
  case fabric = "tlbi-fabric"
  /// Faults share mmu_lock (6.2 and later); without, each takes it for write.
  case sharedFaults = "shared-faults"
  /// Faults pass the cache lines of mmap_lock and mmu_lock one after another; without, at once.
  case lockLines = "lock-lines"
  /// A fault that met a notifier is taken again.
  case faultRetry = "fault-retry"
  /// A flush of the whole VMID costs the vCPUs their TLB.
  case refill = "tlb-refill"
}

/// Which mechanisms a run does without.
package struct MachineSwitches: Hashable, Sendable {
  /// What is switched off.
  package var off: Set<Mechanism> = []
  /// Whether ksoftirqd's being runnable keeps softirqs from running; nil is as the release does.
  package var skipsSoftirqs: Bool?

  /// Everything as on a real machine, but for these.
  package init(without off: some Sequence<Mechanism> = []) { self.off = Set(off) }

  /// Whether the run has a mechanism.
  package func has(_ mechanism: Mechanism) -> Bool { !off.contains(mechanism) }

  /// Whether the conditional break between chunks exists.
  package var breaks: Bool {
    get { has(.breakPoints) }
    set { if newValue { off.remove(.breakPoints) } else { off.insert(.breakPoints) } }
  }
}
