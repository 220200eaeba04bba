// SPDX-License-Identifier: GPL-3.0-or-later

package import Quantities

/// Whether one can turn a knob on an unpatched kernel.
package enum KnobClass: String, Hashable, Sendable, CaseIterable, Codable {
  /// From user space, with no kernel patch.
  case today
  /// Only with a change to the kernel.
  case kernel
}

/// The keys of a policy's text, in the order in which they are printed.
package enum PolicyKey: String, Hashable, Sendable, CaseIterable {
  /// How far one walker call may go.
  case chunk
  /// When invalidation is issued.
  case tlbi
  /// What ends a chunk early.
  case controller
  /// Whether the lock may be yielded between chunks.
  case breaks
  /// The eager-split chunk.
  case split
  /// How dirty logging begins.
  case log
  /// How dirty pages are found and protected again.
  case harvest
  /// The range of one CLEAR ioctl.
  case clear
  /// The teardown path.
  case path
  /// The slice of a teardown by the VMM.
  case slice
  /// The pause between two slices.
  case pause
  /// Where the network interrupt goes.
  case irq
  /// Where NAPI polls.
  case napi

  /// Whether the knob needs a kernel change.
  package var knobClass: KnobClass {
    switch self {
    case .chunk, .tlbi, .controller, .breaks: .kernel
    case .split, .log, .harvest, .clear, .path, .slice, .pause, .irq, .napi: .today
    }
  }

  /// What may stand after the key, for messages and help.
  package var legal: String {
    switch self {
    case .chunk:
      "root-entry, largest-block, smallest-block, a size such as 2MiB, mapping-aware:2MiB "
        + "or visits:512 (sizes are a power of two, \(text(Self.sizes)); visits \(text(Self.visits)))"
    case .tlbi:
      "per-leaf, deferred, if-cleared, if-cleared-span, vmid:512 (\(text(Self.leaves)) leaves) or none"
    case .controller:
      "fixed, time:500us/64 (budget/stride: \(text(Self.budgets)), \(text(Self.strides))) or "
        + "feedback:64KiB/4 (floor/patience: a power of two, \(text(Self.patience)))"
    case .breaks: "yes or no"
    case .split: "off or a block size such as 2MiB"
    case .log: LogStart.allCases.map(\.rawValue).joined(separator: ", ")
    case .harvest:
      "clear, get or ring:4096 (entries a vCPU: a power of two, \(text(Self.ringEntries)))"
    case .clear: "slot or a size such as 256MiB, \(text(Self.sizes))"
    case .path: TeardownPath.allCases.map(\.rawValue).joined(separator: ", ")
    case .slice: "none or a size such as 4MiB, \(text(Self.sizes))"
    case .pause: "yield or a time such as 100us, \(text(Self.pauses))"
    case .irq: "same or moved"
    case .napi: "softirq or threaded"
    }
  }

  /// What the knob is, in a few words.
  package var summary: String {
    switch self {
    case .chunk: "how far one walker call of stage2_apply_range() may go"
    case .tlbi: "when the invalidation of cleared leaves is issued"
    case .controller: "what ends a chunk early"
    case .breaks: "whether mmu_lock may be yielded between chunks"
    case .split: "KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE"
    case .log:
      "whether logging starts with all bits set, by protecting the whole slot, or with the guest"
    case .harvest: "whether CLEAR, GET or the reset of a dirty ring protects dirty pages again"
    case .clear: "the range of one KVM_CLEAR_DIRTY_LOG"
    case .path: "who frees the guest's memory, and through which kernel path"
    case .slice: "how much the VMM gives back in one call"
    case .pause: "what the VMM does between two slices"
    case .irq: "which CPU handles the network queue's interrupt"
    case .napi: "where NAPI polls the network queue"
    }
  }
}

extension PolicyKey {
  /// Sizes of chunks, CLEAR ranges and slices: from a page of the smallest granule to the largest
  /// space of guest physical addresses, 52 bits.
  package static let sizes = ByteCount.kibibytes(4)...ByteCount.tebibytes(4_096)
  /// Pauses between two slices; the least, no pause, is written `yield`.
  package static let pauses = Nanoseconds.zero...Nanoseconds.seconds(3_600)
  /// Lengths of time after which a time budget ends a chunk.
  package static let budgets = Nanoseconds.nanoseconds(100)...Nanoseconds.seconds(100)
  /// Visits after which a chunk ends.
  package static let visits = 1...1_099_511_627_776
  /// Cleared leaves over which the whole VMID is invalidated.
  package static let leaves = 0...1_099_511_627_776
  /// Entries of a vCPU's dirty ring: KVM_DIRTY_RING_MAX_ENTRIES at most, and at least what is kept for
  /// entries that cannot wait.
  package static let ringEntries = 128...65_536
  /// Entries between two looks at the clock.
  package static let strides = 1...1_048_576
  /// Quiet chunks after which a chunk doubles.
  package static let patience = 1...1_000_000

  private func text(_ range: ClosedRange<Int>) -> String {
    "\(range.lowerBound) to \(range.upperBound)"
  }

  private func text(_ range: ClosedRange<ByteCount>) -> String {
    "\(range.lowerBound) to \(range.upperBound)"
  }

  private func text(_ range: ClosedRange<Nanoseconds>) -> String {
    "\(range.lowerBound.written) to \(range.upperBound.written)"
  }
}
