// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
package import Quantities

/// What ends a chunk early, on top of the chunk rule: state that the controller keeps in a run.
package enum ChunkController: Hashable, Sendable {
  /// Nothing: the chunk rule alone decides.
  case fixed
  /// A chunk ends once the lock has been held this long (checked every `stride` entries).
  case timeBudget(Nanoseconds, stride: Int)
  /// Chunks start at the rule's size, halve when a reschedule or a softirq was pending at a
  /// chunk's end and double after `patience` quiet chunks, between `floor` and the rule's size.
  case feedback(floor: ByteCount, patience: Int)
}

/// Who frees the guest's memory, and through which kernel path.
package enum TeardownPath: String, Hashable, Sendable, CaseIterable, Codable {
  /// The VMM exits: destroy without lock and without TLBI, then the host frees the pages.
  case processExit = "process-exit"
  /// The memory slot is deleted by ioctl: unmap under the lock.
  case memslotDelete = "memslot-delete"
  /// One munmap over the memory: notifier unmap under the lock, then the host frees the pages.
  case munmap
  /// MADV_DONTNEED in slices: one notifier unmap and one freeing a slice.
  case madviseSlices = "madvise-slices"
}

/// Where the network queue's interrupt is handled.
package enum InterruptPlacement: String, Hashable, Sendable, CaseIterable, Codable {
  /// On the CPU that walks.
  case sameCPU = "same"
  /// Moved to another CPU (IRQ affinity).
  case moved
}

/// How dirty logging begins.
package enum LogStart: String, Hashable, Sendable, CaseIterable, Codable {
  /// All bits set and nothing protected (KVM_DIRTY_LOG_INITIALLY_SET): CLEAR protects piece by piece.
  case allSet = "all-set"
  /// The whole slot is write-protected at once when logging is switched on.
  case protect
  /// The slot is logged since the guest began: nothing is left to do, and every page has a mapping of
  /// its own. What that has cost the guest until then is no part of the operation.
  case boot
}

/// How the VMM learns which pages are dirty, and what protects them again.
package enum Harvest: Hashable, Sendable {
  /// KVM_GET_DIRTY_LOG copies the bitmap and KVM_CLEAR_DIRTY_LOG protects range by range, which
  /// KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 allows.
  case clear
  /// KVM_GET_DIRTY_LOG alone, which protects everything dirty of the slot under one hold.
  case get
  /// A ring of so many entries a vCPU (KVM_CAP_DIRTY_LOG_RING_ACQ_REL); its reset protects entry by
  /// entry, each under a hold of its own.
  case ring(entries: Int)

  /// The entries of a vCPU's ring; nil without rings.
  package var ringEntries: Int64? {
    if case .ring(let entries) = self { Int64(entries) } else { nil }
  }
}

/// Everything one may decide about batching on a host: kernel rules, controller and VMM knobs.
///
/// A value of nil leaves that decision to the workload or the kernel. Two policies that behave
/// the same have one canonical form.
package struct Policy: Hashable, Sendable {
  /// How far one walker call may go.
  package var chunk: ChunkRule
  /// When invalidation is issued.
  package var flush: FlushRule
  /// What ends a chunk early.
  package var controller: ChunkController = .fixed
  /// Whether the lock may be yielded between chunks at all.
  package var breaks = true
  /// The eager-split chunk (KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE); zero is off.
  package var eagerSplit: ByteCount = .zero
  /// How dirty logging begins, where it differs from the workload's.
  package var logStart: LogStart?
  /// How dirty pages are found and protected again.
  package var harvest: Harvest = .clear
  /// The range of one KVM_CLEAR_DIRTY_LOG; nil is the whole slot.
  package var clearRange: ByteCount?
  /// The teardown path, where it differs from the workload's.
  package var path: TeardownPath?
  /// The slice of a madvise or munmap teardown; nil is one call.
  package var slice: ByteCount?
  /// The pause the VMM makes between slices; zero is sched_yield.
  package var pause: Nanoseconds = .zero
  /// Where the network interrupt goes.
  package var interrupt: InterruptPlacement = .sameCPU
  /// Whether NAPI polls in a kernel thread.
  package var threadedNAPI = false

  /// Creates a policy from its two kernel rules; everything else is as on a stock host.
  package init(chunk: ChunkRule, flush: FlushRule) {
    self.chunk = chunk
    self.flush = flush
  }
}
