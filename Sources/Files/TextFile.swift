// SPDX-License-Identifier: GPL-3.0-or-later

package import Foundation

/// Texts that a user names: a file, a pipe, or `-` for standard input.
package enum TextFile {
  /// The largest text that is read at once, in bytes.
  package static let standardLimit = 256 << 20

  /// Reads a text of at most `limit` bytes of UTF-8; throws `notRead`, `tooLarge` or `notText`.
  package static func read(
    _ path: String,
    limit: Int = standardLimit
  ) throws(FileError) -> String {
    let data = try data(path, limit: limit)
    guard let text = String(data: data, encoding: .utf8) else {
      throw .notText(path: path, line: lineOfFault(in: data))
    }
    return text
  }

  /// Reads at most `limit` bytes, of whatever kind; throws `notRead` or `tooLarge`.
  package static func data(_ path: String, limit: Int = standardLimit) throws(FileError) -> Data {
    var lines = try TextLines(path, limit: limit)
    var data = Data()
    while let block = try lines.block() { data.append(block) }
    return data
  }

  /// The first line, counted from one, that is not UTF-8.
  static func lineOfFault(in data: Data) -> Int {
    var line = 1
    for part in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      guard String(data: Data(part), encoding: .utf8) != nil else { return line }
      line += 1
    }
    return line
  }
}

/// A text line by line: no more of it is kept in memory than a block and a line.
package struct TextLines {
  /// The longest line, in bytes.
  package static let lineLimit = 1 << 20

  /// The name of the file as the caller gave it.
  package let path: String
  /// The number of the line that was taken last, counted from one; zero before the first.
  package private(set) var line = 0
  /// Whether the line that was taken last ended with a line feed.
  package private(set) var endsWithLineFeed = true

  private let source: Source
  private let limit: Int
  private var taken = 0
  private var pending = Data()
  private var isAtEnd = false

  /// Where the bytes come from: a descriptor that is closed with its last reader, or memory.
  private final class Source {
    let descriptor: Descriptor?
    let isOwned: Bool
    init(_ descriptor: Descriptor?, isOwned: Bool) {
      (self.descriptor, self.isOwned) = (descriptor, isOwned)
    }
    deinit { if isOwned, let descriptor { Foundation.close(descriptor.number) } }
  }

  /// Opens a file, or takes standard input for `-`; throws `notRead`.
  package init(_ path: String, limit: Int = TextFile.standardLimit) throws(FileError) {
    (self.path, self.limit) = (path, limit)
    if path == "-" {
      if isatty(STDIN_FILENO) == 1 { Self.hint() }
      source = Source(Descriptor(STDIN_FILENO, named: path), isOwned: false)
      return
    }
    let number = open(path, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { throw .notRead(path: path, reason: Descriptor.reason(errno)) }
    source = Source(Descriptor(number, named: path), isOwned: true)
    var status = stat()
    guard fstat(number, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else {
      throw .notRead(path: path, reason: "it is a directory")
    }
  }

  /// A text that is in memory already.
  package init(_ bytes: some Collection<UInt8>, named path: String) {
    (self.path, limit) = (path, Int.max)
    source = Source(nil, isOwned: false)
    pending = Data(bytes)
    isAtEnd = true
  }

  /// Tells who sits at a terminal that a text is waited for.
  private static func hint() {
    let hint = "s2tune: note: reading standard input; end it with Control-D\n"
    try? Descriptor(STDERR_FILENO, named: "standard error").write(Data(hint.utf8))
  }

  /// The next bytes, nil at the end; throws `notRead` or `tooLarge`.
  mutating func block() throws(FileError) -> Data? {
    guard let descriptor = source.descriptor, !isAtEnd else { return nil }
    let block = try descriptor.read(1 << 16)
    taken += block.count
    guard taken <= limit else { throw .tooLarge(path: path, limit: limit) }
    isAtEnd = block.isEmpty
    return block.isEmpty ? nil : block
  }

  /// The next line without its line feed, and without a carriage return before that; nil at the
  /// end.
  ///
  /// Throws `notRead`, `tooLarge`, `tooLong` or `notText`.
  package mutating func next() throws(FileError) -> String? {
    var searched = 0
    while true {
      let rest = pending.dropFirst(searched)
      if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
        let text = pending[pending.startIndex..<end]
        pending = pending[pending.index(after: end)...]
        endsWithLineFeed = true
        return try line(of: text)
      }
      searched = pending.count
      guard searched <= Self.lineLimit else {
        throw .tooLong(path: path, line: line + 1, limit: Self.lineLimit)
      }
      if let block = try block() {
        pending = Data(pending) + block
        continue
      }
      guard !pending.isEmpty else { return nil }
      let text = pending
      pending = Data()
      endsWithLineFeed = false
      return try line(of: text)
    }
  }

  private mutating func line(of bytes: Data) throws(FileError) -> String {
    line += 1
    let bytes = bytes.last == UInt8(ascii: "\r") && endsWithLineFeed ? bytes.dropLast() : bytes
    guard let text = String(data: bytes, encoding: .utf8) else {
      throw .notText(path: path, line: line)
    }
    return text
  }
}
