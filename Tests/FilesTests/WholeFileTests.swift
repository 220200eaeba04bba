// SPDX-License-Identifier: GPL-3.0-or-later

import Files
import Foundation
import Testing

@Suite struct WholeFileTests {
  private let folder = FileManager.default.temporaryDirectory.path + "/" + UUID().uuidString

  init() throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test func aFileIsWrittenWholeAndReplacedOnlyWhenAsked() throws {
    let path = folder + "/answer"
    try WholeFile.write(Data("one".utf8), to: path, replaces: false)
    #expect(throws: FileError.exists(path: path)) {
      try WholeFile.write(Data("two".utf8), to: path, replaces: false)
    }
    #expect(try TextFile.read(path) == "one")
    try WholeFile.write(Data("two".utf8), to: path, replaces: true)
    #expect(try TextFile.read(path) == "two")
    #expect(try names() == ["answer"])
  }

  @Test func aLinkStaysAndItsTargetIsReplaced() throws {
    let (path, link) = (folder + "/target", folder + "/link")
    try WholeFile.write(Data("one".utf8), to: path, replaces: false)
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
    try WholeFile.write(Data("two".utf8), to: link, replaces: true)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == path)
    #expect(try TextFile.read(path) == "two")
  }

  @Test func aFullDeviceIsASentenceAndStaysADevice() throws {
    let error = #expect(throws: FileError.self) {
      try WholeFile.write(Data("one".utf8), to: "/dev/full", replaces: true)
    }
    #expect(error?.description.contains("No space left") == true, "\(String(describing: error))")
    var status = stat()
    #expect(stat("/dev/full", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
  }

  @Test func whatAKilledWriterLeftIsTakenAwayAndALivingOneIsLeftAlone() throws {
    let path = folder + "/answer"
    try Data("half".utf8).write(to: URL(fileURLWithPath: path + ".999999.tmp"))
    try Data("whole".utf8).write(to: URL(fileURLWithPath: path + ".999998.tmp"))
    let living = open(path + ".999998.tmp", O_RDONLY)
    flock(living, LOCK_EX)
    defer { close(living) }
    try WholeFile.write(Data("one".utf8), to: path, replaces: false)
    #expect(try names() == ["answer", "answer.999998.tmp"])
  }

  @Test func aDirectoryThatIsNotThereIsASentence() {
    #expect(throws: FileError.self) {
      try WholeFile.write(Data(), to: folder + "/no/answer", replaces: false)
    }
  }
}

@Suite struct TextFileTests {
  private func file(_ bytes: [UInt8]) throws -> String {
    let path = FileManager.default.temporaryDirectory.path + "/" + UUID().uuidString
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test func linesComeAsTheyStand() throws {
    var lines = TextLines(Array("one\r\ntwo\n\nthree".utf8), named: "text")
    var found: [String] = []
    while let line = try lines.next() { found.append(line) }
    #expect(found == ["one", "two", "", "three"])
    #expect(lines.line == 4 && !lines.endsWithLineFeed)
  }

  @Test func aFileLongerThanABlockIsReadWhole() throws {
    let text = (0..<40_000).map { "line \($0)" }.joined(separator: "\n")
    let path = try file(Array(text.utf8))
    var lines = try TextLines(path)
    var count = 0
    while let line = try lines.next() {
      #expect(line == "line \(count)")
      count += 1
    }
    #expect(count == 40_000)
    #expect(try TextFile.read(path) == text)
  }

  @Test func whatIsNoTextNamesItsLine() throws {
    let path = try file(Array("one\ntwo ".utf8) + [0xFF, 0x0A])
    #expect(throws: FileError.notText(path: path, line: 2)) { try TextFile.read(path) }
    #expect(throws: FileError.tooLarge(path: path, limit: 3)) {
      try TextFile.read(path, limit: 3)
    }
    #expect(throws: FileError.self) { try TextFile.read("/") }
    #expect(throws: FileError.self) { try TextFile.read("/no/such/file") }
  }

  @Test func aLineWithoutEndIsRefused() throws {
    let path = try file(Array(repeating: 0x61, count: TextLines.lineLimit + 100_000))
    var lines = try TextLines(path)
    #expect(throws: FileError.tooLong(path: path, line: 1, limit: TextLines.lineLimit)) {
      try lines.next()
    }
  }
}
