// SPDX-License-Identifier: GPL-3.0-or-later

package import Foundation

/// Files that are there whole or not at all, and replaced only when asked.
package enum WholeFile {
  /// Writes a file through a temporary one in the same directory, which is synced and renamed.
  ///
  /// A device or a pipe is written to as it is; a symbolic link stays and its target is replaced.
  /// Temporary files of the same name whose writer was killed are taken away.
  package static func write(
    _ data: Data,
    to path: String,
    replaces: Bool
  ) throws(FileError) {
    var status = stat()
    let exists = stat(path, &status) == 0
    if exists, !replaces { throw .exists(path: path) }
    if exists, status.st_mode & S_IFMT != S_IFREG {
      return try writeThrough(data, to: path)
    }
    let target = exists ? resolved(path) : path
    removeLeftovers(of: target)
    let temporary = "\(target).\(ProcessInfo.processInfo.processIdentifier).tmp"
    do throws(FileError) {
      try store(data, at: temporary, for: path)
      guard rename(temporary, target) == 0 else {
        throw .notWritten(path: path, reason: Descriptor.reason(errno))
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
    let file = try opened(temporary, O_WRONLY | O_CREAT | O_EXCL, for: path)
    // The lock says that the writer lives: `removeLeftovers` leaves the file alone.
    flock(file.number, LOCK_EX | LOCK_NB)
    do throws(FileError) {
      try file.write(data)
      try file.synchronize()
    } catch {
      close(file.number)
      throw error
    }
    try file.close()
  }

  private static func writeThrough(_ data: Data, to path: String) throws(FileError) {
    let file = try opened(path, O_WRONLY, for: path)
    do throws(FileError) {
      try file.write(data)
    } catch {
      close(file.number)
      throw error
    }
    try file.close()
  }

  private static func opened(
    _ file: String,
    _ flags: Int32,
    for path: String
  ) throws(FileError) -> Descriptor {
    let number = open(file, flags | O_CLOEXEC, 0o644)
    guard number >= 0 else { throw .notWritten(path: path, reason: Descriptor.reason(errno)) }
    return Descriptor(number, named: path)
  }

  /// The file that a path leads to.
  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  /// Takes temporary files away that a killed process left beside a file: `NAME.NUMBER.tmp` that
  /// nobody has locked.
  private static func removeLeftovers(of path: String) {
    let url = URL(fileURLWithPath: path)
    let folder = url.deletingLastPathComponent().path
    let start = url.lastPathComponent + "."
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names where name.hasPrefix(start) && name.hasSuffix(".tmp") {
      let number = name.dropFirst(start.count).dropLast(4)
      guard !number.isEmpty, number.allSatisfy(\.isNumber) else { continue }
      let leftover = "\(folder)/\(name)"
      let descriptor = open(leftover, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
      guard descriptor >= 0 else { continue }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(leftover) }
      close(descriptor)
    }
  }
}
