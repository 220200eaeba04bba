// SPDX-License-Identifier: GPL-3.0-or-later

/// Why a host's log cannot be read: the file, the line, what stands there and what would be legal.
package struct LogError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file's name as the caller gave it.
  package let file: String
  /// The line, counted from one; zero where the file as a whole is at fault.
  package let line: Int
  /// The text that was found, shortened to 80 characters.
  package let found: String
  /// What would have been legal there.
  package let legal: String

  /// Creates the error; a long text is shortened.
  package init(file: String, line: Int, found: String, legal: String) {
    self.file = file
    self.line = line
    self.found = found.count > 80 ? found.prefix(77) + "..." : found
    self.legal = legal
  }

  /// One sentence with place, value and what is legal.
  package var description: String {
    let place = line > 0 ? "\(file):\(line)" : file
    return "\(place): '\(found)' is not legal here; expected \(legal)"
  }
}

/// A log as lines, with a limit on its size.
struct LogLines {
  /// The largest log that is read: 256 MiB, an hour of chunk tracing.
  static let limit = 256 << 20

  let file: String
  let lines: [Substring]

  /// Splits a text into lines; a text that is too long or not UTF-8 is refused.
  init(_ bytes: some Collection<UInt8>, file: String) throws(LogError) {
    guard bytes.count <= Self.limit else {
      throw LogError(
        file: file,
        line: 0,
        found: "\(bytes.count) bytes",
        legal: "at most \(Self.limit) bytes"
      )
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw LogError(file: file, line: 0, found: "bytes that are not UTF-8", legal: "a text log")
    }
    self.file = file
    // A carriage return and a line feed are one character of a Swift string.
    self.lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
  }

  /// An error at a line counted from zero.
  func error(at index: Int, legal: String) -> LogError {
    LogError(file: file, line: index + 1, found: String(lines[index]), legal: legal)
  }
}
