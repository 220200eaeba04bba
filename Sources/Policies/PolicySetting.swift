// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
package import Quantities

/// Where a policy is to run: what decides whether it is possible and which forms are equal.
package struct PolicySetting: Hashable, Sendable {
  /// The page size.
  package var granule: Granule
  /// The width of the IPA space in bits, 32 to 52.
  package var ipaBits: Int
  /// The kernel's release.
  package var release: KernelRelease
  /// The CPU's features.
  package var features: CPUFeatures
  /// The huge pages of the guest's memory where it is hugetlb memory.
  package var hugetlbPage: ByteCount?

  /// Creates a setting from the host's, the kernel's and the guest's part of it.
  package init(
    granule: Granule,
    ipaBits: Int,
    release: KernelRelease,
    features: CPUFeatures,
    hugetlbPage: ByteCount? = nil
  ) {
    self.granule = granule
    self.ipaBits = ipaBits
    self.release = release
    self.features = features
    self.hugetlbPage = hugetlbPage
  }

  /// The whole IPA space.
  package var space: ByteCount { ByteCount(rawValue: 1 << min(ipaBits, 62)) }

  /// The smallest block that KVM maps: 2 MiB with 4K pages, 32 MiB with 16K, 512 MiB with 64K.
  package var smallestBlock: ByteCount { granule.smallestBlock }

  /// Bytes mapped by one entry of the root table, the chunk up to 6.0.
  ///
  /// An IPA width that the granule does not allow counts as the nearest that it does.
  package var rootEntry: ByteCount {
    let legal = StageTwoGeometry.legalIPABits(granule)
    let bits = min(max(ipaBits, legal.lowerBound), legal.upperBound)
    guard let geometry = try? StageTwoGeometry(granule: granule, ipaBits: bits) else {
      return granule.largestBlock
    }
    return granule.entrySize(level: geometry.startLevel)
  }

  /// The block sizes KVM maps, the page among them, smallest first.
  package var blockSizes: [ByteCount] {
    (granule.minimumBlockLevel...3).reversed().map { granule.entrySize(level: $0) }
  }

  /// The bytes of a chunk rule whose chunks have a size.
  package func size(of rule: ChunkRule) -> ByteCount? {
    switch rule {
    case .rootEntry: rootEntry
    case .largestBlock: granule.largestBlock
    case .smallestBlock: granule.smallestBlock
    case .fixed(let size), .mappingAware(let size): size
    case .visits: nil
    }
  }

  /// The kernel's own rules; nil for a release older than the oldest whose rules are known.
  package var rules: ReleaseRules? { try? ReleaseRules.rules(for: release) }

  /// What this kernel does on this CPU when nobody tunes it, from the table of releases.
  ///
  /// For a release older than the oldest known one it is that release's.
  package var baseline: Policy {
    guard let rules else { return Policy(chunk: .rootEntry, flush: .perLeaf) }
    let defers = rules.leafFlush == .deferredWithRange && features.defersUnmapFlush
    return Policy(chunk: rules.chunk, flush: defers ? .deferredRange : .perLeaf)
  }

  /// The rules under which a policy's walks run here; `chunk` is what its controller makes of the
  /// chunk rule, where it has one.
  ///
  /// Throws for a release that is not known, and for features that it cannot use.
  package func rules(
    of policy: Policy,
    chunk: ChunkRule? = nil
  ) throws(PageTableError) -> StageTwoRules {
    var rules = try StageTwoRules(release, features)
    rules.chunk = chunk ?? policy.chunk
    rules.flush = policy.flush
    return rules
  }
}

extension Policy {
  /// The path a teardown takes: the policy's own, or else the workload's.
  package func path(over workload: TeardownPath) -> TeardownPath { path ?? workload }
}
