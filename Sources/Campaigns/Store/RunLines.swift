// SPDX-License-Identifier: GPL-3.0-or-later

import Files
import Foundation
import Quantities

/// Finished runs as lines of JSON, each after its checksum: what stores write for other programs, and were before they
/// were stores of SQLite.
///
/// The first line says which campaign it is; the others are runs in any order. A last line that was not finished is
/// left out.
package struct RunLines: Hashable, Sendable {
  /// Which campaign it is.
  package let identity: CampaignIdentity
  /// The runs in the order of the design.
  package let runs: [RunRecord]

  /// Reads a file; throws `file` where it holds no runs, and `corrupt` for a line before the last.
  package init(_ path: String) throws(CampaignError) {
    let reader = try ChecksummedLines(path)
    guard let first = reader.lines.first, let identity: CampaignIdentity = first.value() else {
      throw .file(
        name: path,
        reason: "this is no file of runs; its first line does not say which campaign it is"
      )
    }
    self.identity = identity
    var records: [Int: RunRecord] = [:]
    for line in reader.lines.dropFirst() {
      guard let record: RunRecord = line.value() else {
        throw .corrupt(file: path, line: line.number)
      }
      records[record.index] = record
    }
    runs = records.values.sorted { $0.index < $1.index }
  }

  /// A text with its checksum before it, as a line.
  package static func line(_ json: String) -> String { "\(Digest.of(json).hexadecimal) \(json)\n" }
}

/// The lines of a file that has a checksum before each; the last may be cut off.
struct ChecksummedLines {
  /// A line whose checksum fits.
  struct Line {
    /// Where it stands in the file, from one.
    let number: Int
    /// What it holds.
    let json: Data

    /// The value that it is; nil where it is another.
    func value<Value: Decodable>() -> Value? { try? JSONDecoder().decode(Value.self, from: json) }
  }

  /// The lines in their order.
  let lines: [Line]

  /// The largest file that is read, in bytes: a million runs have some four gigabytes.
  private static let limit = 16 << 30

  /// Reads a file; throws `corrupt` for a line before the last whose checksum does not fit.
  init(_ path: String) throws(CampaignError) {
    let data: Data
    do throws(FileError) {
      data = try TextFile.data(path, limit: Self.limit)
    } catch {
      throw .file(name: path, reason: "\(error)")
    }
    let parts = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    var lines: [Line] = []
    for (number, part) in parts.enumerated() where !part.isEmpty {
      guard let json = Self.content(part), number < parts.count - 1 else {
        guard number > 0, number >= parts.count - 2 else {
          if number == 0 {
            throw .file(name: path, reason: "this is no file of runs; it stays as it is")
          }
          throw .corrupt(file: path, line: number + 1)
        }
        break
      }
      lines.append(Line(number: number + 1, json: json))
    }
    self.lines = lines
  }

  /// The text of a line whose checksum fits, else nil.
  private static func content(_ line: Data.SubSequence) -> Data? {
    guard line.count > 17, line[line.startIndex + 16] == UInt8(ascii: " ") else { return nil }
    let text = Data(line.dropFirst(17))
    let digest = Digest.of(String(decoding: text, as: UTF8.self)).hexadecimal
    return Data(line.prefix(16)) == Data(digest.utf8) ? text : nil
  }
}

extension RunDatabase {
  /// The finished runs of a design as lines with checksums, the first of which says which campaign it is.
  package func writeLines(
    of design: StoredDesign,
    points: [DesignPoint],
    to write: (String) throws -> Void
  ) throws(CampaignError) {
    let identity = CampaignIdentity(
      name: design.name,
      seed: design.seed,
      points: points,
      simulator: design.simulator,
      plan: design.plan
    )
    do {
      try write(RunLines.line(try JSON.text(identity, isPretty: false)))
    } catch let error as CampaignError {
      throw error
    } catch {
      throw .file(name: name, reason: "\(error)")
    }
    try forEachLine(of: design) { try write(RunLines.line($0)) }
  }

  /// Takes the runs of a file of lines into a design of the same points; how many were new to it.
  package func take(
    _ lines: RunLines,
    from file: String,
    into design: StoredDesign,
    points: [DesignPoint]
  ) throws(CampaignError) -> Int {
    let own = CampaignIdentity(
      name: lines.identity.name,
      seed: design.seed,
      points: points,
      simulator: design.simulator
    )
    try own.require(lines.identity, file: file)
    let before = try tally(of: design)[.done]
    for start in stride(from: 0, to: lines.runs.count, by: 1_000) {
      let part = lines.runs[start..<min(start + 1_000, lines.runs.count)]
      try keep(part.map { .done($0, seconds: 0) }, of: design, for: nil)
    }
    return try tally(of: design)[.done] - before
  }
}
