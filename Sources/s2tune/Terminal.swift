// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Quantities

/// Writes an answer to standard output.
func answer(_ text: String) {
  FileHandle.standardOutput.write(Data((text.hasSuffix("\n") ? text : text + "\n").utf8))
}

/// Writes a document as JSON with sorted keys to standard output.
func answer(json value: some Encodable, _ schema: OutputSchema) throws {
  answer(try json(value, schema))
}

/// A document as JSON with sorted keys and the version of its form.
func json(_ value: some Encodable, _ schema: OutputSchema) throws -> String {
  let document = Versioned(content: value, schema: schema)
  // Only there can a figure have no end, or be none: how far a search is from what it never found, and
  // an objective of which a run saw no sample.
  let isOpen = schema == .evaluateStrategies || schema == .pareto
  let data = try JSON.data(document, writesInfinities: isOpen)
  return String(decoding: data, as: UTF8.self) + "\n"
}

/// Tells the user something beside the answer, on standard error.
func note(_ sentence: String) {
  FileHandle.standardError.write(Data("s2tune: note: \(sentence)\n".utf8))
}

/// A line on standard error that says how far long work is; silent where nobody watches.
struct ProgressLine: Sendable {
  private let watched = isatty(STDERR_FILENO) == 1

  /// Shows that `done` of `total` are done.
  func show(_ done: Int, of total: Int, _ what: String) {
    guard watched else { return }
    let width = 30
    let filled = total > 0 ? width * done / total : width
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
    FileHandle.standardError.write(Data("\r\u{1B}[K[\(bar)] \(done)/\(total) \(what)".utf8))
  }

  /// Takes the line away.
  func clear() {
    guard watched else { return }
    FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
  }
}
