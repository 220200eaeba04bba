// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
import Testing

@testable import PageTables

/// MADV_DONTNEED by release and by what the host maps the memory with.
@Suite struct HostAdviceTests {
  static let slot = GuestAddress(rawValue: 1 << 30)

  static func range(_ offset: ByteCount, _ size: ByteCount) -> AddressRange {
    AddressRange(start: slot + offset, size: size)
  }

  struct Case: Sendable {
    let release: KernelRelease
    let offset: ByteCount
    let size: ByteCount
    /// What is given back; zero for nothing, nil for a refusal.
    let given: ByteCount?

    init(_ major: Int, _ minor: Int, _ offset: ByteCount, _ size: ByteCount, _ given: ByteCount?) {
      release = KernelRelease(major: major, minor: minor)
      (self.offset, self.size, self.given) = (offset, size, given)
    }
  }

  /// Hugetlb pages of 2 MiB: refused before 5.18, rounded up to 6.0, rounded down from 6.1; the
  /// start is never moved.
  @Test(arguments: [
    Case(5, 17, .zero, .mebibytes(2), nil), Case(5, 17, .zero, .kibibytes(4), nil),
    Case(5, 18, .zero, .kibibytes(4), .mebibytes(2)),
    Case(5, 18, .kibibytes(4), .mebibytes(2), nil),
    Case(5, 18, .zero, .mebibytes(2), .mebibytes(2)),
    Case(6, 0, .zero, .mebibytes(3), .mebibytes(4)),
    Case(6, 1, .zero, .kibibytes(4), .zero), Case(6, 1, .kibibytes(64), .kibibytes(64), nil),
    Case(6, 1, .zero, .mebibytes(3), .mebibytes(2)), Case(7, 3, .mebibytes(1), .mebibytes(1), nil),
    Case(7, 3, .mebibytes(2), .mebibytes(6), .mebibytes(6)),
  ])
  func hugetlbMemoryGoesInWholePages(_ one: Case) throws {
    let rules = try ReleaseRules.rules(for: one.release)
    let backing = HostBacking.hugetlb(.mebibytes(2))
    let range = Self.range(one.offset, one.size)
    guard let given = one.given else {
      let error = #expect(throws: PageTableError.self) { try rules.dontNeed(range, of: backing) }
      #expect(error?.description.contains("EINVAL") == true)
      #expect(error?.description.contains("Linux \(one.release)") == true)
      return
    }
    #expect(try rules.dontNeed(range, of: backing)?.size ?? .zero == given)
    #expect(try rules.dontNeed(range, of: .transparentHuge) == range)
  }

  /// A first page of a transparent huge page clears its block; the host's split of its own page
  /// is a second notifier, over 2 MiB that are empty by then.
  @Test func aPartOfATransparentHugePageCostsASecondNotifier() throws {
    var tables = StageTwo(geometry: try StageTwoGeometry(granule: .size4K, ipaBits: 40))
    try tables.map(Self.range(.zero, .mebibytes(4)), level: 2)
    let features = CPUFeatures(forcedWriteBack: true, rangeTLBI: true)
    let rules = try StageTwoRules(KernelRelease(major: 6, minor: 12), features)
    let first = Self.range(.zero, .kibibytes(4))
    let counts = try tables.dontNeed(first, of: .transparentHuge, splits: true, rules)
    #expect(counts.unmapCalls == 2)
    #expect(counts.leavesCleared == 1)
    // A flush of one page and one of 512.
    #expect([counts.rangeFlushes, counts.tlbiIPAS2E1IS, counts.tlbiRIPAS2E1IS] == [2, 1, 1])
    let next = Self.range(.kibibytes(4), .kibibytes(4))
    #expect(try tables.dontNeed(next, of: .transparentHuge, rules).unmapCalls == 1)
  }
}

/// Workarounds by core and stable update.
@Suite struct CoreErrataTests {
  @Test(arguments: [
    ((5, 10, 258), false), ((5, 10, 259), true), ((6, 1, 175), false), ((6, 1, 176), true),
    ((6, 12, 93), false), ((6, 12, 94), true), ((6, 12, 107), true), ((6, 18, 15), false),
    ((6, 18, 35), false), ((6, 18, 36), true), ((6, 19, 0), false), ((6, 19, 14), false),
    ((7, 0, 12), false), ((7, 0, 13), true), ((7, 1, 0), false), ((7, 1, 1), true),
    ((7, 2, 0), true), ((7, 3, 4), true),
  ])
  func theRepeatIsAMatterOfUpdates(_ number: (Int, Int, Int), repeats: Bool) {
    let release = KernelRelease(major: number.0, minor: number.1, patch: number.2)
    #expect(CoreErrata.has(\.repeatTLBISync, core: "neoverse-n1", on: release) == repeats)
    #expect(CoreErrata.has(\.repeatTLBISync, core: "neoverse-v2", on: release) == repeats)
    #expect(CoreErrata.has(\.repeatTLBISync, core: "max", on: release) == false)
    #expect(CoreErrata.has(\.repeatTLBISync, core: "cortex-a55", on: release) == nil)
    #expect(CoreErrata.has(\.repeatTLBISync, core: "some-core", on: release) == nil)
    #expect(CoreErrata.has(\.speculativeAT, core: "cortex-a72", on: release) == true)
  }

  @Test func featuresOfACoreKeepWhatIsNotKnownOfIt() {
    let given = CPUFeatures(repeatTLBISync: true)
    let release = KernelRelease(major: 6, minor: 18, patch: 15)
    #expect(!CoreErrata.features(given, of: "neoverse-n1", on: release).repeatTLBISync)
    let small = CoreErrata.features(given, of: "cortex-a55", on: release)
    #expect(small.repeatTLBISync && small.speculativeAT)
    #expect(CoreErrata.features(given, of: "some-core", on: release) == given)
  }
}
