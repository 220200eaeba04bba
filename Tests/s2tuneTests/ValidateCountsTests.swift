// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// `validate --counts`: the captures agree cell for cell, and a file that does not is refused or
/// reported.
@Suite struct ValidateCountsTests {
  static let captures = packageRoot.appending(
    path: "models/facts/captures/kernel-counts.csv"
  ).path

  static func lines() throws -> [String] {
    try String(contentsOfFile: captures, encoding: .utf8).split(whereSeparator: \.isNewline)
      .map(String.init)
  }

  /// Runs the command on a file of these bytes that is gone afterwards.
  static func validate(_ bytes: Data, _ options: [String] = []) throws -> Tool.Result {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent(UUID().uuidString + ".csv")
    try bytes.write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try Tool.run(["validate", "--counts", file.path] + options)
  }

  @Test func everyCellOfTheCapturesAgrees() throws {
    let result = try Tool.run(["validate", "--counts", Self.captures])
    #expect(result.status == 0)
    #expect(result.errors.isEmpty)
    let text = result.output.replacing(Self.captures, with: "kernel-counts.csv")
    Golden.check(text, "validate/kernel-counts.txt")
  }

  @Test func jsonSaysTheSame() throws {
    let result = try Tool.run(["validate", "--counts", Self.captures, "--format", "json"])
    #expect(result.status == 0)
    let answer = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
    )
    let counts = try #require((answer["counts"] as? [[String: Any]])?.first)
    #expect(counts["rows"] as? Int == 783 && counts["replayed"] as? Int == 783)
    #expect(counts["untested"] as? [String] == ["break_points"])
    #expect(counts["passes"] as? Bool == true)
    #expect((counts["columns"] as? [Any])?.count == 31)
    #expect(answer["facts"] == nil)
  }

  /// One cell more than the kernel counted: the row, the column and both values are named.
  @Test func aDoctoredRowIsShownInFull() throws {
    let lines = try Self.lines()
    let index = try #require(lines.firstIndex { $0.contains(",256,thp,16,A.dontneed_all,") })
    var cells = lines[index].split(separator: ",", omittingEmptySubsequences: false)
      .map(String.init)
    let column = try #require(lines[0].split(separator: ",").firstIndex(of: "put_page"))
    let was = try #require(Int(cells[column]))
    cells[column] = String(was + 1)
    let text = lines[0] + "\n" + lines[index] + "\n" + cells.joined(separator: ",") + "\n"
    let result = try Self.validate(Data(text.utf8))
    #expect(result.status == 1)
    #expect(result.output.contains("2 of 2 rows replayed, 61 of 62 compared cells equal"))
    let place = "line 3: \(cells[0]) \(cells[1]) 256 MiB thp rewrite 16 MiB A.dontneed_all"
    #expect(result.output.contains("\(place): put_page is \(was + 1), the model says \(was)"))
    #expect(result.errors.contains("not every row is equal"), "\(result.errors)")
  }

  @Test func aPhaseNobodyKnowsIsReported() throws {
    let lines = try Self.lines()
    let row = lines[1].replacing("A.destroy", with: "Z.surprise")
    let result = try Self.validate(Data("\(lines[0])\n\(row)\n".utf8))
    #expect(result.status == 1)
    #expect(result.output.contains("0 of 1 rows replayed"))
    #expect(result.output.contains("Z.surprise: the series 'Z' is not known; known are A"))
  }

  /// A change to header or first row, and what the sentence must hold.
  static let broken: [(header: [String: String], row: [String: String], part: String)] = [
    (["put_page,": ""], [:], "a column 'put_page'"),
    ([:], ["A.destroy,1,": "A.destroy,-1,"], "walk_calls=-1"),
    ([:], ["A.destroy,1,": "A.destroy,"], "43 fields"),
    ([:], ["yes,yes,yes,40": "yes,yes,yes,99"], "a whole number from 32 to 52"),
    ([:], ["6.1.0,max": "six,max"], "kernel=six"),
  ]

  @Test(arguments: broken)
  func aBrokenFileGetsASentence(
    header: [String: String],
    row: [String: String],
    part: String
  ) throws {
    var lines = try Self.lines()
    for (old, new) in header { lines[0] = lines[0].replacing(old, with: new) }
    for (old, new) in row { lines[1] = lines[1].replacing(old, with: new) }
    let result = try Self.validate(Data("\(lines[0])\n\(lines[1])\n".utf8))
    #expect(result.status == 65)
    #expect(result.output.isEmpty)
    #expect(result.errors.contains(part), "\(result.errors)")
    #expect(result.errors.split(separator: "\n").count == 1)
  }

  @Test(arguments: [Data(), Data([0xFF, 0xFE, 0x00]), Data("\n".utf8)])
  func whatIsNoTableIsRefused(_ bytes: Data) throws {
    let result = try Self.validate(bytes)
    #expect(result.status == 65)
    #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
  }

  @Test func aMissingFileIsRefused() throws {
    let result = try Tool.run(["validate", "--counts", "/does/not/exist.csv"])
    #expect(result.status == 65)
    #expect(result.errors.contains("/does/not/exist.csv: cannot be read"))
  }
}
