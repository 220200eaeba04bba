// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Profiles
import TestSupport
import Testing

/// The shipped files: every value has its place, its reason and its source.
@Suite struct ShippedSourceTests {
  private func check<Content: Profile>(_ type: Content.Type) throws {
    for name in shipped.names(of: type.kind) {
      let loaded = try shipped.load(type, named: name)
      #expect(!loaded.summary.isEmpty && loaded.profile.name == name)
      #expect(loaded.files.first?.hasSuffix("\(type.kind.directory)/\(name).yaml") == true)
      #expect(loaded.entries.count == Provenance.allCases.reduce(0) { $0 + loaded.count(of: $1) })
      for entry in loaded.entries { try check(entry, of: name, in: loaded.files) }
      try checkTexts(loaded)
    }
  }

  /// An entry's line really holds its key, and its source begins with its kind and says what on.
  private func check(_ entry: ProfileEntry, of name: String, in files: [String]) throws {
    let place = "\(name) \(entry.key)"
    #expect(files.contains(entry.origin.file) && entry.origin.line > 0, "\(place)")
    let text = try String(contentsOfFile: entry.origin.file, encoding: .utf8)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines[entry.origin.line - 1].contains(entry.key), "\(place)")
    #expect(entry.source.hasPrefix(entry.provenance.rawValue), "\(place)")
    #expect(entry.provenance != .given && entry.why.count > 3, "\(place)")
    let rest = entry.source.dropFirst(entry.provenance.rawValue.count)
    if entry.provenance != .assumed { #expect(rest.count > 4, "\(place): \(entry.source)") }
  }

  /// What is printed of a value gives that value back.
  private func checkTexts<Content: Profile>(_ loaded: Loaded<Content>) throws {
    for key in Content.keys {
      guard let text = key.text(in: loaded.profile) else { continue }
      var again = loaded
      try again.set(key.name, to: text)
      #expect(key.text(in: again.profile) == text, "\(loaded.profile.name) \(key.name)")
    }
  }

  @Test func everyValueOfAHostHasASource() throws { try check(HostProfile.self) }

  @Test func everyValueOfAKernelHasASource() throws { try check(KernelProfile.self) }

  @Test func everyValueOfAWorkloadHasASource() throws { try check(WorkloadProfile.self) }

  /// A file that no profile leads to would never be read.
  @Test func everyFileIsAProfileOfItsDirectory() throws {
    let root = packageRoot.appending(path: "models")
    for kind in ProfileKind.allCases {
      let folder = root.appending(path: kind.directory)
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(files.allSatisfy { $0.hasSuffix(".yaml") || $0 == "README.md" }, "\(files)")
      let names = files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }
      #expect(Set(names).isSubset(of: shipped.names(of: kind)))
    }
  }

  /// A kernel's name is its release, and later releases come later in the list.
  @Test func kernelsStandInTheOrderOfTheirReleases() throws {
    let releases = try shipped.names(of: .kernel).map {
      try shipped.load(KernelProfile.self, named: $0).profile.release
    }
    #expect(zip(releases, releases.dropFirst()).allSatisfy { $0 < $1 })
  }
}
