// SPDX-License-Identifier: GPL-3.0-or-later

import FoundationEssentials
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import TestSupport
import Testing

/// A setup's fingerprint is its identity in files: every value changes it.
@Suite struct SetupTests {
  private static let store = ProfileStore(
    directories: [packageRoot.appending(path: "models")]
  )

  private static func loaded() throws -> LoadedSetup {
    try LoadedSetup(workload: "mixed-thp", host: "graviton3", kernel: "6.16", from: store)
  }

  /// Another legal value of a key, found by trying.
  private static func changed<Content: Profile>(
    _ key: ProfileKey<Content>,
    of profile: Content
  ) -> Content? {
    let texts = [
      "0", "1", "3", "0.25", "0.75", "1ns", "17ns", "1us", "20us", "7KiB", "64KiB", "2MiB", "3MiB",
      "1GiB", "2GiB", "0x80000000", "1Gbit/s", "2Gbit/s", "100", "250", "300", "1000", "yes", "no",
      "4K", "16K", "64K", "fwb", "fwb,vhe", "full", "lazy", "none", "voluntary", "6.1", "6.12",
      "munmap", "process-exit", "memslot-delete", "balloon", "teardown", "log-enable", "same",
      "elsewhere",
      "cubic", "reno", "receive", "send", "40", "48", ">=0.5", "<=9ms", "<=3", "<=1.5x",
    ]
    for text in texts where key.text(in: profile) != text {
      var changed = profile
      if key.write(text, to: &changed), key.text(in: changed) != key.text(in: profile) {
        return changed
      }
    }
    return nil
  }

  private func walk<Content: Profile>(
    _ part: WritableKeyPath<Setup, Content>,
    of setup: Setup,
    _ seen: inout Set<String>
  ) throws {
    for key in Content.keys {
      let other = try #require(
        Self.changed(key, of: setup[keyPath: part]),
        "no other legal value of \(key.name) is tried here"
      )
      var changed = setup
      changed[keyPath: part] = other
      #expect(changed != setup, "\(key.name)")
      #expect(seen.insert(changed.fingerprint).inserted, "\(key.name) leaves the fingerprint")
    }
  }

  @Test("every key of every profile changes the setup and its fingerprint")
  func everyKey() throws {
    let setup = try Self.loaded().setup
    var seen: Set<String> = [setup.fingerprint]
    try walk(\.host, of: setup, &seen)
    try walk(\.kernel, of: setup, &seen)
    try walk(\.workload, of: setup, &seen)
    var renamed = setup
    renamed.host.name += "x"
    #expect(seen.insert(renamed.fingerprint).inserted)
  }

  /// A key that came after identities were written leaves them as they were while it is unset.
  @Test func anUnsetLateKeyIsNoPartOfTheIdentity() throws {
    var setup = try Self.loaded().setup
    #expect(!setup.values.contains { $0.name == "vm.hugetlb" })
    #expect(setup.values.contains { $0.name.hasPrefix("slo.") && $0.value == "none" })
    setup.workload.memory.hugetlb = .mebibytes(2)
    #expect(setup.values.contains { $0.name == "vm.hugetlb" && $0.value == "2MiB" })
  }

  /// Where policies are proposed, hugetlb memory is known; where they are run, it is not.
  @Test func runsTakeSlicesThatNobodyIsTold() throws {
    var setup = try Self.loaded().setup
    #expect(setup.setting.hugetlbPage == nil)
    setup.workload.memory.blockShare = 0
    setup.workload.memory.hugeBlockShare = 0.5
    #expect(setup.setting.hugetlbPage == .gibibytes(1))
    setup.host.granule = .size64K
    #expect(setup.setting.hugetlbPage == nil)
    setup.workload.memory.hugetlb = .mebibytes(512)
    #expect(setup.setting.hugetlbPage == .mebibytes(512))
    #expect(setup.settingOfRuns.hugetlbPage == nil)
  }

  /// Every stored number, name and flag below a value, as a reflection of it lists them.
  private static func fields(_ value: Any) -> Int {
    let mirror = Mirror(reflecting: value)
    guard mirror.displayStyle == .struct, !mirror.children.isEmpty else { return 1 }
    // One field: a quantity.
    if mirror.children.count == 1, mirror.children.first?.label == "rawValue" { return 1 }
    if value is CPUFeatures || value is KernelRelease { return 1 }
    return mirror.children.reduce(0) { $0 + fields($1.value) }
  }

  /// A field without a key would be missing from the fingerprint: it fails here until it has one.
  @Test("every stored field of a profile has a key")
  func everyField() throws {
    let setup = try Self.loaded().setup
    #expect(Self.fields(setup.host) == HostProfile.keys.count + 1, "host: and its name")
    #expect(Self.fields(setup.kernel) == KernelProfile.keys.count + 1, "kernel: and its name")
    let levels = Metric.allCases.count
    #expect(
      Self.fields(setup.workload) == WorkloadProfile.keys.count - levels + 2,
      "workload: its name, and one list of service levels for as many keys"
    )
  }

  @Test("the layout changes the fingerprint, down to one leaf")
  func layout() throws {
    var setup = try Self.loaded().setup
    var seen: Set<String> = [setup.fingerprint]
    let geometry = try StageTwoGeometry(granule: .size4K, ipaBits: 40)
    var tables = StageTwo(geometry: geometry)
    for page in 0..<3 {
      let start = GuestAddress(rawValue: 0x4000_0000 + UInt64(page) << 12)
      try tables.map(AddressRange(start: start, size: .kibibytes(4)), level: 3)
      setup.layout = .tables(tables)
      #expect(seen.insert(setup.fingerprint).inserted)
    }
    var readOnly = StageTwo(geometry: geometry)
    try readOnly.map(
      AddressRange(start: GuestAddress(rawValue: 0x4000_0000), size: .kibibytes(12)),
      level: 3,
      state: LeafState(writable: false)
    )
    setup.layout = .tables(readOnly)
    #expect(seen.insert(setup.fingerprint).inserted)
  }

  @Test("equal tables have equal digests, however they were laid out")
  func layoutDigest() throws {
    let geometry = try StageTwoGeometry(granule: .size4K, ipaBits: 40)
    let range = AddressRange(start: GuestAddress(rawValue: 0x4000_0000), size: .mebibytes(4))
    var once = StageTwo(geometry: geometry)
    try once.map(range, level: 3)
    var twice = StageTwo(geometry: geometry)
    let half = ByteCount.mebibytes(2)
    try twice.map(AddressRange(start: range.start, size: half), level: 3)
    try twice.map(AddressRange(start: range.start + half, size: half), level: 3)
    #expect(once == twice)
    #expect(once.digest == twice.digest)
  }

  @Test("every knob of a policy is part of an operation's identity")
  func everyKnob() throws {
    let setup = try Self.loaded().setup
    let texts: [PolicyKey: String] = [
      .chunk: "4MiB", .tlbi: "vmid:7", .controller: "time:70us/64", .breaks: "no", .split: "2MiB",
      .log: "protect", .harvest: "ring:1024", .clear: "16MiB", .path: "memslot-delete",
      .slice: "6MiB", .pause: "30us",
      .irq: "moved",
      .napi: "threaded",
    ]
    let base = BatchedOperation(setup, setup.setting.baseline)
    var seen: Set<BatchedOperation> = [base]
    for key in PolicyKey.allCases {
      var policy = base.policy
      try policy.set(key, to: try #require(texts[key], "\(key.rawValue) is new: give it a value"))
      #expect(seen.insert(BatchedOperation(setup, policy)).inserted, "\(key.rawValue)")
    }
  }

  // MARK: - The order of changes

  /// Values that depend on each other, from a public report: each pair worked in one order only.
  @Test(
    "values that depend on each other are set in any order",
    arguments: [
      ["vm.ipa_bits=44", "vm.memory=1504GiB"], ["nic.queues=8", "host.cpus=8"],
      ["host.granule=16K", "host.features=fwb,lpa2", "vm.ipa_bits=50"],
      ["vm.block_share=0", "vm.huge_block_share=0.75", "vm.touched_share=0.5"],
      ["kernel.release=7.0", "kernel.preemption=full", "vm.memory=1504GiB", "vm.ipa_bits=44"],
    ]
  )
  func anyOrder(_ changes: [String]) throws {
    let pairs: [LoadedSetup.Change] = changes.map { text in
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      return (parts[0], parts[1])
    }
    var found: Set<Setup> = []
    for order in Self.permutations(pairs) {
      var loaded = try Self.loaded()
      try loaded.set(order)
      found.insert(loaded.setup)
    }
    #expect(found.count == 1)
  }

  @Test("what contradicts is refused in every order, and changes nothing")
  func refusedInAnyOrder() throws {
    let pairs: [LoadedSetup.Change] = [("host.cpus", "8"), ("nic.queues", "9"), ("nic.ring", "77")]
    var sentences: Set<String> = []
    for order in Self.permutations(pairs) {
      var loaded = try Self.loaded()
      let before = loaded.setup
      do {
        try loaded.set(order)
        Issue.record("\(order) was taken")
      } catch {
        sentences.insert(error.description)
      }
      #expect(loaded.setup == before)
    }
    #expect(sentences.count == 1)
  }

  private static func permutations<Element>(_ values: [Element]) -> [[Element]] {
    guard values.count > 1 else { return [values] }
    return values.indices.flatMap { index in
      var rest = values
      let first = rest.remove(at: index)
      return permutations(rest).map { [first] + $0 }
    }
  }
}
