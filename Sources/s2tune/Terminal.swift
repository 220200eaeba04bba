// SPDX-License-Identifier: GPL-3.0-or-later

import Files
import Foundation
import Quantities

/// Writes an answer to standard output, whole or with an error.
func answer(_ text: String) throws {
  try writeOut(displayed(text.hasSuffix("\n") ? text : text + "\n"))
}

/// Writes a document as JSON with sorted keys to standard output.
func answer(json value: some Encodable, _ schema: OutputSchema) throws {
  try writeOut(try json(value, schema))
}

/// Writes bytes to standard output and turns what cannot be written into the program's own failure.
func writeOut(_ text: String) throws {
  do throws(FileError) {
    try Descriptor.output.write(Data(text.utf8))
  } catch {
    throw OutputFailure(error)
  }
}

/// Standard output did not take the answer.
struct OutputFailure: Error {
  /// What to say of it; nil where the reader has gone and wants to hear nothing.
  let sentence: String?

  init(_ error: FileError) {
    if case .closedPipe = error { sentence = nil } else { sentence = error.description }
  }
}

/// A document as JSON with sorted keys and the version of its form.
///
/// What would steer a terminal is written as `\u202e`, which reads back as the same text.
func json(_ value: some Encodable, _ schema: OutputSchema) throws -> String {
  let document = Versioned(content: value, schema: schema)
  // Only there can a figure have no end, or be none: how far a search is from what it never found, and
  // an objective of which a run saw no sample.
  let isOpen = [.evaluateStrategies, .pareto, .report].contains(schema)
  let data = try JSON.data(document, writesInfinities: isOpen)
  return displayed(String(decoding: data, as: UTF8.self), asJSON: true) + "\n"
}

/// Tells the user something beside the answer, on standard error.
func note(_ sentence: String) { complain("note: \(sentence)") }

/// Writes a sentence to standard error, on one line whatever it quotes; where that takes nothing,
/// nobody is left to be told.
func complain(_ sentence: String) {
  let line = displayed("s2tune: \(sentence)", keepsLines: false) + "\n"
  try? Descriptor.errors.write(Data(line.utf8))
}

extension Descriptor {
  /// Standard error.
  static let errors = Descriptor(STDERR_FILENO, named: "standard error")
}

/// A line on standard error that says how far long work is; silent where nobody watches.
struct ProgressLine: Sendable {
  private let watched = isatty(STDERR_FILENO) == 1
  private let start = ContinuousClock.now
  private var made = 0
  private var left: Duration?

  /// Counts a piece of work that took its time; what so many others will take follows from all so far.
  mutating func count(left pieces: Int) {
    made += 1
    left = (ContinuousClock.now - start) / made * pieces
  }

  /// Shows that `done` of `total` are done.
  func show(_ done: Int, of total: Int, _ what: String) {
    guard watched else { return }
    let width = 30
    let filled = total > 0 ? width * done / total : width
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
    write("\r\u{1B}[K[\(bar)] \(done)/\(total) \(what)\(remaining)")
  }

  /// How long it still takes, where that is known.
  private var remaining: String {
    guard let left, left > .zero else { return "" }
    let minutes = Int(left.components.seconds / 60)
    return minutes < 1 ? ", less than a minute left" : ", about \(minutes) min left"
  }

  /// Takes the line away.
  func clear() {
    guard watched else { return }
    write("\r\u{1B}[K")
  }

  private func write(_ text: String) { try? Descriptor.errors.write(Data(text.utf8)) }
}
