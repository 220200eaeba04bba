// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Quantities

/// Reads the value of one policy key; every failure names key, value and what is legal.
struct ValueReader {
  let key: PolicyKey
  let value: String

  var refusal: PolicyError {
    .illegalValue(key: key.rawValue, value: value, legal: key.legal)
  }

  var paths: [String: TeardownPath] {
    Dictionary(uniqueKeysWithValues: TeardownPath.allCases.map { ($0.rawValue, $0) })
  }

  func choice<Choice>(_ choices: [String: Choice]) throws(PolicyError) -> Choice {
    guard let choice = choices[value] else { throw refusal }
    return choice
  }

  func size() throws(PolicyError) -> ByteCount { try size(value) }

  func time() throws(PolicyError) -> Nanoseconds { try time(value, in: PolicyKey.pauses) }

  func chunkRule() throws(PolicyError) -> ChunkRule {
    switch value {
    case "root-entry": return .rootEntry
    case "largest-block": return .largestBlock
    case "smallest-block": return .smallestBlock
    default: break
    }
    switch parts(":") {
    case ("mapping-aware", let size?): return .mappingAware(try self.size(size))
    case ("visits", let count?): return .visits(try self.count(count, in: PolicyKey.visits))
    case (_, nil): return .fixed(try size())
    default: throw refusal
    }
  }

  func flushRule() throws(PolicyError) -> FlushRule {
    switch parts(":") {
    case ("per-leaf", nil): return .perLeaf
    case ("deferred", nil): return .deferredRange
    case ("if-cleared", nil): return .deferredIfCleared(.call)
    case ("if-cleared-span", nil): return .deferredIfCleared(.clearedLeaves)
    case ("none", nil): return .none
    case ("vmid", let leaves?): return .vmidAbove(leaves: try count(leaves, in: PolicyKey.leaves))
    default: throw refusal
    }
  }

  func harvest() throws(PolicyError) -> Harvest {
    switch parts(":") {
    case ("clear", nil): return .clear
    case ("get", nil): return .get
    case ("ring", let entries?):
      let count = try count(entries, in: PolicyKey.ringEntries)
      guard count.nonzeroBitCount == 1 else { throw refusal }
      return .ring(entries: count)
    default: throw refusal
    }
  }

  func controller() throws(PolicyError) -> ChunkController {
    guard value != "fixed" else { return .fixed }
    guard case (let kind, let rest?) = parts(":") else { throw refusal }
    let pieces = rest.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard pieces.count == 2 else { throw refusal }
    switch kind {
    case "time":
      return .timeBudget(
        try time(pieces[0], in: PolicyKey.budgets),
        stride: try count(pieces[1], in: PolicyKey.strides)
      )
    case "feedback":
      return .feedback(
        floor: try size(pieces[0]),
        patience: try count(pieces[1], in: PolicyKey.patience)
      )
    default: throw refusal
    }
  }

  /// The text before the first separator, and what follows it.
  private func parts(_ separator: Character) -> (String, String?) {
    guard let index = value.firstIndex(of: separator) else { return (value, nil) }
    return (String(value[..<index]), String(value[value.index(after: index)...]))
  }

  private func size(_ text: String) throws(PolicyError) -> ByteCount {
    guard let size = try? ByteCount(parsing: text), PolicyKey.sizes.contains(size) else {
      throw refusal
    }
    return size
  }

  private func time(
    _ text: String,
    in legal: ClosedRange<Nanoseconds>
  ) throws(PolicyError) -> Nanoseconds {
    guard let time = try? Nanoseconds(parsing: text), legal.contains(time) else { throw refusal }
    return time
  }

  private func count(_ text: String, in legal: ClosedRange<Int>) throws(PolicyError) -> Int {
    guard text.allSatisfy({ $0.isASCII && $0.isNumber }), let count = Int(text),
      legal.contains(count)
    else { throw refusal }
    return count
  }
}
