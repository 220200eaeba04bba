// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Quantities

extension Policy {
  /// Refuses a policy that cannot exist in a setting, with a sentence that says why.
  ///
  /// Whether a possible policy is also safe is another question, which the hazard oracle answers.
  package func validate(in setting: PolicySetting) throws(PolicyError) {
    let check = PolicyCheck(policy: self, setting: setting)
    try check.chunk()
    try check.flush()
    try check.controller()
    try check.split()
    try check.harvest()
    try check.clear()
    try check.slices()
    try check.network()
  }
}

/// The rules of `Policy.validate(in:)`, one function for each knob.
private struct PolicyCheck {
  let policy: Policy
  let setting: PolicySetting

  func chunk() throws(PolicyError) {
    switch policy.chunk {
    case .rootEntry, .largestBlock, .smallestBlock: break
    case .fixed(let size), .mappingAware(let size):
      try power(size, of: .chunk, atMost: setting.space)
    case .visits(let count):
      guard PolicyKey.visits.contains(count) else {
        throw refusal(.chunk, "a chunk visits something", PolicyKey.chunk.legal)
      }
    }
  }

  func flush() throws(PolicyError) {
    switch policy.flush {
    case .perLeaf, .none: break
    case .vmidAbove(let leaves):
      guard PolicyKey.leaves.contains(leaves) else {
        throw refusal(.tlbi, "no chunk clears so many leaves", PolicyKey.tlbi.legal)
      }
    case .deferredRange, .deferredIfCleared:
      guard setting.features.rangeTLBI else {
        throw refusal(.tlbi, "the host lacks FEAT_TLBIRANGE", "per-leaf, vmid:512 or none")
      }
      guard setting.rules?.rangeEncoding != nil else {
        let reason = "Linux \(setting.release) has no range TLBI for stage 2 (6.6 and later)"
        throw refusal(.tlbi, reason, "per-leaf, vmid:512 or none")
      }
    }
  }

  func controller() throws(PolicyError) {
    switch policy.controller {
    case .fixed: break
    case .timeBudget(let budget, let stride):
      guard PolicyKey.budgets.contains(budget), PolicyKey.strides.contains(stride) else {
        throw refusal(.controller, "budget or stride is out of range", PolicyKey.controller.legal)
      }
    case .feedback(let floor, let patience):
      try power(floor, of: .controller, atMost: setting.space)
      guard PolicyKey.patience.contains(patience) else {
        throw refusal(.controller, "patience is out of range", PolicyKey.controller.legal)
      }
    }
  }

  func split() throws(PolicyError) {
    guard policy.eagerSplit != .zero else { return }
    guard setting.rules?.eagerSplit == true else {
      throw refusal(.split, "Linux \(setting.release) has no eager split (6.5 and later)", "off")
    }
    guard setting.blockSizes.contains(policy.eagerSplit) else {
      let sizes = setting.blockSizes.map(\.description).joined(separator: ", ")
      throw refusal(
        .split,
        "it is not a block size of the \(setting.granule.rawValue) granule",
        sizes
      )
    }
  }

  func harvest() throws(PolicyError) {
    guard case .ring(let entries) = policy.harvest else { return }
    guard setting.release >= KernelRelease(major: 6, minor: 2) else {
      let reason = "Linux \(setting.release) has no dirty ring for arm64 (6.2 and later)"
      throw refusal(.harvest, reason, "clear or get")
    }
    let least = max(128, setting.granule.page.divided(roundedDownBy: .bytes(16)))
    guard Int64(entries) >= least else {
      let reason = "a ring of 16-byte entries fills a page at least"
      throw refusal(.harvest, reason, "ring:\(least) to ring:\(PolicyKey.ringEntries.upperBound)")
    }
  }

  func clear() throws(PolicyError) {
    guard let range = policy.clearRange else { return }
    guard policy.harvest == .clear else {
      let reason = "harvest=\(policy.harvest.text) makes no KVM_CLEAR_DIRTY_LOG"
      throw refusal(.clear, reason, "slot, or harvest=clear")
    }
    let word = setting.granule.page * 64
    guard range >= word, range <= PolicyKey.sizes.upperBound,
      range.rawValue % word.rawValue == 0
    else {
      throw refusal(.clear, "CLEAR works on words of 64 pages", "a multiple of \(word)")
    }
  }

  func slices() throws(PolicyError) {
    guard PolicyKey.pauses.contains(policy.pause) else {
      throw refusal(.pause, "a pause is shorter", PolicyKey.pause.legal)
    }
    if let slice = policy.slice {
      guard slice >= setting.granule.page, slice <= PolicyKey.sizes.upperBound,
        slice.rawValue % setting.granule.page.rawValue == 0
      else {
        throw refusal(.slice, "a slice is whole pages", "a multiple of \(setting.granule.page)")
      }
      if policy.path == .processExit || policy.path == .memslotDelete {
        throw refusal(.slice, "this teardown path is one call", "none, or path=madvise-slices")
      }
      try hugetlb(slice)
    } else if policy.path == .madviseSlices {
      throw refusal(.path, "it needs the size of a slice", "path=madvise-slices,slice=4MiB")
    }
  }

  /// Hugetlb memory is given back in whole huge pages, and by MADV_DONTNEED from 5.18 on.
  private func hugetlb(_ slice: ByteCount) throws(PolicyError) {
    guard let page = setting.hugetlbPage, let rules = setting.rules else { return }
    let isAdvice = policy.path == .madviseSlices
    if isAdvice, rules.hugetlbAdvice == .refused,
      let reason = rules.refusalToAdvise(slice, hugetlbPage: page)
    {
      throw refusal(.path, reason, "munmap, memslot-delete or process-exit")
    }
    let reason =
      isAdvice
      ? rules.refusalToAdvise(slice, hugetlbPage: page)
      : rules.refusalToUnmap(slice, hugetlbPage: page)
    if let reason { throw refusal(.slice, reason, "a multiple of \(page)") }
  }

  func network() throws(PolicyError) {
    guard policy.threadedNAPI else { return }
    guard setting.release >= KernelRelease(major: 5, minor: 12) else {
      let reason = "Linux \(setting.release) has no threaded NAPI (5.12 and later)"
      throw refusal(.napi, reason, "softirq")
    }
  }

  private func power(
    _ size: ByteCount,
    of key: PolicyKey,
    atMost limit: ByteCount
  ) throws(PolicyError) {
    guard size.isPowerOfTwo, size >= setting.granule.page, size <= limit else {
      let legal = "a power of two from \(setting.granule.page) to \(limit)"
      throw refusal(key, "a chunk is a power of two of at least one page", legal)
    }
  }

  private func refusal(_ key: PolicyKey, _ reason: String, _ legal: String) -> PolicyError {
    .impossible(
      key: key.rawValue,
      value: policy.text(of: key) ?? "",
      reason: reason,
      legal: legal
    )
  }
}
