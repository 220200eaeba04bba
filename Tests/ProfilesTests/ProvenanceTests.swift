// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Profiles
import Quantities
import Randomness
import TestSupport
import Testing

/// Where values come from: the counts that every answer prints, and what a question changes.
@Suite struct ProvenanceTests {
  /// A host whose values have sources by chance, and how many have which.
  private func host(
    _ chance: inout Randomness.Stream
  ) throws -> (host: Loaded<HostProfile>, counts: [Provenance: Int]) {
    let words = ["measured", "published: x", "fitted on x", "assumed"]
    let kinds: [Provenance] = [.measured, .published, .fitted, .assumed]
    var (file, counts) = (try ProfileText.wholeHost(), [Provenance: Int]())
    for index in file.values.indices {
      let drawn = Int(chance.uniform(below: 4))
      file.values[index].source = words[drawn]
      counts[kinds[drawn], default: 0] += 1
    }
    let folder = try ModelsFolder()
    try folder.write(file, as: "mine")
    return (try folder.store.load(HostProfile.self, named: "mine"), counts)
  }

  @Test(arguments: Property.seeds(10))
  func sourcesAreCounted(seed: UInt64) throws {
    var chance = Seed(seed).stream("sources")
    let (host, counts) = try host(&chance)
    for kind in Provenance.allCases { #expect(host.count(of: kind) == counts[kind] ?? 0) }
    #expect(Provenance.allCases.reduce(0) { $0 + host.count(of: $1) } == neededKeys.count)
    #expect(host.count(of: .given) == 0)
  }

  @Test(arguments: Property.seeds(10))
  func aGivenValueMovesFromItsSourceToTheQuestion(seed: UInt64) throws {
    var chance = Seed(seed).stream("given")
    var (host, counts) = try host(&chance)
    let (summary, files) = (host.summary, host.files)
    for _ in 0..<5 {
      let keys = neededKeys.filter { $0.hasPrefix("stage2.") }
      let key = keys[Int(chance.uniform(below: UInt64(keys.count)))]
      let old = try #require(host.entries.first { $0.key == key })
      let value = "\(chance.uniform(below: 10_000))ns"
      try host.set(key, to: value)
      counts[old.provenance, default: 0] -= 1
      counts[.given, default: 0] += 1
      let new = try #require(host.entries.first { $0.key == key })
      #expect(new.value == value && new.provenance == .given)
      #expect(new.source == "the command line" && new.origin == Origin(file: "--set"))
      for kind in Provenance.allCases { #expect(host.count(of: kind) == counts[kind] ?? 0) }
    }
    #expect(host.entries.map(\.key) == neededKeys)
    #expect(host.summary == summary && host.files == files)
  }

  @Test func aValueThatIsRefusedLeavesEverythingAsItWas() throws {
    var host = try shipped.load(HostProfile.self, named: "graviton3")
    let (profile, entries) = (host.profile, host.entries)
    for (key, value) in [
      ("stage2.leaf_cleared", "-1ns"), ("stage2.leaf", "1ns"), ("nic.queues", "4097"),
      ("host.features", "lpa3"), ("", ""), ("host.granule", "4k"),
    ] {
      let error = #expect(throws: ProfileError.self) { try host.set(key, to: value) }
      #expect(error?.description.isEmpty == false)
      #expect(host.profile == profile && host.entries == entries, "\(key)=\(value)")
    }
  }

  @Test func aGivenLevelReplacesTheProfilesAndNoneTakesItAway() throws {
    var churn = try shipped.load(WorkloadProfile.self, named: "container-churn")
    let before = churn.profile.serviceLevels
    let others = before.filter { $0.metric != .ioGoodput }
    try churn.set("slo.io.goodput", to: ">=0.5")
    #expect(churn.profile.serviceLevels == others + [ServiceLevel(.ioGoodput, .share(0.5))])
    try churn.set("slo.io.goodput", to: "none")
    #expect(churn.profile.serviceLevels == others)
    #expect(churn.entries.first { $0.key == "slo.io.goodput" }?.value == "none")
    try churn.set("slo.io.goodput", to: "none")
    #expect(churn.profile.serviceLevels == others)
  }

  @Test func onlyKeysOfTheKindAreKnown() {
    #expect(HostProfile.keys.allSatisfy { Loaded<HostProfile>.hasKey($0.name) })
    #expect(HostProfile.keys.allSatisfy { !Loaded<KernelProfile>.hasKey($0.name) })
    #expect(KernelProfile.keys.allSatisfy { !Loaded<WorkloadProfile>.hasKey($0.name) })
    #expect(!Loaded<HostProfile>.hasKey("") && !Loaded<HostProfile>.hasKey("Host.cpus"))
  }

  @Test func aPlaceIsWrittenWithItsLineWhereItHasOne() {
    #expect(Origin(file: "a.yaml", line: 7).description == "a.yaml:7")
    #expect(Origin(file: "a.yaml").description == "a.yaml")
    #expect(Origin(file: "--set", line: 0).description == "--set")
  }
}

/// Where files are looked for, and under which names.
@Suite struct ProfileNameTests {
  @Test func namesAreSortedByTheirNumbersAndOtherFilesAreLeftOut() throws {
    let folder = try ModelsFolder()
    for name in ["6.12", "6.2", "10.1", "6.1"] { try folder.write("", as: name) }
    try Data().write(to: folder.url.appendingPathComponent("kernels/README.md"))
    try Data().write(to: folder.url.appendingPathComponent("kernels/6.3.yml"))
    #expect(folder.store.names(of: .kernel) == ["6.1", "6.2", "6.12", "10.1"])
    #expect(folder.store.names(of: .host).isEmpty)
    let both = ProfileStore(directories: [folder.url] + shipped.directories)
    let names = both.names(of: .kernel)
    #expect(Set(names) == Set(folder.store.names(of: .kernel) + shipped.names(of: .kernel)))
    #expect(Set(names).count == names.count)
  }

  @Test(arguments: [
    "", ".", "..", ".hidden", "a/b", "../hosts/graviton3", "a b", "a\0b", "\u{00E9}", "a\n", "~",
    "$HOME", "a%2fb", "-", "_",
  ])
  func aNameThatCouldLeaveTheDirectoryIsRefused(name: String) {
    let error = #expect(throws: ProfileError.self) {
      try shipped.load(KernelProfile.self, named: name)
    }
    let isLegal = name == "-" || name == "_"
    #expect((error == .illegalName(kind: .kernel, name: name)) == !isLegal, "\(name)")
    #expect(error?.description.contains("'\(name)'") == true)
  }

  @Test func withoutADirectoryTheSentenceSaysHowToNameOne() {
    let error = #expect(throws: ProfileError.self) {
      try ProfileStore(directories: []).load(HostProfile.self, named: "x")
    }
    #expect(
      error?.description.hasSuffix("no models directory was found; name one with --models") == true
    )
  }

  @Test func theFirstDirectoryThatHasAFileIsTaken() throws {
    let (first, second) = (try ModelsFolder(), try ModelsFolder())
    try second.write("", as: "b")
    let store = ProfileStore(directories: [first.url, second.url])
    #expect(store.path("kernels/b.yaml")?.path == second.path(.kernel, "b"))
    try first.write("", as: "b")
    #expect(store.path("kernels/b.yaml")?.path == first.path(.kernel, "b"))
    #expect(store.path("kernels/c.yaml") == nil)
  }

  @Test func aDirectoryThatIsNamedIsSearchedFirstAndOneThatDoesNotExistIsNot() throws {
    let folder = try ModelsFolder()
    let named = ProfileStore.standard(named: folder.url.path)
    #expect(named.directories.first?.path == folder.url.path)
    #expect(Array(named.directories.dropFirst()) == shipped.directories)
    let missing = ProfileStore.standard(named: folder.url.path + "/missing")
    #expect(missing.directories == shipped.directories)
    let file = folder.path(.kernel, "file")
    try folder.write("", as: "file")
    #expect(ProfileStore.standard(named: file).directories == shipped.directories)
  }

  @Test func aDirectoryInAFilesPlaceIsRefused() throws {
    let folder = try ModelsFolder()
    try FileManager.default.createDirectory(
      atPath: folder.path(.kernel, "mine"),
      withIntermediateDirectories: true
    )
    let error = folder.error(KernelProfile.self, "mine")
    #expect(error?.description.contains("cannot be read") == true)
  }
}
