// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
import Quantities

extension Policy: CustomStringConvertible {
  /// The stock policy from 6.1 on without range TLBI: largest block, one flush a leaf.
  package static let stock = Policy(chunk: .largestBlock, flush: .perLeaf)

  /// Reads a text such as `chunk=2MiB,tlbi=deferred`; keys left out keep the value of `base`.
  package init(parsing text: String, over base: Policy = .stock) throws(PolicyError) {
    self = base
    var seen: [PolicyKey] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2 else { throw .notAPair(text: String(part)) }
      let name = trimmed(pair[0])
      guard let key = PolicyKey(rawValue: name) else {
        throw .unknownKey(key: name, legal: PolicyKey.allCases.map(\.rawValue))
      }
      guard !seen.contains(key) else { throw .repeatedKey(key: name) }
      seen.append(key)
      try set(key, to: trimmed(pair[1]))
    }
  }

  /// Sets one knob from its text.
  package mutating func set(_ key: PolicyKey, to value: String) throws(PolicyError) {
    let reader = ValueReader(key: key, value: value)
    switch key {
    case .chunk: chunk = try reader.chunkRule()
    case .tlbi: flush = try reader.flushRule()
    case .controller: controller = try reader.controller()
    case .breaks: breaks = try reader.choice(["yes": true, "no": false])
    case .split: eagerSplit = value == "off" ? .zero : try reader.size()
    case .log:
      logStart = try reader.choice(
        Dictionary(uniqueKeysWithValues: LogStart.allCases.map { ($0.rawValue, $0) })
      )
    case .harvest: harvest = try reader.harvest()
    case .clear: clearRange = value == "slot" ? nil : try reader.size()
    case .path: path = try reader.choice(reader.paths)
    case .slice: slice = value == "none" ? nil : try reader.size()
    case .pause: pause = value == "yield" ? .zero : try reader.time()
    case .irq: interrupt = try reader.choice(["same": .sameCPU, "moved": .moved])
    case .napi: threadedNAPI = try reader.choice(["softirq": false, "threaded": true])
    }
  }

  /// The text of one knob, or nil where the policy leaves it to the workload or the kernel.
  package func text(of key: PolicyKey) -> String? {
    switch key {
    case .chunk: chunk.text
    case .tlbi: flush.text
    case .controller: controller.text
    case .breaks: breaks ? "yes" : "no"
    case .split: eagerSplit == .zero ? "off" : eagerSplit.description
    case .log: logStart?.rawValue
    case .harvest: harvest.text
    case .clear: clearRange?.description ?? "slot"
    case .path: path?.rawValue
    case .slice: slice?.description ?? "none"
    case .pause: pause == .zero ? "yield" : pause.written
    case .irq: interrupt.rawValue
    case .napi: threadedNAPI ? "threaded" : "softirq"
    }
  }

  /// The policy's text: both kernel rules, and every other knob that is not as on a stock host.
  ///
  /// Reading it back over a stock policy gives an equal policy.
  package var description: String {
    PolicyKey.allCases.compactMap { key in
      let isRule = key == .chunk || key == .tlbi
      guard let value = text(of: key), isRule || value != Policy.stock.text(of: key) else {
        return nil
      }
      return "\(key.rawValue)=\(value)"
    }.joined(separator: ",")
  }
}

/// A text without the spaces around it.
private func trimmed(_ text: Substring) -> String {
  var text = text.drop { $0 == " " }
  while text.hasSuffix(" ") { text.removeLast() }
  return String(text)
}

extension ChunkRule {
  /// The rule as policies write it.
  package var text: String {
    switch self {
    case .rootEntry: "root-entry"
    case .largestBlock: "largest-block"
    case .smallestBlock: "smallest-block"
    case .fixed(let size): size.description
    case .mappingAware(let size): "mapping-aware:\(size)"
    case .visits(let count): "visits:\(count)"
    }
  }
}

extension FlushRule {
  /// The rule as policies write it.
  package var text: String {
    switch self {
    case .perLeaf: "per-leaf"
    case .deferredRange: "deferred"
    case .deferredIfCleared(.call): "if-cleared"
    case .deferredIfCleared(.clearedLeaves): "if-cleared-span"
    case .vmidAbove(let leaves): "vmid:\(leaves)"
    case .none: "none"
    }
  }
}

extension Harvest {
  /// The harvest as policies write it.
  package var text: String {
    switch self {
    case .clear: "clear"
    case .get: "get"
    case .ring(let entries): "ring:\(entries)"
    }
  }
}

extension ChunkController {
  /// The controller as policies write it.
  package var text: String {
    switch self {
    case .fixed: "fixed"
    case .timeBudget(let budget, let stride): "time:\(budget.written)/\(stride)"
    case .feedback(let floor, let patience): "feedback:\(floor)/\(patience)"
    }
  }
}
