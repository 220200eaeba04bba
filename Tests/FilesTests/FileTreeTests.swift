// SPDX-License-Identifier: GPL-3.0-or-later

import Files
import Foundation
import Testing

/// Files that nobody vouches for: a sentence for each thing that can be wrong with one.
@Suite struct FileTreeTests {
  private let root = FileManager.default.temporaryDirectory.path + "/" + UUID().uuidString
  private let tree: FileTree

  init() throws {
    try FileManager.default.createDirectory(
      atPath: root + "/sys",
      withIntermediateDirectories: true
    )
    tree = FileTree(root)
  }

  private func write(_ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: root + "/sys/file"))
  }

  @Test func textsAndNamesComeFromBelowTheRoot() throws {
    try write(Array("0-63\n".utf8))
    #expect(try tree.text("/sys/file", limit: 5) == "0-63\n")
    #expect(try tree.names("/sys") == ["file"])
    #expect(tree.holds("/sys/file") && !tree.holds("/sys/other"))
    #expect(FileTree("/").holds("/proc/self/status"))
    #expect(try FileTree("/").text("/proc/self/comm", limit: 16).hasSuffix("\n"))
  }

  @Test func whatIsTooLargeOrNoTextIsRefused() throws {
    try write(Array("0-63\n".utf8))
    #expect(throws: FileError.tooLarge(path: "/sys/file", limit: 4)) {
      try tree.text("/sys/file", limit: 4)
    }
    try write([0x30, 0x0A, 0xFF])
    #expect(throws: FileError.notText(path: "/sys/file", line: 2)) {
      try tree.text("/sys/file", limit: 8)
    }
    #expect(throws: FileError.tooMany(path: "/", limit: 0)) { try tree.names("/", limit: 0) }
  }

  /// A pipe without a writer, a device without an end and a directory are refused at once.
  @Test func nothingIsWaitedFor() throws {
    #expect(mkfifo(root + "/sys/pipe", 0o600) == 0)
    try FileManager.default.createSymbolicLink(
      atPath: root + "/sys/zero",
      withDestinationPath: "/dev/zero"
    )
    for name in ["pipe", "zero", "."] {
      let error = FileError.notRead(path: "/sys/\(name)", reason: "it is no regular file")
      #expect(throws: error) { try tree.text("/sys/\(name)", limit: 8) }
    }
    for path in ["/sys/none", "/sys/pipe/x"] {
      #expect(throws: FileError.self) { try tree.text(path, limit: 8) }
      #expect(throws: FileError.self) { try tree.names(path) }
    }
  }
}
