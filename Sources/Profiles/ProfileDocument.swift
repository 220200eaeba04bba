// SPDX-License-Identifier: GPL-3.0-or-later

import Yams

/// A profile file's text, read into its parts; nothing in it has been given a meaning yet.
struct ProfileDocument {
  /// One value as written.
  struct Value {
    let key: String
    let value: String
    let why: String
    let source: String
    let provenance: Provenance
    let origin: Origin
  }

  let summary: String
  let parent: String?
  let values: [Value]
  let origin: Origin
  /// Where the parent is named; the file where there is none.
  let parentOrigin: Origin

  /// Reads the text of a profile file that must be of this kind.
  init(text: String, file: String, kind: ProfileKind) throws(ProfileError) {
    origin = Origin(file: file)
    let reader = YAMLReader(file: file)
    let root = try reader.root(of: text, what: "a profile")
    try reader.allow(["profile", "summary", "parent", "values"], in: root)
    let written = try reader.text("profile", in: root)
    guard written == kind.rawValue else {
      throw .illegalValue(
        origin: origin,
        key: "profile",
        value: written,
        legal: "\(kind.rawValue) in this directory"
      )
    }
    summary = try reader.text("summary", in: root)
    parentOrigin = root["parent"].map(reader.origin) ?? origin
    parent = try root["parent"].map { node throws(ProfileError) in try reader.scalar(node) }
    values = try reader.values(in: root)
  }
}

extension YAMLReader {
  func values(in root: Node.Mapping) throws(ProfileError) -> [ProfileDocument.Value] {
    guard let node = root["values"] else { return [] }
    var values: [ProfileDocument.Value] = []
    for (key, node) in try mapping(node, what: "'values'") {
      values.append(try value(named: try scalar(key), at: origin(key), node))
    }
    return values
  }

  private func value(
    named name: String,
    at origin: Origin,
    _ node: Node
  ) throws(ProfileError) -> ProfileDocument.Value {
    let parts = try mapping(node, what: "'\(name)'")
    try allow(["value", "why", "source"], in: parts)
    let source = try text("source", in: parts)
    let word = String(source.prefix { $0.isLetter })
    guard let provenance = Provenance(rawValue: word), provenance != .given else {
      throw .illegalValue(
        origin: origin,
        key: name + " source",
        value: source,
        legal: "measured, published, fitted or assumed, and then what on"
      )
    }
    return ProfileDocument.Value(
      key: name,
      value: try text("value", in: parts),
      why: try text("why", in: parts),
      source: source,
      provenance: provenance,
      origin: origin
    )
  }
}
