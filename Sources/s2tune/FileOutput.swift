// SPDX-License-Identifier: GPL-3.0-or-later

import Files
import Foundation

/// Files of the user: texts that are read, and answers that are written whole or not at all.
enum UserFile {
  /// Writes a text through a temporary file in the same directory, synced and renamed.
  static func write(_ text: String, to path: String, force: Bool) throws(FileError) {
    try WholeFile.write(Data(text.utf8), to: path, replaces: force)
  }

  /// Refuses a file that exists before any work is done for it.
  static func check(_ path: String, force: Bool) throws(FileError) {
    if !force, FileManager.default.fileExists(atPath: path) { throw .exists(path: path) }
  }

  /// Reads a file of at most `limit` bytes, or standard input for `-`, as UTF-8 text.
  static func read(
    _ path: String,
    limit: Int = TextFile.standardLimit
  ) throws(FileError) -> String {
    try TextFile.read(path, limit: limit)
  }
}

extension FileError: Refusal {
  var status: Status {
    switch self {
    case .notWritten, .closedPipe: .output
    case .exists, .notRead, .tooLarge, .tooMany, .tooLong, .notText: .data
    }
  }
}
