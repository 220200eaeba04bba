// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// A profile that is read from YAML key by key.
package protocol Profile: Sendable {
  /// Which of the three kinds it is.
  static var kind: ProfileKind { get }
  /// Every key such a profile may have, described once.
  static var keys: [ProfileKey<Self>] { get }
  /// The profile's name.
  var name: String { get }
  /// Creates a profile of this name in which nothing is set.
  init(blank name: String)
  /// Throws a sentence where the values contradict each other.
  func check() throws(ProfileError)
  /// A profile that has no file of its own, as changes to one that has: which, and what is other.
  static func derived(_ name: String) -> (from: String, values: [(key: String, text: String)])?
}

extension Profile {
  /// Nothing is derived from a name unless a kind says so.
  package static func derived(
    _ name: String
  ) -> (from: String, values: [(key: String, text: String)])? { nil }

  /// Sets one key from its text.
  mutating func set(_ key: String, to value: String, at origin: Origin) throws(ProfileError) {
    guard let found = Self.keys.first(where: { $0.name == key }) else {
      throw .unknownKey(
        origin: origin,
        key: key,
        kind: Self.kind,
        near: nearest(key, among: Self.keys.map(\.name))
      )
    }
    guard found.write(&self, value) else {
      throw .illegalValue(origin: origin, key: key, value: value, legal: found.legal)
    }
  }
}

/// A profile as loaded: what it says, where every value comes from, and from which files.
package struct Loaded<Content: Profile>: Sendable {
  /// The profile.
  package private(set) var profile: Content
  /// What it is, in one sentence.
  package let summary: String
  /// The file it came from and its parents' files, nearest first.
  package let files: [String]
  /// Every value that was set, in the order of the keys.
  package private(set) var entries: [ProfileEntry]

  init(profile: Content, summary: String, files: [String], entries: [ProfileEntry]) {
    self.profile = profile
    self.summary = summary
    self.files = files
    self.entries = Content.keys.compactMap { key in entries.first { $0.key == key.name } }
  }

  /// How many values have this kind of source.
  package func count(of provenance: Provenance) -> Int {
    entries.count { $0.provenance == provenance }
  }

  /// Whether a profile of this kind has the key.
  package static func hasKey(_ key: String) -> Bool { Content.keys.contains { $0.name == key } }

  /// Sets one key for this one question, as `--set key=value` does; what contradicts it is found by
  /// `check`, once all keys of the question are set.
  package mutating func set(_ key: String, to value: String) throws(ProfileError) {
    let origin = Origin(file: "--set")
    var profile = profile
    try profile.set(key, to: value, at: origin)
    let entry = ProfileEntry(
      key: key,
      value: value,
      why: "given with this question",
      source: "the command line",
      provenance: .given,
      origin: origin
    )
    self = Self(
      profile: profile,
      summary: summary,
      files: files,
      entries: [entry] + entries.filter { $0.key != key }
    )
  }
}
