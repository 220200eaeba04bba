// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Quantities

extension Policy {
  /// The one form of all policies that behave as this one does in a setting.
  ///
  /// - Named chunk rules become their size; a size over the IPA space becomes the space.
  /// - Mapping awareness is dropped where no leaf can reach over a chunk's end.
  /// - A time budget takes the place of the chunk rule, which becomes the baseline's.
  /// - A feedback controller joins chunks of its floor up to a size: mapping awareness is dropped, and
  ///   a work budget leaves it nothing to join.
  /// - A VMID threshold that no chunk reaches becomes `per-leaf`.
  /// - A feedback floor at or over the chunk becomes `fixed`.
  /// - Without CLEAR there is no range of it, and logging cannot start with all bits set, since both need
  ///   manual protection.
  /// - A path in slices has one of the smallest block where none is named.
  /// - Slices go where the path has one call, pauses without slices go, and the paths that ignore chunk and flush get the baseline's.
  package func canonical(in setting: PolicySetting) -> Policy {
    var policy = self
    policy.chunk = policy.effectiveChunk(in: setting).canonical(in: setting)
    if case .feedback = controller, case .visits = chunk { policy.controller = .fixed }
    let size = setting.size(of: policy.chunk)
    if case .vmidAbove(let leaves) = flush, let size,
      Int64(leaves) >= size.divided(roundedUpBy: setting.granule.page)
    {
      policy.flush = .perLeaf
    }
    if case .feedback(let floor, _) = controller, let size, floor >= size {
      policy.controller = .fixed
    }
    if harvest != .clear {
      policy.clearRange = nil
      if logStart == .allSet { policy.logStart = .protect }
    }
    if path == .processExit || path == .memslotDelete { policy.slice = nil }
    if path == .madviseSlices, slice == nil {
      policy.slice = max(setting.granule.smallestBlock, setting.hugetlbPage ?? .zero)
    }
    if policy.slice == nil { policy.pause = .zero }
    if path == .processExit {
      let baseline = setting.baseline
      policy.chunk = baseline.chunk.canonical(in: setting)
      policy.flush = baseline.flush
      policy.controller = .fixed
      policy.breaks = true
    }
    return policy
  }

  /// The chunk rule that is left beside the controller.
  private func effectiveChunk(in setting: PolicySetting) -> ChunkRule {
    switch controller {
    case .fixed: return chunk
    case .timeBudget: return setting.baseline.chunk
    case .feedback(let floor, _): return .fixed(setting.size(of: chunk) ?? floor)
    }
  }

  /// The policy with one knob at another value; nil where it is the same one or impossible there.
  package func turning(
    _ key: PolicyKey,
    to value: String,
    in setting: PolicySetting
  ) -> Policy? {
    var turned = self
    guard (try? turned.set(key, to: value)) != nil else { return nil }
    turned = turned.canonical(in: setting)
    return turned != self && (try? turned.validate(in: setting)) != nil ? turned : nil
  }

  /// What is different from another policy, in the order of the keys.
  package func changes(from other: Policy) -> [PolicyChange] {
    PolicyKey.allCases.compactMap { key in
      let (old, new) = (other.text(of: key), text(of: key))
      guard old != new else { return nil }
      return PolicyChange(key: key, from: old ?? "the workload's", to: new ?? "the workload's")
    }
  }
}

extension Policy {
  /// The size or time that a knob is set to, in bytes or nanoseconds; infinite where the knob sets no
  /// bound, zero for no pause, and nil for knobs that have no such value.
  package func amount(of key: PolicyKey) -> Double? {
    switch key {
    case .slice: slice.map { Double($0.rawValue) } ?? .infinity
    case .clear: clearRange.map { Double($0.rawValue) } ?? .infinity
    case .pause: Double(pause.rawValue)
    case .chunk:
      if case .fixed(let size) = chunk { Double(size.rawValue) } else { nil }
    default: nil
    }
  }
}

extension ChunkRule {
  /// The rule's one form in a setting; see `Policy.canonical(in:)`.
  func canonical(in setting: PolicySetting) -> ChunkRule {
    guard let size = setting.size(of: self) else { return self }
    let bounded = min(size, setting.space)
    if case .mappingAware = self, bounded < setting.granule.largestBlock {
      return .mappingAware(bounded)
    }
    return .fixed(bounded)
  }
}

/// One knob that differs between two policies.
package struct PolicyChange: Hashable, Sendable {
  /// The knob.
  package let key: PolicyKey
  /// Its text in the policy one comes from.
  package let from: String
  /// Its text in the policy one goes to.
  package let to: String

  /// Creates a change of one knob.
  package init(key: PolicyKey, from: String, to: String) {
    self.key = key
    self.from = from
    self.to = to
  }
}
