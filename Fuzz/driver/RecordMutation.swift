// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Foundation

/// Recordings of every kind that `observe` reads, changed and read in this process.
///
/// A crash ends the process; the same seed comes to the same input, and the line before says how far it was.
struct RecordMutation {
  private(set) var inputs = 0
  private(set) var results = 0
  private(set) var refusals = 0
  private(set) var slowest = 0.0
  private var read: [RecordingKind: Int] = [:]
  private let seeds: [[UInt8]]
  private var mutator: Mutator

  init(seed: UInt64) throws {
    mutator = Mutator(seed: seed)
    seeds = try Self.seeds()
  }

  /// Whole recordings, long ones cut to their beginning.
  static func seeds() throws -> [[UInt8]] {
    let captures = "models/facts/captures"
    let folders = [
      ("ptdump", ""), ("selftests", ".txt"), ("trace", ".trace"), ("trace", ".csv"),
      ("net", ".txt"),
      ("net", ".csv"), ("net", ".json"), ("net", ".trace"), ("observed", ""),
    ]
    return try folders.flatMap { try FileMutation.files("\(captures)/\($0.0)", $0.1) }
      .filter { !$0.isEmpty }.map { Array($0.prefix(6_000)) }
  }

  /// How many inputs were read as each kind.
  var kinds: [String] {
    read.sorted { $0.key.rawValue < $1.key.rawValue }.map { "  \($0.key.rawValue) \($0.value)" }
  }

  /// Reads the next mutant.
  mutating func next() {
    if inputs % 100_000 == 0 { say("  \(inputs) inputs") }
    let bytes = mutator.mutated(mutator.pick(seeds), others: seeds)
    let began = Date()
    let text = String(decoding: bytes, as: UTF8.self)
    if let found = try? RecordingFile.read(text, named: "record") {
      results += 1
      read[found.kind, default: 0] += 1
      _ = RecordingFile.gather([found, found])
    } else {
      refusals += 1
    }
    slowest = max(slowest, Date().timeIntervalSince(began))
    inputs += 1
  }
}
