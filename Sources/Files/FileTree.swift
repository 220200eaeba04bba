// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Small files below a directory that nobody vouches for, such as `/proc` and `/sys` or a copy of them.
///
/// Nothing is written, and nothing is waited for: what is no regular file is refused. Paths are those
/// below the root, with a slash before them; errors name them as given.
package struct FileTree: Sendable {
  /// The directory in which the paths begin; `/` is the machine itself.
  package let root: String

  /// Entries of a directory that are read at most.
  package static let entryLimit = 1 << 20

  /// A tree with this root.
  package init(_ root: String) { self.root = root }

  /// The UTF-8 text of a file of at most `limit` bytes; throws `notRead`, `tooLarge` or `notText`.
  package func text(_ path: String, limit: Int) throws(FileError) -> String {
    let file = try opened(path, O_RDONLY)
    defer { Foundation.close(file.number) }
    var status = stat()
    guard fstat(file.number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw .notRead(path: path, reason: "it is no regular file")
    }
    var data = Data()
    while true {
      let block = try file.read(min(1 << 16, limit + 1))
      guard !block.isEmpty else { break }
      data.append(block)
      guard data.count <= limit else { throw .tooLarge(path: path, limit: limit) }
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw .notText(path: path, line: TextFile.lineOfFault(in: data))
    }
    return text
  }

  /// The names in a directory, sorted; throws `notRead` or `tooMany`.
  package func names(
    _ path: String,
    limit: Int = Self.entryLimit
  ) throws(FileError) -> [String] {
    let file = try opened(path, O_RDONLY | O_DIRECTORY)
    guard let directory = fdopendir(file.number) else {
      let reason = Descriptor.reason(errno)
      Foundation.close(file.number)
      throw .notRead(path: path, reason: reason)
    }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name != ".", name != ".." else { continue }
      guard names.count < limit else { throw .tooMany(path: path, limit: limit) }
      names.append(name)
    }
    return names.sorted()
  }

  /// Whether there is something at a path, whatever it is.
  package func holds(_ path: String) -> Bool { access(place(path), F_OK) == 0 }

  private func opened(_ path: String, _ flags: Int32) throws(FileError) -> Descriptor {
    // A pipe in a copied tree has no writer that one could wait for.
    let number = open(place(path), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard number >= 0 else { throw .notRead(path: path, reason: Descriptor.reason(errno)) }
    return Descriptor(number, named: path)
  }

  private func place(_ path: String) -> String { root == "/" ? path : root + path }
}
