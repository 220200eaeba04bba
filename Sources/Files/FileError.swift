// SPDX-License-Identifier: GPL-3.0-or-later

/// Why a file could not be read or written.
package enum FileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A file that may not be replaced.
  case exists(path: String)
  /// A file that the system did not take.
  case notWritten(path: String, reason: String)
  /// A pipe whose reader has gone.
  case closedPipe(path: String)
  /// A file that the system did not give.
  case notRead(path: String, reason: String)
  /// A file of more than `limit` bytes.
  case tooLarge(path: String, limit: Int)
  /// A directory of more than `limit` entries.
  case tooMany(path: String, limit: Int)
  /// A line of more than `limit` bytes.
  case tooLong(path: String, line: Int, limit: Int)
  /// Bytes that are no text, in a line counted from one.
  case notText(path: String, line: Int)

  /// One sentence with the file and what is wrong with it.
  package var description: String {
    switch self {
    case .exists(let path):
      "\(path): the file exists; name another, or write --force to replace it"
    case .notWritten(let path, let reason): "\(path): cannot be written: \(reason)"
    case .closedPipe(let path): "\(path): cannot be written: nobody reads it any more"
    case .notRead(let path, let reason): "\(path): cannot be read: \(reason)"
    case .tooLarge(let path, let limit): "\(path): more than \(limit) bytes are not legal here"
    case .tooMany(let path, let limit): "\(path): more than \(limit) entries are not legal here"
    case .tooLong(let path, let line, let limit):
      "\(path):\(line): a line of more than \(limit) bytes is not legal here"
    case .notText(let path, let line): "\(path):\(line): it is not UTF-8 text"
    }
  }
}
