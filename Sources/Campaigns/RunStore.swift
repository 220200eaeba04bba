// SPDX-License-Identifier: GPL-3.0-or-later

import Files
package import Foundation
import Quantities

/// The finished runs of a campaign in a file of lines, each with its checksum.
///
/// A line is written whole and flushed before the run counts as done, so a process that is killed
/// anywhere loses at most the line it was writing: that one is cut off when the store is opened
/// again to be written to, and its point is run again; a store opened for reading leaves the file
/// as it is. Lines come in the order in which runs end; everything that
/// is read from a store is in the order of the design.
package final class RunStore {
  /// The file's name, for messages.
  package let name: String
  private let handle: FileHandle
  private let isReadOnly: Bool
  private var records: [Int: RunRecord] = [:]

  /// Opens a store, or begins one where there is no file.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - identity: The campaign; a store of another one is refused.
  /// - Throws: `foreign`, `corrupt` for a line before the last, or `file`.
  package init(_ url: URL, identity: CampaignIdentity) throws(CampaignError) {
    name = url.relativePath
    isReadOnly = false
    let manager = FileManager.default
    if !manager.fileExists(atPath: url.path) {
      guard manager.createFile(atPath: url.path, contents: nil) else {
        throw .file(name: url.path, reason: "the file cannot be made")
      }
    }
    do {
      handle = try FileHandle(forUpdating: url)
    } catch {
      throw .file(name: url.path, reason: "the file cannot be opened for writing")
    }
    try load(identity)
  }

  /// Opens a store to read what is done; not a byte of the file changes.
  ///
  /// - Parameters:
  ///   - url: The file, which exists.
  ///   - identity: The campaign; a store of another one is refused.
  /// - Throws: `foreign`, `corrupt` for a line before the last, or `file`.
  package init(reading url: URL, identity: CampaignIdentity) throws(CampaignError) {
    name = url.relativePath
    isReadOnly = true
    do {
      handle = try FileHandle(forReadingFrom: url)
    } catch {
      throw .file(name: url.path, reason: "the file cannot be opened for reading")
    }
    try load(identity)
  }

  deinit { try? handle.close() }

  /// Places of the design whose runs are done, in order.
  package var done: [Int] { records.keys.sorted() }

  /// The finished runs in the order of the design.
  package var runs: [RunRecord] { done.compactMap { records[$0] } }

  /// Whether the run of a place is done.
  package func isDone(_ index: Int) -> Bool { records[index] != nil }

  /// A digest of all runs in the order of the design: the same for any order of execution.
  package func digest() throws(CampaignError) -> String {
    var text = ""
    for record in runs { text += try line(record) }
    return Digest.of(text).hexadecimal
  }

  /// Appends a run; when this returns, the run survives the process.
  ///
  /// Precondition: the store was not opened for reading.
  package func append(_ record: RunRecord) throws(CampaignError) {
    precondition(!isReadOnly, "a store that is read is not written to")
    try write(line(record))
    records[record.index] = record
  }

  private func line(_ value: some Encodable) throws(CampaignError) -> String {
    do {
      let text = try JSON.text(value, isPretty: false)
      return "\(Digest.of(text).hexadecimal) \(text)\n"
    } catch {
      throw .file(name: name, reason: "a run holds a value that is not finite")
    }
  }

  private func write(_ line: String) throws(CampaignError) {
    do {
      try handle.write(contentsOf: Data(line.utf8))
      try handle.synchronize()
    } catch {
      throw .file(name: name, reason: "a run cannot be written: \(error.localizedDescription)")
    }
  }

  /// Reads what is there; to be written to, cuts off a last line that was not finished and stands
  /// at the end.
  private func load(_ identity: CampaignIdentity) throws(CampaignError) {
    try requireBeginning(of: try line(identity))
    let data: Data
    do {
      data = try handle.readToEnd() ?? Data()
    } catch {
      throw .file(name: name, reason: "the file cannot be read")
    }
    let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    var kept = 0
    for (number, line) in lines.enumerated() where !line.isEmpty {
      guard let content = Self.content(line), number < lines.count - 1 else {
        guard number > 0, number < lines.count - 2 else { break }
        throw .corrupt(file: name, line: number + 1)
      }
      try take(content, number, identity)
      kept += line.count + 1
    }
    if kept == 0, !isBegun(data, by: try line(identity)) {
      throw .file(name: name, reason: "this is no file of runs; name another, it stays as it is")
    }
    guard !isReadOnly else { return }
    try cut(to: kept)
    if kept == 0 { try write(line(identity)) }
  }

  /// Refuses a file whose beginning is no campaign's before the rest of it is read.
  private func requireBeginning(of header: String) throws(CampaignError) {
    let start: Data
    do throws(FileError) {
      start = try Descriptor(handle.fileDescriptor, named: name).read(Self.longestHeader)
    } catch {
      throw .file(name: name, reason: "the file cannot be read")
    }
    lseek(handle.fileDescriptor, 0, SEEK_SET)
    let end = start.firstIndex(of: UInt8(ascii: "\n"))
    let isWhole = end.map { Self.content(start[..<$0]) != nil } ?? false
    guard isWhole || isBegun(start, by: header) else {
      throw .file(name: name, reason: "this is no file of runs; name another, it stays as it is")
    }
  }

  /// The longest first line, in bytes.
  private static let longestHeader = 1 << 20

  /// Whether a file without a whole first line is one that was stopped while that was written.
  private func isBegun(_ data: Data, by header: String) -> Bool {
    Data(header.utf8).starts(with: data)
  }

  private func take(
    _ content: Data,
    _ number: Int,
    _ identity: CampaignIdentity
  ) throws(CampaignError) {
    let decoder = JSONDecoder()
    if number == 0 {
      guard let found = try? decoder.decode(CampaignIdentity.self, from: content) else {
        throw .file(name: name, reason: "line 1 does not say which campaign this is")
      }
      return try identity.require(found, file: name)
    }
    guard let record = try? decoder.decode(RunRecord.self, from: content) else {
      throw .corrupt(file: name, line: number + 1)
    }
    records[record.index] = record
  }

  private func cut(to length: Int) throws(CampaignError) {
    do {
      try handle.truncate(atOffset: UInt64(length))
      try handle.seek(toOffset: UInt64(length))
    } catch {
      throw .file(name: name, reason: "an unfinished line cannot be cut off")
    }
  }

  /// The text of a line whose checksum fits, else nil.
  private static func content(_ line: Data.SubSequence) -> Data? {
    guard line.count > 17, line[line.startIndex + 16] == UInt8(ascii: " ") else { return nil }
    let text = Data(line.dropFirst(17))
    let digest = Digest.of(String(decoding: text, as: UTF8.self)).hexadecimal
    return Data(line.prefix(16)) == Data(digest.utf8) ? text : nil
  }
}
