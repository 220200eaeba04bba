// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// How a range operation is batched on one kernel and CPU: the release's rules, and what a policy
/// puts in their place.
public struct StageTwoRules: Hashable, Sendable {
  /// The kernel's own rules.
  public let release: ReleaseRules
  /// The CPU.
  public let features: CPUFeatures
  /// How far one walker call may go; the release's own unless set.
  public var chunk: ChunkRule
  /// When cleared leaves are invalidated; the release's own on this CPU unless set.
  public var flush: FlushRule
  /// Whether a freed table's entry is invalidated at once; 6.6 to 6.8 leave it to the deferred
  /// flush.
  public var flushesTablesAtOnce: Bool
  /// How destroy walks; the release's own unless set.
  public var destroy: DestroyRule
  /// Whether break points are offered between chunks: false for a notifier that must not block.
  public var mayYield = true

  /// Creates the rules of a release on a CPU; refuses features that the release cannot use.
  public init(release: ReleaseRules, features: CPUFeatures) throws(PageTableError) {
    if features.largeAddresses, !release.largeAddresses {
      throw .unsupported(
        feature: "LPA2",
        release: release.release,
        since: KernelRelease(major: 6, minor: 8)
      )
    }
    self.release = release
    self.features = features
    chunk = release.chunk
    let defers = release.leafFlush == .deferredWithRange && features.defersUnmapFlush
    flush = defers ? .deferredRange : .perLeaf
    flushesTablesAtOnce = !defers || release.tableFlush != .withLeaves
    destroy = release.destroy
  }

  /// The rules of a release by number.
  public init(_ release: KernelRelease, _ features: CPUFeatures) throws(PageTableError) {
    try self.init(release: ReleaseRules.rules(for: release), features: features)
  }

  /// Base-two logarithm of the chunk in bytes, or nil for a work budget.
  package func chunkShift(_ geometry: StageTwoGeometry) throws(PageTableError) -> Int? {
    let granule = geometry.granule
    switch chunk {
    case .rootEntry: return granule.shift(level: geometry.startLevel)
    case .largestBlock: return granule.shift(level: granule.minimumBlockLevel)
    case .smallestBlock: return granule.shift(level: 2)
    case .fixed(let size), .mappingAware(let size):
      guard size.isPowerOfTwo, size >= granule.page else {
        throw .illegalChunk(size, granule: granule)
      }
      return size.rawValue.trailingZeroBitCount
    case .visits(let visits):
      guard visits > 0 else { throw .illegalBudget(visits) }
      return nil
    }
  }

  /// Whether a chunk goes on to the end of the leaf or hole it ends in.
  package var stretches: Bool { if case .mappingAware = chunk { true } else { false } }

  func sequences(_ granule: Granule) -> FlushSequences {
    FlushSequences(features: features, release: release, granule: granule)
  }
}
