// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Policies
import Quantities
import TestSupport
import Testing

/// The setting of graviton3 on one release with one IPA width.
private func setting(
  _ major: Int,
  _ minor: Int,
  bits: Int = 48,
  granule: Granule = .size4K,
  range: Bool = false
) -> PolicySetting {
  PolicySetting(
    granule: granule,
    ipaBits: bits,
    release: KernelRelease(major: major, minor: minor),
    features: CPUFeatures(forcedWriteBack: true, rangeTLBI: range)
  )
}

@Suite struct PolicySettingTests {
  @Test(arguments: [
    (Granule.size4K, 32, ByteCount.mebibytes(2)), (.size4K, 34, .mebibytes(2)),
    (.size4K, 36, .gibibytes(1)), (.size4K, 43, .gibibytes(1)),
    (.size4K, 44, .gibibytes(512)), (.size4K, 48, .gibibytes(512)),
    (.size4K, 52, .gibibytes(512)), (.size16K, 36, .mebibytes(32)),
    (.size16K, 48, .gibibytes(64)), (.size64K, 46, .mebibytes(512)),
    (.size64K, 48, .tebibytes(4)),
  ])
  func rootEntriesAreAsTheKernelComputesThem(granule: Granule, bits: Int, size: ByteCount) {
    #expect(setting(5, 10, bits: bits, granule: granule).rootEntry == size)
  }

  @Test func baselinesFollowTheRelease() {
    #expect(setting(5, 10).baseline == Policy(chunk: .rootEntry, flush: .perLeaf))
    #expect(setting(6, 1).baseline == Policy(chunk: .largestBlock, flush: .perLeaf))
    #expect(setting(6, 5, range: true).baseline.flush == .perLeaf)
    #expect(setting(6, 6, range: true).baseline.flush == .deferredRange)
    var stable = setting(5, 15)
    #expect(stable.baseline.chunk == .rootEntry)
    stable.release = KernelRelease(major: 5, minor: 15, patch: 160)
    #expect(stable.baseline.chunk == .largestBlock)
    #expect(setting(4, 19).baseline == Policy(chunk: .rootEntry, flush: .perLeaf))
    #expect(setting(7, 3).baseline == Policy(chunk: .largestBlock, flush: .perLeaf))
  }

  @Test(arguments: [
    ("chunk=3MiB", "power of two from 4KiB to 256TiB"),
    ("chunk=mapping-aware:512TiB", "power of two"),
    ("tlbi=deferred", "FEAT_TLBIRANGE"),
    ("tlbi=if-cleared-span", "FEAT_TLBIRANGE"),
    ("split=2MiB", "6.5 and later"),
    ("clear=100KiB", "multiple of 256KiB"),
    ("path=madvise-slices", "size of a slice"),
    ("path=process-exit,slice=4MiB", "one call"),
    ("slice=5000B", "multiple of 4KiB"),
  ])
  func impossiblePoliciesAreRefusedWithASentence(text: String, part: String) throws {
    let policy = try Policy(parsing: text)
    let error = #expect(throws: PolicyError.self) { try policy.validate(in: setting(6, 1)) }
    #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
  }

  /// Hugetlb pages of 1 GiB are given back whole; MADV_DONTNEED takes them from 5.18 on.
  @Test(arguments: [
    (
      6, 1, "path=munmap,slice=512MiB",
      "only between two of them (else EINVAL); legal is a multiple of 1GiB"
    ),
    (5, 10, "slice=4KiB", "munmap cuts memory of hugetlb pages of 1GiB"),
    (6, 12, "path=madvise-slices,slice=2MiB", "Linux 6.12 rounds its end down to whole pages"),
    (5, 18, "path=madvise-slices,slice=2MiB", "Linux 5.18 rounds its end up to the whole page"),
    (
      5, 15, "path=madvise-slices,slice=1GiB",
      "path=madvise-slices is impossible here: Linux 5.15 refuses"
    ),
    (6, 1, "path=munmap,slice=1GiB", ""), (6, 1, "path=madvise-slices,slice=2GiB", ""),
    (5, 15, "path=munmap,slice=1GiB", ""),
  ])
  func slicesOfHugetlbMemoryAreWholePages(_ major: Int, minor: Int, text: String, part: String)
    throws
  {
    var setting = setting(major, minor)
    setting.hugetlbPage = .gibibytes(1)
    let policy = try Policy(parsing: text)
    guard !part.isEmpty else { return try policy.validate(in: setting) }
    let error = #expect(throws: PolicyError.self) { try policy.validate(in: setting) }
    #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
    // Slices of other memory are not affected.
    setting.hugetlbPage = nil
    try policy.validate(in: setting)
  }

  @Test func whatIsImpossibleHereMayBePossibleElsewhere() throws {
    try Policy(parsing: "tlbi=deferred").validate(in: setting(6, 6, range: true))
    #expect(throws: PolicyError.self) {
      try Policy(parsing: "tlbi=deferred").validate(in: setting(6, 5, range: true))
    }
    try Policy(parsing: "split=2MiB").validate(in: setting(6, 5))
    #expect(throws: PolicyError.self) {
      try Policy(parsing: "split=2MiB").validate(in: setting(6, 5, granule: .size64K))
    }
    #expect(throws: PolicyError.self) {
      try Policy(parsing: "napi=threaded").validate(in: setting(5, 10))
    }
  }

  @Test(arguments: [
    ("chunk=largest-block", "chunk=1GiB"),
    ("chunk=smallest-block", "chunk=2MiB"),
    ("chunk=root-entry", "chunk=512GiB"),
    ("chunk=mapping-aware:1GiB", "chunk=1GiB"),
    ("chunk=2MiB,tlbi=vmid:512", "chunk=2MiB,tlbi=per-leaf"),
    ("chunk=2MiB,controller=feedback:2MiB/4", "chunk=2MiB"),
    ("chunk=2MiB,pause=1ms", "chunk=2MiB"),
    ("chunk=2MiB,controller=time:1ms/64", "chunk=1GiB,controller=time:1ms/64"),
    ("chunk=visits:64,controller=feedback:2MiB/4", "chunk=2MiB"),
    (
      "chunk=mapping-aware:2MiB,controller=feedback:64KiB/4",
      "chunk=2MiB,controller=feedback:64KiB/4"
    ),
    ("chunk=2MiB,tlbi=none,path=process-exit", "chunk=1GiB,path=process-exit"),
  ])
  func equalBehaviourHasOneForm(text: String, form: String) throws {
    let here = setting(6, 1)
    let canonical = try Policy(parsing: text).canonical(in: here)
    #expect(canonical == (try Policy(parsing: form)))
    #expect(canonical.canonical(in: here) == canonical)
  }

  @Test(arguments: ["chunk=mapping-aware:2MiB", "chunk=2MiB,tlbi=vmid:511", "chunk=visits:512"])
  func differentBehaviourKeepsItsForm(text: String) throws {
    let policy = try Policy(parsing: text)
    #expect(policy.canonical(in: setting(6, 1)) == policy)
  }

  @Test func blockSizesAreThoseKVMMaps() {
    #expect(setting(6, 5).blockSizes == [.kibibytes(4), .mebibytes(2), .gibibytes(1)])
    #expect(
      setting(6, 5, granule: .size64K).blockSizes == [.kibibytes(64), .mebibytes(512)]
    )
  }
}
