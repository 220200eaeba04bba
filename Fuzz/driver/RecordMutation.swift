// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Foundation

/// Recordings of every kind that `observe` and `calibrate` read, changed and read in this process.
///
/// A crash ends the process; the same seed comes to the same input, and the line before says how far it was.
struct RecordMutation {
  private(set) var inputs = 0
  private(set) var results = 0
  private(set) var refusals = 0
  private(set) var slowest = 0.0
  /// Inputs that came of a seed of each kind.
  private var tried: [String: Int] = [:]
  /// The first input of each way to end: what it is read as, or what would have been legal.
  private(set) var corpus: [String: String] = [:]
  private let seeds: [(kind: String, own: [[UInt8]])]
  private var mutator: Mutator

  init(seed: UInt64) throws {
    mutator = Mutator(seed: seed)
    let all: [(kind: String, bytes: [UInt8])] = try Self.seeds().compactMap { bytes in
      let whole = String(decoding: bytes, as: UTF8.self)
      guard let kind = Self.read(whole).kind else { return nil }
      // The shortest beginning that is still of its kind: JSON is only whole.
      let short = [1_200, 3_000, 6_000].lazy.map { Array(bytes.prefix($0)) }.first {
        Self.read(String(decoding: $0, as: UTF8.self)).kind == kind
      }
      return (kind, short ?? bytes)
    }
    // Long ones cost time and say no more, unless a kind has no other.
    let kinds = Dictionary(grouping: all, by: \.kind)
    seeds = kinds.map { kind, own in
      let brief = own.map(\.bytes).filter { $0.count <= 6_000 }
      let shortest = own.map(\.bytes).min { $0.count < $1.count }
      return (kind, brief.isEmpty ? [shortest].compactMap { $0 } : brief)
    }.sorted { $0.kind < $1.kind }
  }

  /// Whole recordings.
  static func seeds() throws -> [[UInt8]] {
    let captures = "models/facts/captures"
    let folders = [
      ("ptdump", ""), ("selftests", ".txt"), ("trace", ".trace"), ("trace", ".csv"),
      ("net", ".txt"),
      ("net", ".csv"), ("net", ".json"), ("net", ".trace"), ("observed", ""), ("probe", ".jsonl"),
    ]
    return try folders.flatMap { try FileMutation.files("\(captures)/\($0.0)", $0.1) }
      .filter { !$0.isEmpty } + FileMutation.files(captures, "-counts.csv")
      + [Array(table.utf8)]
  }

  private static let table = """
    # times of one host
    id,workload,policy,vm.memory [GiB],vm.block_share,stage2_time [ms],repeats,spread [%]
    whole,container-churn,path=munmap,1,0,400,4,8
    sliced,container-churn,path=madvise-slices;slice=2MiB,1,0,420,1,
    """

  /// Reads a text as `observe` does: its kind, or what would have been legal.
  static func read(_ text: String) -> (kind: String?, legal: String) {
    do throws(LogError) {
      let found = try RecordingFile.read(text, named: "record")
      _ = RecordingFile.gather([found, found])
      return (found.kind.rawValue, "")
    } catch { return (nil, error.legal) }
  }

  /// How many inputs came of each kind.
  var kinds: [String] { tried.sorted { $0.key < $1.key }.map { "  \($0.key) \($0.value)" } }

  /// Whether as many inputs as asked came of every kind.
  func isDone(each: Int) -> Bool { inputs >= each * seeds.count }

  /// Reads the next mutant, of one kind after the other.
  mutating func next() {
    if inputs % 100_000 == 0 { say("  \(inputs) inputs") }
    let (kind, own) = seeds[inputs % seeds.count]
    let bytes = mutator.mutated(mutator.pick(own), others: own)
    let began = Date()
    let text = String(decoding: bytes, as: UTF8.self)
    let (found, legal) = Self.read(text)
    slowest = max(slowest, Date().timeIntervalSince(began))
    if found == nil { refusals += 1 } else { results += 1 }
    let way = "\(kind) -> \(found ?? legal)"
    if corpus[way].map({ text.utf8.count < $0.utf8.count }) ?? true { corpus[way] = text }
    tried[kind, default: 0] += 1
    inputs += 1
  }
}
