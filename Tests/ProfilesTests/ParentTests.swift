// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Profiles
import Quantities
import Randomness
import TestSupport
import Testing

/// Profiles that inherit from each other.
@Suite struct ParentTests {
  /// Writes a chain of kernels `k0` (the youngest) to the last; all but the last name a parent.
  private func chain(_ count: Int, in folder: ModelsFolder) throws {
    for index in 0..<count {
      var kernel = ProfileText(kind: .kernel, summary: "kernel \(index)")
      kernel.parent = index + 1 < count ? "k\(index + 1)" : nil
      if index + 1 == count {
        kernel.values = [WrittenValue(key: "kernel.release", value: "6.1")]
      }
      try folder.write(kernel, as: "k\(index)")
    }
  }

  @Test func eightInARowAreLegalAndNineAreNot() throws {
    let folder = try ModelsFolder()
    try chain(8, in: folder)
    let kernel = try folder.store.load(KernelProfile.self, named: "k0")
    #expect(kernel.files == (0..<8).map { folder.path(.kernel, "k\($0)") })
    #expect(kernel.summary == "kernel 0" && kernel.profile.name == "k0")
    try chain(9, in: folder)
    let error = folder.error(KernelProfile.self, "k0")
    let origin = Origin(file: folder.path(.kernel, "k7"), line: 3)
    #expect(error == .parentLoop(origin: origin, chain: (0...8).map { "k\($0)" }))
    #expect(error?.description.contains("k6 -> k7 -> k8") == true)
    #expect(try folder.store.load(KernelProfile.self, named: "k1").files.count == 8)
  }

  @Test(arguments: 1...7)
  func aCycleIsNamedFromItsBeginning(length: Int) throws {
    let folder = try ModelsFolder()
    for index in 0..<length {
      let parent = "k\((index + 1) % length)"
      try folder.write(ProfileText(kind: .kernel, parent: parent), as: "k\(index)")
    }
    for start in 0..<length {
      let names = (0...length).map { "k\((start + $0) % length)" }
      let last = folder.path(.kernel, names[length - 1])
      let error = folder.error(KernelProfile.self, names[0])
      #expect(error == .parentLoop(origin: Origin(file: last, line: 3), chain: names))
    }
  }

  /// A file that shadows a shipped one cannot inherit from what it hides: the name means itself.
  @Test func aFileThatNamesItselfIsACycle() throws {
    let folder = try ModelsFolder()
    try folder.write(ProfileText(kind: .host, parent: "graviton3"), as: "graviton3")
    let both = ProfileStore(directories: [folder.url] + shipped.directories)
    let error = #expect(throws: ProfileError.self) {
      try both.load(HostProfile.self, named: "graviton3")
    }
    #expect(error?.description.contains("graviton3 -> graviton3") == true)
  }

  @Test func aParentOfAnotherKindDoesNotExist() throws {
    let folder = try ModelsFolder()
    try folder.write(ProfileText(kind: .kernel), as: "other")
    try folder.write(ProfileText(kind: .host), as: "base")
    try folder.write(ProfileText(kind: .host, parent: "other"), as: "mine")
    let origin = Origin(file: folder.path(.host, "mine"), line: 3)
    #expect(
      folder.error(HostProfile.self, "mine")
        == .illegalValue(origin: origin, key: "parent", value: "other", legal: "one of base")
    )
  }

  /// A parent's mistake is refused under the parent's name, even where the child replaces it.
  @Test func aParentsMistakeIsTheParents() throws {
    let folder = try ModelsFolder()
    var (old, young) = (ProfileText(kind: .kernel), ProfileText(kind: .kernel, parent: "old"))
    old.values = [WrittenValue(key: "kernel.hz", value: "60")]
    young.values = [WrittenValue(key: "kernel.hz", value: "250")]
    try folder.write(old, as: "old")
    try folder.write(young, as: "young")
    let origin = Origin(file: folder.path(.kernel, "old"), line: 4)
    guard
      case .illegalValue(origin, "kernel.hz", "60", _) = folder.error(KernelProfile.self, "young")
    else {
      Issue.record("the parent's value is not refused")
      return
    }
    try folder.write("summary: [", as: "old")
    let sentence = folder.error(KernelProfile.self, "young")?.description ?? ""
    #expect(sentence.hasPrefix(folder.path(.kernel, "old")), "\(sentence)")
  }

  /// The youngest file that writes a key decides it, its reason, its source and its place; against
  /// a dictionary that is filled from the oldest on.
  @Test(arguments: Property.seeds(20))
  func theYoungestFileDecides(seed: UInt64) throws {
    var chance = Seed(seed).stream("layers")
    let folder = try ModelsFolder()
    let depth = 1 + Int(chance.uniform(below: 5))
    var layers = (0..<depth).map { layer(&chance, $0, parent: $0 + 1 < depth) }
    layers[depth - 1].values = try ProfileText.wholeHost().values
    for (index, layer) in layers.enumerated() { try folder.write(layer, as: "h\(index)") }
    let host = try folder.store.load(HostProfile.self, named: "h0")
    var last: [String: (value: WrittenValue, origin: Origin)] = [:]
    for (index, layer) in layers.enumerated().reversed() {
      for (place, value) in layer.values.enumerated() {
        let origin = Origin(file: folder.path(.host, "h\(index)"), line: layer.line(of: place))
        last[value.key] = (value, origin)
      }
    }
    #expect(host.entries.map(\.key) == HostProfile.keys.map(\.name).filter { last[$0] != nil })
    for entry in host.entries {
      let expected = try #require(last[entry.key])
      #expect(entry.value == expected.value.value && entry.source == expected.value.source)
      #expect(entry.why == expected.value.why && entry.origin == expected.origin, "\(seed)")
    }
  }

  /// A host's file that writes some costs, each with a source and a reason of its own.
  private func layer(_ chance: inout Randomness.Stream, _ index: Int, parent: Bool) -> ProfileText {
    var text = ProfileText(kind: .host, parent: parent ? "h\(index + 1)" : nil)
    for key in HostProfile.keys where key.name.hasPrefix("stage2.") || key.name.hasPrefix("tlbi.") {
      guard chance.uniform() < 0.4, key.legal.hasPrefix("a time") else { continue }
      let sources = [
        "assumed", "measured on \(index)", "published: \(index)", "fitted on \(index)",
      ]
      text.values.append(
        WrittenValue(
          key: key.name,
          value: "\(chance.uniform(below: 1_000))ns",
          source: sources[Int(chance.uniform(below: 4))],
          why: "layer \(index) says '\(key.name)'"
        )
      )
    }
    return text
  }

  /// Whatever a host leaves out is counted and the first key is named; the oldest file is blamed.
  @Test(arguments: Property.seeds(20))
  func whatAHostLeavesOutIsCounted(seed: UInt64) throws {
    var chance = Seed(seed).stream("missing")
    let folder = try ModelsFolder()
    var whole = try ProfileText.wholeHost()
    let kept = whole.values.filter { _ in chance.uniform() < (seed % 2 == 0 ? 0.99 : 0.5) }
    let missing = whole.values.map(\.key).filter { key in !kept.contains { $0.key == key } }
    whole.values = kept
    try folder.write(whole, as: "old")
    try folder.write(ProfileText(kind: .host, parent: "old"), as: "mine")
    guard let first = missing.first else {
      #expect(throws: Never.self) { try folder.store.load(HostProfile.self, named: "mine") }
      return
    }
    let sentence = folder.error(HostProfile.self, "mine")?.description ?? ""
    let count =
      missing.count == 1
      ? "\(first) is missing" : "\(missing.count) values, \(first) the first, are"
    #expect(sentence.hasPrefix("\(folder.path(.host, "old")): \(count)"), "\(sentence)")
  }
}
