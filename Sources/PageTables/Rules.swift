// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

/// How far one call of the walker may go before the lock may be yielded.
public enum ChunkRule: Hashable, Sendable {
  /// One entry of the root table, as up to 6.0 (512 GiB with 4K and four levels).
  case rootEntry
  /// The largest block the granule allows, as from 6.1 (1 GiB with 4K).
  case largestBlock
  /// The smallest block, as proposed in March 2024 and never merged (2 MiB with 4K).
  case smallestBlock
  /// A fixed size: a power of two of at least one page.
  case fixed(ByteCount)
  /// A fixed size, but a chunk that ends inside a leaf is stretched to the end of the leaf, so
  /// no leaf is visited twice: the first idea of the mail of 2024-03-29.
  case mappingAware(ByteCount)
  /// At most this many visited entries, wherever that ends; at least one.
  case visits(Int)
}

/// When the invalidation of cleared leaves is issued.
public enum FlushRule: Hashable, Sendable {
  /// One IPA flush for each cleared leaf, at once.
  case perLeaf
  /// One range flush at the end of every walker call, cleared or not (6.6 and later).
  case deferredRange
  /// One range flush at the end of a call that cleared something: the second idea of the mail.
  case deferredIfCleared(DeferredSpan)
  /// IPA flushes up to this many cleared leaves of a call, one VMID flush instead above it.
  case vmidAbove(leaves: Int)
  /// No invalidation: only sound when no vCPU can run again and the VMID is not reused.
  case none
}

/// What a conditional deferred flush covers.
public enum DeferredSpan: Hashable, Sendable {
  /// Exactly the range of the call; wrong when a cleared leaf reaches beyond it (hazard 1).
  case call
  /// The union of the full spans of the leaves that were cleared.
  case clearedLeaves
}

/// How destroy (the process-exit teardown) walks the tables.
public enum DestroyRule: Hashable, Sendable {
  /// One walk over the whole IPA space that nothing interrupts (up to 6.18).
  case singleWalk
  /// One walk a largest block, with `cond_resched` between (6.19 and later).
  case chunked
}
