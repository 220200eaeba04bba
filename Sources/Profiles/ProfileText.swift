// SPDX-License-Identifier: GPL-3.0-or-later

/// Writes profiles as files that `ProfileStore` reads.
package enum ProfileText {
  /// One value as a file has it.
  package struct Value: Hashable, Sendable, Codable {
    /// The key.
    package let key: String
    /// The value as its key takes it.
    package let value: String
    /// Why this value.
    package let why: String
    /// The source: measured, published, fitted or assumed, and then what on.
    package let source: String

    /// A value with its reason and source.
    package init(key: String, value: String, why: String, source: String) {
      (self.key, self.value, self.why, self.source) = (key, value, why, source)
    }
  }

  /// A host's file; what it leaves out is its parent's.
  package static func host(summary: String, parent: String, values: [Value]) -> String {
    file(.host, summary, parent, values)
  }

  /// A kernel's file.
  package static func kernel(summary: String, values: [Value]) -> String {
    file(.kernel, summary, nil, values)
  }

  private static func file(
    _ kind: ProfileKind,
    _ summary: String,
    _ parent: String?,
    _ values: [Value]
  ) -> String {
    var lines = ["profile: \(kind.rawValue)", "summary: \(quoted(summary))"]
    if let parent { lines.append("parent: \(parent)") }
    if !values.isEmpty { lines.append("values:") }
    for value in values {
      lines += [
        "  \(value.key):", "    value: \(quoted(value.value))", "    why: \(quoted(value.why))",
        "    source: \(quoted(value.source))",
      ]
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A text between single quotes, which take every printable character; others become spaces.
  private static func quoted(_ text: String) -> String {
    let line = String(
      text.unicodeScalars.map { scalar -> Character in
        scalar.properties.generalCategory == .control ? " " : Character(scalar)
      }
    )
    return "'" + line.replacing("'", with: "''") + "'"
  }
}
