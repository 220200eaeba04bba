// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// `instructions`: the shipped models come out of the captures, byte for byte.
@Suite struct InstructionsTests {
  @Test func theShippedModelsAreRebuilt() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let result = try Tool.run(
      ["instructions", "--counts", ValidateCountsTests.captures, "--directory", folder.path]
    )
    #expect(result.status == 0, "\(result.errors)")
    Golden.check(result.output, "instructions/kernel-counts.txt")
    let shipped = packageRoot.appending(path: "models/instructions")
    let names = try FileManager.default.contentsOfDirectory(atPath: shipped.path)
      .filter { $0.hasSuffix(".json") }.sorted()
    #expect(names.count == 6)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == names)
    for name in names {
      let mine = try Data(contentsOf: folder.appendingPathComponent(name))
      #expect(try mine == Data(contentsOf: shipped.appendingPathComponent(name)), "\(name)")
    }
  }

  @Test func countsThatAreNotTheModelsAreRefused() throws {
    let lines = try ValidateCountsTests.lines()
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent(UUID().uuidString + ".csv")
    let row = lines[1].replacing("A.destroy,1,", with: "A.destroy,2,")
    try Data("\(lines[0])\n\(row)\n".utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let result = try Tool.run(["instructions", "--counts", file.path])
    #expect(result.status == 65)
    #expect(result.output.isEmpty && result.errors.contains("validate --counts"))
  }

  /// A file in the way stays as it was.
  @Test func nothingIsOverwrittenUnasked() throws {
    let lines = try ValidateCountsTests.lines()
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let counts = folder.appendingPathComponent("counts.csv")
    try Data("\(lines[0])\n\(lines[1])\n".utf8).write(to: counts)
    let taken = folder.appendingPathComponent("6.1.0-max.json")
    try Data("mine".utf8).write(to: taken)
    let result = try Tool.run(
      ["instructions", "--counts", counts.path, "--directory", folder.path]
    )
    #expect(result.status == 65)
    #expect(result.errors.contains("--force"), "\(result.errors)")
    #expect(try Data(contentsOf: taken) == Data("mine".utf8))
  }
}
