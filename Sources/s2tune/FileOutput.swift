// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Why a file could not be read or written.
enum FileError: Error, CustomStringConvertible {
  case exists(path: String)
  case notWritten(path: String, reason: String)
  case notRead(path: String, reason: String)
  case tooLarge(path: String, limit: Int)

  var description: String {
    switch self {
    case .exists(let path):
      "\(path): the file exists; name another, or write --force to replace it"
    case .notWritten(let path, let reason): "\(path): cannot be written: \(reason)"
    case .notRead(let path, let reason): "\(path): cannot be read: \(reason)"
    case .tooLarge(let path, let limit): "\(path): more than \(limit) bytes are not legal here"
    }
  }
}

/// Files of the user: written whole or not at all, and replaced only when asked.
enum UserFile {
  /// Writes a text through a temporary file in the same directory, synced and renamed.
  static func write(_ text: String, to path: String, force: Bool) throws(FileError) {
    if !force, FileManager.default.fileExists(atPath: path) { throw .exists(path: path) }
    let temporary = "\(path).\(ProcessInfo.processInfo.processIdentifier).tmp"
    do throws(FileError) {
      try store(Data(text.utf8), at: temporary, for: path)
      guard rename(temporary, path) == 0 else {
        throw .notWritten(path: path, reason: String(cString: strerror(errno)))
      }
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// Creates a temporary file with this content and waits until it is on the disk; a refusal names
  /// the file that the user asked for.
  private static func store(
    _ data: Data,
    at temporary: String,
    for path: String
  ) throws(FileError) {
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o644)
    guard descriptor >= 0 else {
      throw .notWritten(path: path, reason: String(cString: strerror(errno)))
    }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    do {
      try handle.write(contentsOf: data)
      try handle.synchronize()
    } catch {
      throw .notWritten(path: path, reason: "the disk is full or the file system failed")
    }
  }

  /// Reads a file of at most `limit` bytes as UTF-8 text.
  static func read(_ path: String, limit: Int = 256 << 20) throws(FileError) -> String {
    let data: Data
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      data = try handle.read(upToCount: limit + 1) ?? Data()
    } catch {
      throw .notRead(path: path, reason: "it is missing, a directory, or not permitted")
    }
    guard data.count <= limit else { throw .tooLarge(path: path, limit: limit) }
    guard let text = String(data: data, encoding: .utf8) else {
      throw .notRead(path: path, reason: "it is not UTF-8 text")
    }
    return text
  }
}
