// SPDX-License-Identifier: GPL-3.0-or-later

import Files

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

extension LogError {
  /// The refusal of a file that the system or its bytes keep from being a log.
  init(_ error: FileError) {
    switch error {
    case .tooLarge(let file, let limit):
      self.init(
        file: file,
        line: 0,
        found: "more than \(limit) bytes",
        legal: "at most \(limit) bytes"
      )
    case .tooLong(let file, let line, let limit):
      self.init(
        file: file,
        line: line,
        found: "a line of more than \(limit) bytes",
        legal: "lines of a log"
      )
    case .notText(let file, let line):
      self.init(file: file, line: line, found: "bytes that are not UTF-8", legal: "a text log")
    case .notRead(let file, let reason), .notWritten(let file, let reason):
      self.init(file: file, line: 0, found: reason, legal: "a file that can be read")
    case .exists(let file), .closedPipe(let file), .tooMany(let file, _):
      self.init(file: file, line: 0, found: error.description, legal: "a file that can be read")
    }
  }
}

/// A line of a log and its place.
struct LogLine {
  /// Lines without content that a file may have; more are no file of a known kind.
  static let mostBlank = 1_000

  let file: String
  /// Counted from one.
  let number: Int
  let text: String

  /// An error at this line.
  func error(legal: String) -> LogError {
    LogError(file: file, line: number, found: text, legal: legal)
  }
}

extension TextLines {
  /// The next line with its place; nil at the end.
  mutating func nextLine() throws(LogError) -> LogLine? {
    do throws(FileError) {
      return try next().map { LogLine(file: path, number: line, text: $0) }
    } catch {
      throw LogError(error)
    }
  }
}

/// A log as lines, all at once, for readers that look back; its size has a limit.
struct LogLines {
  let file: String
  let lines: [Substring]

  /// Splits a text into lines; a text that is too long or not UTF-8 is refused.
  init(_ bytes: some Collection<UInt8>, file: String) throws(LogError) {
    guard bytes.count <= TextFile.standardLimit else {
      throw LogError(.tooLarge(path: file, limit: TextFile.standardLimit))
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
