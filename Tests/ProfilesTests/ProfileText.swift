// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Profiles
import Testing

/// One value of a profile file, as a test writes it.
struct WrittenValue {
  var key: String
  var value: String
  var source = "assumed"
  var why = "a test"

  /// The value on one line, every text in single quotes.
  var line: String {
    "  '\(key)': {value: \(quoted(value)), why: \(quoted(why)), source: \(quoted(source))}"
  }

  private func quoted(_ text: String) -> String {
    "'" + text.replacingOccurrences(of: "'", with: "''") + "'"
  }
}

/// A profile file, as a test writes it: one value a line.
struct ProfileText {
  var kind: ProfileKind
  var summary = "a test"
  var parent: String?
  var values: [WrittenValue] = []

  private var head: [String] {
    let named = parent.map { ["parent: '\($0)'"] } ?? []
    return ["profile: \(kind.rawValue)", "summary: '\(summary)'"] + named
  }

  /// The file's text.
  var text: String {
    let body = values.isEmpty ? [] : ["values:"] + values.map(\.line)
    return (head + body).joined(separator: "\n") + "\n"
  }

  /// The line of a value, counted from one.
  func line(of index: Int) -> Int { head.count + 2 + index }
}

extension ModelsFolder {
  /// The path of a profile's file.
  func path(_ kind: ProfileKind, _ name: String) -> String {
    url.appendingPathComponent("\(kind.directory)/\(name).yaml").path
  }

  /// Writes a profile.
  func write(_ profile: ProfileText, as name: String) throws {
    try write(profile.text, as: name, kind: profile.kind)
  }

  /// The error with which loading a profile is refused.
  func error<Content: Profile>(_ type: Content.Type, _ name: String) -> ProfileError? {
    #expect(throws: ProfileError.self) { try self.store.load(type, named: name) }
  }
}

/// The keys that a host must have.
let neededKeys = HostProfile.keys.filter { !$0.isSilentUnset }.map(\.name)

extension ProfileText {
  /// A host that sets every key that a host must have to what graviton3 has.
  static func wholeHost() throws -> ProfileText {
    let host = try shipped.load(HostProfile.self, named: "graviton3").profile
    let values = HostProfile.keys.compactMap { key in
      key.text(in: host).map { WrittenValue(key: key.name, value: $0) }
    }
    return ProfileText(kind: .host, values: values)
  }
}
