// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables

/// What of a row the captures' counters can see, by where the kernel runs.
///
/// Without VHE a flush is a hypercall to code at EL2. Its instructions are counted, its function is
/// not, unless the file shows otherwise.
struct EL2Sight {
  /// Columns that count calls of functions by name.
  static let flushColumns = ["ipa_flushes", "ipa_flushes_local", "range_flushes", "vmid_flushes"]
  /// Columns that count barriers.
  static let barrierColumns = ["stage2_dsb_ish", "stage2_isb"]

  /// Machines without VHE that name their flushes all the same.
  private let named: Set<String>

  init(_ counts: KernelCounts) {
    named = Set(counts.rows.filter { $0.counts.namedFlushes > 0 }.map(\.machine))
  }

  /// Whether a row's flushes are not seen by name.
  func isBlind(_ row: CountsRow) -> Bool {
    !row.features.virtualizationHostExtensions && !named.contains(row.machine)
  }

  /// Whether a row may hold a first run's flush at EL2.
  func isFirstRun(_ row: CountsRow) -> Bool {
    guard !row.features.virtualizationHostExtensions else { return false }
    return (try? CapturedPhase(row.phase))?.step.isTouch == true
  }

  /// The columns that are not compared in a row.
  func hidden(_ row: CountsRow, _ phase: CapturedPhase) -> Set<String> {
    var hidden: Set<String> = []
    // The host walks its own tables to find the size of a huge page.
    if phase.step.isTouch, !row.backing.isHugetlb {
      hidden.formUnion(["walk_calls", "table_loops"])
    }
    if isBlind(row) { hidden.formUnion(Self.flushColumns) }
    if isFirstRun(row) { hidden.formUnion(Self.barrierColumns) }
    return hidden
  }
}

extension EventCounts {
  /// Flushes of all kinds that were counted by the name of their function.
  fileprivate var namedFlushes: Int64 {
    ipaFlushes + ipaFlushesLocal + rangeFlushes + vmidFlushes
  }
}

extension CountsRow {
  /// Kernel, CPU and where the kernel runs: what decides which workarounds are in force.
  var machine: String {
    "\(kernel) \(cpu)" + (features.virtualizationHostExtensions ? "" : " nVHE")
  }

  /// Broadcast flushes and those of a whole VMID among them, by name or else by their TLBI.
  private var flushes: (all: Int64, vmid: Int64) {
    let named = counts.ipaFlushes + counts.rangeFlushes + counts.vmidFlushes
    guard named == 0 else { return (named, counts.vmidFlushes) }
    return (counts.tlbiVMALLE1IS + counts.tlbiVMALLS12E1IS, counts.tlbiVMALLS12E1IS)
  }

  private var rules: ReleaseRules? { try? ReleaseRules.rules(for: release) }

  /// Whether the row's barriers show the erratum REPEAT_TLBI_SYNC; nil where it has no broadcast
  /// flush.
  var repeatsSync: Bool? {
    let (flushes, vmid) = flushes
    guard flushes > 0, let rules else { return nil }
    let isVHE = features.virtualizationHostExtensions
    let atEntry = !isVHE && rules.fullEntryBarrierAtEL2 ? flushes : 0
    return counts.dsbISH > 2 * flushes - vmid + atEntry
  }

  /// Whether the row's ISBs show the workaround for speculative AT; nil where it has no broadcast
  /// flush, or others beside.
  var showsSpeculativeAT: Bool? {
    let flushes = flushes.all
    guard flushes > 0, counts.tlbiVMALLE1 == 0, let rules else { return nil }
    let usual: Int64 =
      features.virtualizationHostExtensions ? 4 : rules.fullEntryBarrierAtEL2 ? 3 : 2
    return counts.isb > usual * flushes
  }
}
