// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

/// Why a table or an operation on it cannot be: what was asked, and what is legal.
public enum PageTableError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The IPA size is not legal for the granule.
  case illegalIPASize(bits: Int, granule: Granule, legal: ClosedRange<Int>)
  /// A range is not aligned to the page or to the leaf that should map it.
  case misaligned(AddressRange, alignment: ByteCount)
  /// A range ends outside the IPA space.
  case outsideSpace(AddressRange, bits: Int)
  /// A range holds no page.
  case emptyRange(AddressRange)
  /// A map meets an entry that is already in use.
  case overlap(AddressRange, level: Int)
  /// KVM never installs a leaf at this level with this granule.
  case illegalLevel(Int, granule: Granule, legal: [Int])
  /// A chunk is not a power of two of at least one page.
  case illegalChunk(ByteCount, granule: Granule)
  /// A work budget that visits nothing.
  case illegalBudget(Int)
  /// A release before the first whose rules are known.
  case unknownRelease(KernelRelease, oldest: KernelRelease)
  /// A feature that the release cannot use.
  case unsupported(feature: String, release: KernelRelease, since: KernelRelease)
  /// An eager-split chunk that the capability refuses.
  case illegalSplitChunk(ByteCount, granule: Granule, legal: [ByteCount])
  /// A fault where nothing has to be done, or outside what the guest may touch.
  case unmapped(GuestAddress)
  /// A MADV_DONTNEED on hugetlb memory that the release refuses.
  case refusedAdvice(
    AddressRange,
    page: ByteCount,
    release: KernelRelease,
    advice: ReleaseRules.HugetlbAdvice
  )

  /// One sentence with the value and what is legal.
  public var description: String {
    switch self {
    case .illegalIPASize(let bits, let granule, let legal):
      "an IPA space of \(bits) bits is not legal with \(granule.rawValue) pages; "
        + "\(legal.lowerBound) to \(legal.upperBound) bits are"
    case .misaligned(let range, let alignment):
      "the range \(range) is not aligned to \(alignment)"
    case .outsideSpace(let range, let bits):
      "the range \(range) leaves the IPA space of \(bits) bits"
    case .emptyRange(let range): "the range \(range) holds no page"
    case .overlap(let range, let level):
      "the range \(range) overlaps a mapping or a table at level \(level)"
    case .illegalLevel(let level, let granule, let legal):
      "no leaf exists at level \(level) with \(granule.rawValue) pages; "
        + "legal levels are \(legal.map(String.init).joined(separator: ", "))"
    case .illegalChunk(let size, let granule):
      "a chunk of \(size) is not legal; it is a power of two of at least \(granule.page)"
    case .illegalBudget(let visits):
      "a budget of \(visits) visits is not legal; it is at least 1"
    case .unknownRelease(let release, let oldest):
      "the rules of Linux \(release) are not known; the oldest known release is \(oldest)"
    case .unsupported(let feature, let release, let since):
      "Linux \(release) has no \(feature); it came with \(since)"
    case .illegalSplitChunk(let size, let granule, let legal):
      "an eager-split chunk of \(size) is not legal with \(granule.rawValue) pages; "
        + "legal are \(legal.map(\.description).joined(separator: ", "))"
    case .unmapped(let address): "the address \(address) is not mapped"
    case .refusedAdvice(let range, let page, let release, let advice):
      "Linux \(release) refuses MADV_DONTNEED of \(range) on hugetlb pages of \(page) (EINVAL); "
        + (advice == .refused
          ? "memory of other pages is legal" : "a range that starts on a huge page is legal")
    }
  }
}
