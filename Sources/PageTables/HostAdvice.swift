// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

/// What the host maps a slot's memory with.
public enum HostBacking: Hashable, Sendable {
  /// Pages of the granule.
  case pages
  /// Transparent huge pages of the smallest block.
  case transparentHuge
  /// hugetlb pages of a size.
  case hugetlb(ByteCount)

  /// Whether it is hugetlb memory.
  public var isHugetlb: Bool { if case .hugetlb = self { true } else { false } }
}

extension ReleaseRules {
  /// What of a range one MADV_DONTNEED gives back, by what the host maps the memory with.
  ///
  /// Only hugetlb memory differs: its whole huge pages alone can go. Before 5.18 the call is
  /// refused there. From then on the start has to be the start of a huge page, and the end is
  /// rounded up to one, from 6.1 on down to one. The addresses are those of the guest; host
  /// and guest have the same offset inside a huge page, as blocks need.
  ///
  /// - Returns: The range that is given back, or nil where the call succeeds and does nothing.
  /// - Throws: `refusedAdvice` where the call returns EINVAL.
  public func dontNeed(
    _ range: AddressRange,
    of backing: HostBacking
  ) throws(PageTableError) -> AddressRange? {
    guard case .hugetlb(let page) = backing else { return range }
    guard hugetlbAdvice != .refused, range.start.isAligned(to: page) else {
      throw .refusedAdvice(range, page: page, release: release, advice: hugetlbAdvice)
    }
    let end =
      hugetlbAdvice == .roundsUp ? range.end.alignedUp(to: page) : range.end.alignedDown(to: page)
    return end > range.start ? AddressRange(start: range.start, end: end) : nil
  }

  /// Why a slice cannot be given back by MADV_DONTNEED from hugetlb pages of a size; nil where
  /// every slice of the memory is taken and gives back what it covers.
  public func refusalToAdvise(_ slice: ByteCount, hugetlbPage page: ByteCount) -> String? {
    switch hugetlbAdvice {
    case .refused:
      return "Linux \(release) refuses MADV_DONTNEED on hugetlb memory (EINVAL before 5.18)"
    case .roundsUp, .roundsDown:
      guard slice.rawValue % page.rawValue != 0 else { return nil }
      let first = hugetlbAdvice == .roundsUp ? "up to the whole page" : "down to whole pages"
      return "MADV_DONTNEED on hugetlb pages of \(page) has to start on one (else EINVAL), and "
        + "Linux \(release) rounds its end \(first)"
    }
  }

  /// Why a slice cannot be unmapped from hugetlb pages of a size by munmap; nil where it can.
  ///
  /// The same on all releases: a mapping of huge pages can only be cut between two.
  public func refusalToUnmap(_ slice: ByteCount, hugetlbPage page: ByteCount) -> String? {
    guard slice.rawValue % page.rawValue != 0 else { return nil }
    return "munmap cuts memory of hugetlb pages of \(page) only between two of them (else EINVAL)"
  }
}

extension StageTwo {
  /// One MADV_DONTNEED over a range of a slot: the notifiers' unmaps.
  ///
  /// A part of a transparent huge page that is still whole costs a second notifier over all of it,
  /// inside the first: the host splits its page before it can zap a part. `splits` says that the
  /// page is still whole. Nothing happens where the call does nothing.
  ///
  /// - Returns: The events.
  /// - Throws: `refusedAdvice` where the call returns EINVAL.
  public mutating func dontNeed(
    _ range: AddressRange,
    of backing: HostBacking,
    splits: Bool = false,
    _ rules: StageTwoRules
  ) throws(PageTableError) -> EventCounts {
    guard let given = try rules.release.dontNeed(range, of: backing) else { return .zero }
    var counts = try unmap(given, rules).total
    let block = geometry.granule.smallestBlock
    if splits, backing == .transparentHuge, range.size < block {
      let start = range.start.alignedDown(to: block)
      counts += try unmap(AddressRange(start: start, size: block), rules).total
    }
    return counts
  }
}
