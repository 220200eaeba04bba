// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import PageTables
import Profiles
import Quantities
import Randomness
import TestSupport
import Testing

/// Whole profiles by chance: written to a file, loaded, printed key by key, and loaded again.
@Suite struct ProfileRoundTripTests {
  /// Texts for every key of a kind by chance, some of them replaced so that they fit each other.
  private func texts<Content: Profile>(
    _ type: Content.Type,
    _ chance: inout Randomness.Stream,
    with fixed: [String: String]
  ) -> [WrittenValue] {
    type.keys.map { key in
      let drawn = KeyPromise(key.legal).draw(&chance)
      return WrittenValue(key: key.name, value: fixed[key.name] ?? drawn)
    }
  }

  private func load<Content: Profile>(
    _ type: Content.Type,
    _ values: [WrittenValue],
    _ folder: ModelsFolder
  ) throws -> Loaded<Content> {
    try folder.write(ProfileText(kind: type.kind, values: values), as: "mine")
    return try folder.store.load(type, named: "mine")
  }

  /// Loads values, prints what was loaded and loads that: the profile is the same, and the order of
  /// a file's lines does not matter.
  private func check<Content: Profile & Equatable>(
    _ type: Content.Type,
    _ values: [WrittenValue]
  ) throws {
    let folder = try ModelsFolder()
    let first = try load(type, values, folder)
    #expect(first.entries.map(\.key) == type.keys.map(\.name))
    #expect(first.entries.map(\.value) == values.map(\.value))
    let printed = type.keys.compactMap { key in
      key.text(in: first.profile).map { WrittenValue(key: key.name, value: $0) }
    }
    #expect(try load(type, printed, folder).profile == first.profile)
    let reversed = try load(type, values.reversed(), folder)
    #expect(reversed.entries.map(\.value) == values.map(\.value))
    for key in type.keys {
      #expect(key.text(in: reversed.profile) == key.text(in: first.profile), "\(key.name)")
    }
  }

  @Test(arguments: Property.seeds(15))
  func aHostIsReadBack(seed: UInt64) throws {
    var chance = Seed(seed).stream("host")
    let queues = 1 + chance.uniform(below: 2048)
    let fixed = [
      "host.cpus": "\(queues + chance.uniform(below: 2048))", "nic.queues": "\(queues)",
      "host.granule": ["4K", "16K", "64K"][Int(chance.uniform(below: 3))],
    ]
    try check(HostProfile.self, texts(HostProfile.self, &chance, with: fixed))
  }

  @Test(arguments: Property.seeds(15))
  func aWorkloadIsReadBack(seed: UInt64) throws {
    var chance = Seed(seed).stream("workload")
    let blocks = Int(chance.uniform(below: 1_000))
    let fixed = [
      "vm.ipa_bits": "52", "vm.base": "0x\(String(chance.uniform(below: 1 << 50), radix: 16))",
      "vm.block_share": "\(Double(blocks) / 1_000)",
      "vm.huge_block_share": "\(Double((1_000 - blocks) / 2) / 1_000)",
      "vm.hugetlb": ["none", "1GiB", "16GiB"][Int(chance.uniform(below: 3))],
    ]
    try check(WorkloadProfile.self, texts(WorkloadProfile.self, &chance, with: fixed))
  }

  @Test(arguments: ["5.10", "6.1.107", "6.16", "7.3.4"], [100, 250, 300, 1000])
  func aKernelIsReadBack(release: String, hz: Int) throws {
    for model in KernelProfile.models(of: try KernelRelease(written: release)) {
      let values = [
        WrittenValue(key: "kernel.release", value: release),
        WrittenValue(key: "kernel.preemption", value: model.rawValue),
        WrittenValue(key: "kernel.dynamic", value: hz == 250 ? "yes" : "no"),
        WrittenValue(key: "kernel.hz", value: "\(hz)"),
      ]
      try check(KernelProfile.self, values)
    }
  }

  @Test func everyListOfFeaturesIsReadBackInItsOrder() throws {
    let words = ["fwb", "tlbirange", "vhe", "ttl", "lpa2", "repeat-tlbi-sync", "speculative-at"]
    var seen: Set<CPUFeatures> = []
    for bits in 0..<(1 << words.count) {
      let chosen = words.indices.filter { bits >> $0 & 1 == 1 }.map { words[$0] }
      let list = chosen.isEmpty ? "none" : chosen.joined(separator: ",")
      let features = try CPUFeatures(listing: list)
      #expect(features.list == list)
      let reversed = chosen.isEmpty ? list : chosen.reversed().joined(separator: " , ")
      #expect(try CPUFeatures(listing: reversed) == features)
      seen.insert(features)
    }
    #expect(seen.count == 1 << words.count)
    #expect(words.allSatisfy { CPUFeatures.legalList.contains($0) })
  }

  @Test(arguments: [
    ("5.10", "none voluntary full"), ("6.15.9", "none voluntary full"),
    ("6.16", "none voluntary full lazy"), ("6.19", "none voluntary full lazy"),
    ("7.0", "full lazy"), ("7.3", "full lazy"),
  ])
  func aReleaseHasItsPreemptionModels(release: String, names: String) throws {
    let legal = KernelProfile.models(of: try KernelRelease(written: release)).map(\.rawValue)
    #expect(legal == names.split(separator: " ").map(String.init))
    for model in PreemptionModel.allCases {
      var kernel = KernelProfile(blank: "x")
      kernel.release = try KernelRelease(written: release)
      kernel.preemption = model
      if legal.contains(model.rawValue) {
        #expect(throws: Never.self) { try kernel.check() }
      } else {
        let error = #expect(throws: ProfileError.self) { try kernel.check() }
        #expect(error?.description.hasSuffix("are " + legal.joined(separator: ", ")) == true)
      }
    }
  }

  @Test(arguments: [(100, 10_000_000), (250, 4_000_000), (300, 3_333_333), (1000, 1_000_000)])
  func aJiffyIsASecondOverTheTicks(hz: Int, nanoseconds: Int64) {
    var kernel = KernelProfile(blank: "x")
    kernel.hz = hz
    #expect(kernel.jiffy == .nanoseconds(nanoseconds))
  }
}

/// Values that are legal one by one and not together.
@Suite struct ContradictionTests {
  private func sentence<Content: Profile>(_ content: Content) -> String? {
    do throws(ProfileError) {
      try content.check()
      return nil
    } catch {
      return error.description
    }
  }

  private var workload: WorkloadProfile {
    var workload = WorkloadProfile(blank: "w")
    workload.memory.size = .gibibytes(1)
    return workload
  }

  @Test func aBlankProfileLacksWhatItMustHave() {
    #expect(
      sentence(KernelProfile(blank: "k")) == "profile k: kernel.release is missing; "
        + "write 6.1 or the like"
    )
    #expect(sentence(WorkloadProfile(blank: "w"))?.contains("vm.memory is missing") == true)
    #expect(sentence(workload) == nil)
  }

  @Test(arguments: [(1, 1, true), (64, 64, true), (64, 65, false), (1, 2, false)])
  func thereIsAtMostAQueueACPU(cpus: Int, queues: Int, isLegal: Bool) {
    var host = HostProfile(blank: "h")
    (host.cpus, host.nic.queues) = (cpus, queues)
    #expect((sentence(host) == nil) == isLegal)
    let numbers = "nic.queues is \(queues) and host.cpus is \(cpus)"
    #expect(isLegal || sentence(host)?.contains(numbers) == true)
  }

  @Test(arguments: Granule.allCases, [false, true])
  func largeAddressesNeedASmallGranule(granule: Granule, isLarge: Bool) {
    var host = HostProfile(blank: "h")
    (host.granule, host.features.largeAddresses) = (granule, isLarge)
    #expect((sentence(host) == nil) == !(granule == .size64K && isLarge))
  }

  @Test(arguments: 32...52)
  func theMemoryEndsInsideTheAddresses(bits: Int) {
    var workload = self.workload
    workload.memory.ipaBits = bits
    workload.memory.base = GuestAddress(rawValue: (1 << UInt64(bits)) - (1 << 30))
    #expect(sentence(workload) == nil)
    workload.memory.base = workload.memory.base + .bytes(1)
    #expect(sentence(workload)?.contains("outside an IPA space of \(bits) bits") == true)
    workload.memory.base = GuestAddress(rawValue: UInt64(Int64.max))
    workload.memory.size = .tebibytes(256)
    #expect(sentence(workload)?.contains("raise vm.ipa_bits") == true)
  }

  @Test(arguments: [(0.5, 0.5, true), (1, 0, true), (0, 1, true), (0.6, 0.5, false), (1, 1, false)])
  func sharesOfBlocksAddUpToAtMostOne(block: Double, huge: Double, isLegal: Bool) {
    var workload = self.workload
    (workload.memory.blockShare, workload.memory.hugeBlockShare) = (block, huge)
    #expect((sentence(workload) == nil) == isLegal)
  }
}
