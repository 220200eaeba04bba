// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

/// The shape of a stage-2 table: granule, IPA size, levels and concatenated root pages.
///
/// Up to 16 root tables stand side by side, which saves a level: with 4K pages and 40 bits the
/// walk starts at level 1 with two root pages.
public struct StageTwoGeometry: Hashable, Sendable {
  /// The page size.
  public let granule: Granule
  /// The bits of a guest physical address, 32 to 48 (52 with LPA2 or 64K pages).
  public let ipaBits: Int
  /// The level of the root, 0 to 2.
  public let startLevel: Int
  /// Root pages that stand side by side, 1 to 16.
  public let rootPages: Int

  /// Creates the shape that KVM gives a VM of this IPA size, or refuses the size.
  public init(granule: Granule, ipaBits: Int) throws(PageTableError) {
    let legal = Self.legalIPABits(granule)
    guard legal.contains(ipaBits) else {
      throw .illegalIPASize(bits: ipaBits, granule: granule, legal: legal)
    }
    self.granule = granule
    self.ipaBits = ipaBits
    let levels = max(2, (ipaBits - 8) / granule.bitsPerLevel)
    startLevel = 4 - levels
    let rootSpan = granule.shift(level: startLevel - 1)
    rootPages = Int(((Int64(1) << Int64(ipaBits)) - 1) >> Int64(rootSpan)) + 1
  }

  /// The IPA sizes that some CPU and release allow with the granule; more than 48 bits with 4K
  /// and 16K need LPA2.
  public static func legalIPABits(_ granule: Granule) -> ClosedRange<Int> { 32...52 }

  /// Levels of table, root included: 2 to 4.
  public var levels: Int { 4 - startLevel }

  /// Root entries that lie inside the IPA space, over all root pages.
  public var rootEntries: Int64 { space >> Int64(granule.shift(level: startLevel)) }

  /// The whole IPA space.
  public var wholeSpace: AddressRange {
    AddressRange(start: .zero, end: GuestAddress(rawValue: UInt64(space)))
  }

  /// The levels at which KVM installs leaves.
  public var leafLevels: [Int] {
    (max(startLevel, granule.minimumBlockLevel)...3).map { $0 }
  }

  /// Bytes of the IPA space.
  package var space: Int64 { Int64(1) << Int64(ipaBits) }

  /// Refuses a range that is empty, not made of whole pages, or outside the space.
  func check(_ range: AddressRange) throws(PageTableError) {
    guard range.end.rawValue <= UInt64(space) else {
      throw .outsideSpace(range, bits: ipaBits)
    }
    guard !range.isEmpty else { throw .emptyRange(range) }
    guard range.start.isAligned(to: granule.page), range.end.isAligned(to: granule.page) else {
      throw .misaligned(range, alignment: granule.page)
    }
  }
}
