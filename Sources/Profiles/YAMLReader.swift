// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
package import Yams

/// Reads YAML of a file that a person wrote: every refusal names the file and the line.
package struct YAMLReader {
  /// Files beyond this size are refused: the largest shipped file has some ten thousand bytes.
  package static let byteLimit = 262_144
  /// Nesting beyond this depth is refused; profiles and facts need three levels.
  package static let depthLimit = 16

  /// The file's name, for messages.
  package let file: String

  /// Creates a reader of a file's text.
  package init(file: String) { self.file = file }

  /// The mapping that the whole text is.
  package func root(of text: String, what: String) throws(ProfileError) -> Node.Mapping {
    try screen(text, file: file)
    return try mapping(compose(text, file: file), what: what)
  }

  /// The place of a node.
  package func origin(_ node: Node) -> Origin { Origin(file: file, line: node.mark?.line ?? 0) }

  /// A node as a mapping.
  package func mapping(_ node: Node, what: String) throws(ProfileError) -> Node.Mapping {
    guard let mapping = node.mapping else {
      throw .malformed(origin: origin(node), problem: "\(what) is written as 'key: value' lines")
    }
    return mapping
  }

  /// A node as a text.
  package func scalar(_ node: Node) throws(ProfileError) -> String {
    guard let text = node.scalar?.string, !text.isEmpty else {
      throw .malformed(
        origin: origin(node),
        problem: "a text is expected here, not a list or nothing"
      )
    }
    return text
  }

  /// The text of a key that must be there.
  package func text(_ key: String, in mapping: Node.Mapping) throws(ProfileError) -> String {
    guard let node = mapping[key] else {
      let place = Origin(file: file, line: mapping.mark?.line ?? 0)
      throw .malformed(origin: place, problem: "'\(key)' is missing; write \(key): ...")
    }
    return try scalar(node)
  }

  /// Refuses keys that are not among those named.
  package func allow(_ keys: [String], in mapping: Node.Mapping) throws(ProfileError) {
    for (key, _) in mapping {
      let name = try scalar(key)
      guard keys.contains(name) else {
        throw .malformed(
          origin: origin(key),
          problem: "'\(name)' is not legal here; legal are \(keys.joined(separator: ", "))"
        )
      }
    }
  }
}

/// Refuses what YAML allows and our files never need, before the parser sees it.
private func screen(_ text: String, file: String) throws(ProfileError) {
  let size = text.utf8.count
  guard size <= YAMLReader.byteLimit else {
    throw .tooLarge(file: file, bytes: size, limit: YAMLReader.byteLimit)
  }
  var line = 1
  var depth = 0
  var previous = UInt8(ascii: "\n")
  for byte in text.utf8 {
    switch byte {
    case UInt8(ascii: "\n"): line += 1
    case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
    case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
    case UInt8(ascii: "&") where isBlank(previous), UInt8(ascii: "*") where isBlank(previous):
      throw .malformed(
        origin: Origin(file: file, line: line),
        problem:
          "anchors and aliases ('&', '*' at the start of a word) are not legal here; "
          + "write the value out"
      )
    default: break
    }
    guard depth <= YAMLReader.depthLimit else {
      throw .malformed(
        origin: Origin(file: file, line: line),
        problem: "nested deeper than \(YAMLReader.depthLimit) levels; three are needed"
      )
    }
    previous = byte
  }
}

private func isBlank(_ byte: UInt8) -> Bool {
  byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "[")
    || byte == UInt8(ascii: "{") || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\t")
}

/// Parses YAML; every failure is a sentence with file and line.
private func compose(_ text: String, file: String) throws(ProfileError) -> Node {
  let problem: String
  var line = 0
  do {
    if let node = try Yams.compose(yaml: text) { return node }
    problem = "the file is empty"
  } catch let error as YamlError {
    switch error {
    case .scanner(_, let text, let mark, _), .parser(_, let text, let mark, _),
      .composer(_, let text, let mark, _):
      problem = "not legal YAML: \(text)"
      line = mark.line
    case .duplicatedKeysInMapping(let keys, let context):
      problem = "key '\(keys.joined(separator: "', '"))' is written twice; write it once"
      line = context.mark.line
    case .reader(let text, _, _, _): problem = "not legal YAML: \(text)"
    default: problem = "not legal YAML"
    }
  } catch {
    problem = "not legal YAML"
  }
  throw .malformed(origin: Origin(file: file, line: line), problem: problem)
}
