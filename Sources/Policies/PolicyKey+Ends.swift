// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

extension PolicyKey {
  /// Texts at the ends of what is legal after the key.
  package var ends: [String] {
    let sizes = ["\(Self.sizes.lowerBound)", "2MiB", "\(Self.sizes.upperBound)"]
    switch self {
    case .chunk:
      return ["root-entry", "largest-block", "smallest-block"] + sizes
        + sizes.map { "mapping-aware:\($0)" } + Self.visits.ends.map { "visits:\($0)" }
    case .tlbi:
      return ["per-leaf", "deferred", "if-cleared", "if-cleared-span", "none"]
        + Self.leaves.ends.map { "vmid:\($0)" }
    case .controller:
      let budgets = [Self.budgets.lowerBound, Self.budgets.upperBound].map(\.written)
      let timed = budgets.flatMap { budget in
        Self.strides.ends.map { "time:\(budget)/\($0)" }
      }
      let fed = sizes.flatMap { size in Self.patience.ends.map { "feedback:\(size)/\($0)" } }
      return ["fixed"] + timed + fed
    case .breaks: return ["yes", "no"]
    case .split: return ["off", "4KiB", "2MiB", "1GiB"]
    case .log: return LogStart.allCases.map(\.rawValue)
    case .harvest: return ["clear", "get"] + Self.ringEntries.ends.map { "ring:\($0)" }
    case .clear: return ["slot", "256KiB"] + sizes
    case .path: return TeardownPath.allCases.map(\.rawValue)
    case .slice: return ["none"] + sizes
    case .pause: return ["yield", "1ns", Self.pauses.upperBound.written]
    case .irq: return ["same", "moved"]
    case .napi: return ["softirq", "threaded"]
    }
  }

  /// Texts right beyond the ends; none where the key takes words alone.
  package var beyond: [String] {
    let size = "\(Self.sizes.upperBound + .bytes(1))"
    switch self {
    case .chunk:
      return [size, "mapping-aware:\(size)"] + Self.visits.beyond.map { "visits:\($0)" }
    case .tlbi: return ["vmid:\(Self.leaves.upperBound + 1)"]
    case .controller:
      return ["time:99ns/1", "time:101s/1"] + Self.strides.beyond.map { "time:1us/\($0)" }
        + Self.patience.beyond.map { "feedback:64KiB/\($0)" }
    case .harvest: return Self.ringEntries.beyond.map { "ring:\($0)" }
    case .clear, .slice, .split: return [size, "0B"]
    case .pause: return [(Self.pauses.upperBound + .nanoseconds(1)).written]
    case .breaks, .log, .path, .irq, .napi: return ["nonsense"]
    }
  }
}

extension ClosedRange<Int> {
  fileprivate var ends: [Int] { [lowerBound, upperBound] }
  fileprivate var beyond: [Int] { [lowerBound - 1, upperBound + 1] }
}
