// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// How a release works around the erratum REPEAT_TLBI_SYNC on CPUs that have it.
public enum RepeatedSync: Hashable, Sendable {
  /// Every TLBI is issued twice with a barrier between, inside the instruction's macro.
  case everyInstruction
  /// One more TLBI and DSB at the end of each broadcast flush; seen on 6.1.176, 6.12 and 7.3.
  case finalSync
}

/// Turns flushes into the TLBI instructions and barriers that one kernel on one CPU executes.
///
/// Source: the VHE and nVHE flush routines of 5.10, 6.1, 6.12 and 7.3, and the captures.
struct FlushSequences: Hashable, Sendable {
  let features: CPUFeatures
  let release: ReleaseRules
  let granule: Granule

  /// How often each TLBI is executed: twice under the erratum's old workaround.
  var executions: Int64 {
    features.repeatTLBISync && release.repeatedSync == .everyInstruction ? 2 : 1
  }

  /// Broadcast flushes of one IPA each.
  func ipa(_ count: Int64, into counts: inout EventCounts) {
    counts.ipaFlushes += count
    counts.tlbiIPAS2E1IS += executions * count
    counts.tlbiVMALLE1IS += executions * count
    broadcast(count, syncs: 2, instructions: 2, into: &counts)
  }

  /// Flushes of one IPA each on this CPU alone.
  func localIPA(_ count: Int64, into counts: inout EventCounts) {
    counts.ipaFlushesLocal += count
    counts.tlbiIPAS2E1 += executions * count
    counts.tlbiVMALLE1 += executions * count
    counts.repeatedSyncs += (executions - 1) * 2 * count
    counts.dsbISH += (executions - 1) * 2 * count
    counts.dsbNSH += 2 * count
    enter(count, store: \.dsbNSHST, full: \.dsbNSH, into: &counts)
  }

  /// Flushes of everything under the VMID.
  func vmid(_ count: Int64, into counts: inout EventCounts) {
    counts.vmidFlushes += count
    counts.tlbiVMALLS12E1IS += executions * count
    broadcast(count, syncs: 1, instructions: 1, into: &counts)
  }

  /// One call of the range helper over `bytes` from an address that is `residue` modulo 64 KiB.
  ///
  /// Without FEAT_TLBIRANGE, and before 6.6, it is one VMID flush whatever the size.
  func range(bytes: Int64, residue: Int64, into counts: inout EventCounts) {
    counts.rangeFlushRequests += 1
    guard features.rangeTLBI, let encoding = release.rangeEncoding else {
      return vmid(1, into: &counts)
    }
    let page = granule.page.rawValue
    let alignment = features.largeAddresses ? max(1, 0x10000 / page) : 1
    var base = residue / page
    var left = bytes / page
    while left > 0 {
      let pages = min(left, RangeEncoding.pageLimit)
      let operations = encoding.operations(pages: pages, base: base, alignment: alignment)
      counts.rangeFlushes += 1
      counts.tlbiRIPAS2E1IS += executions * operations.ranges
      counts.tlbiIPAS2E1IS += executions * operations.singles
      counts.scalesSkipped += operations.skipped
      counts.tlbiVMALLE1IS += executions
      broadcast(1, syncs: 2, instructions: operations.count + 1, into: &counts)
      base += pages
      left -= pages
    }
  }

  /// The barriers of broadcast flushes with so many syncs and TLBI instructions each.
  private func broadcast(
    _ count: Int64,
    syncs: Int64,
    instructions: Int64,
    into counts: inout EventCounts
  ) {
    counts.dsbISH += syncs * count
    enter(count, store: \.dsbISHST, full: \.dsbISH, into: &counts)
    guard features.repeatTLBISync else { return }
    switch release.repeatedSync {
    case .finalSync:
      counts.dsbISH += count
      counts.tlbiRepeated += count
      counts.repeatedSyncs += count
    case .everyInstruction:
      counts.dsbISH += instructions * count
      counts.repeatedSyncs += instructions * count
    }
  }

  /// Entry barrier, ISBs and, without VHE, the hypercall.
  private func enter(
    _ count: Int64,
    store: WritableKeyPath<EventCounts, Int64>,
    full: WritableKeyPath<EventCounts, Int64>,
    into counts: inout EventCounts
  ) {
    // One ISB ends the invalidation; with VHE one more stands in the wrapper of the call.
    let isVHE = features.virtualizationHostExtensions
    counts.isb += (entryISBs + 1 + exitISBs + (isVHE ? 1 : 0)) * count
    guard !isVHE else {
      counts[keyPath: store] += count
      return
    }
    counts.hypercalls += count
    counts[keyPath: release.fullEntryBarrierAtEL2 ? full : store] += count
  }

  /// ISBs of the switch to the guest's context; the erratum of speculative AT adds one, since the
  /// tables have to be in place before the other registers change.
  var entryISBs: Int64 { features.speculativeAT ? 2 : 1 }

  /// ISBs of the switch back; older nVHE kernels have one for the erratum alone.
  var exitISBs: Int64 {
    features.virtualizationHostExtensions || release.fullEntryBarrierAtEL2 || features.speculativeAT
      ? 1 : 0
  }
}
