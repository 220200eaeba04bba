// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// What changed from release to release: one row a change, in the order they are applied.
///
/// A new release is a new row. `[H]` in a source means that the change was read in the release's
/// own sources or commit, `[M]` that it was inferred from a neighbour or a list of commits.
enum ReleaseTable {
  /// The first release whose rules are known: those are the defaults of `ReleaseRules`.
  static let oldest = KernelRelease(major: 5, minor: 10)

  /// One change and the releases that have it.
  struct Row: Sendable {
    /// The releases that have it.
    let span: ReleaseSpan
    /// The commit or text it was taken from.
    let source: String
    /// The change.
    let change: @Sendable (inout ReleaseRules) -> Void

    init(
      _ major: Int,
      _ minor: Int,
      backports: [KernelRelease] = [],
      _ source: String,
      _ change: @escaping @Sendable (inout ReleaseRules) -> Void
    ) {
      span = ReleaseSpan(since: KernelRelease(major: major, minor: minor), backports: backports)
      self.source = source
      self.change = change
    }
  }

  private static func stable(_ major: Int, _ minor: Int, _ patch: Int) -> KernelRelease {
    KernelRelease(major: major, minor: minor, patch: patch)
  }

  static let rows: [Row] = [
    Row(5, 14, "cache maintenance moves into the map walker [M]; seen on 6.1.176 [H]") {
      $0.cleansOnPermissionMap = true
    },
    Row(5, 18, "fcc5bf89635a, f783ef1c0e82 [M]") {
      $0.lock = .readWrite
      $0.sharedFaults = .pageWritePermission
    },
    Row(5, 18, "90e7e7f5ef3f [H]") { $0.hugetlbAdvice = .roundsUp },
    Row(6, 1, "8ebe0a5eaaeb [H]; the update of 6.0.y that carries it is not known") {
      $0.hugetlbAdvice = .roundsDown
    },
    Row(6, 1, backports: [stable(5, 15, 151)], "5994bc9e05c2; 5.15.y after .150 [H, patch M]") {
      $0.chunk = .largestBlock
    },
    Row(6, 1, "final-sync workaround, seen on 6.1.176 [H]; exact update unknown") {
      $0.repeatedSync = .finalSync
    },
    Row(6, 2, "1577cb5823ce, dirty ring for arm64 [H/M]") {
      $0.sharedFaults = .all
      $0.mapVisitsTablesAfter = false
      $0.dirtyRing = true
    },
    Row(6, 4, "fixes for 6.4, take 2 [M]; nVHE entry barrier read in 6.12 [H], since 6.4 [M]") {
      $0.rereadsAfterPre = true
      $0.fullEntryBarrierAtEL2 = true
    },
    Row(6, 5, "eager split, a12ab1378a88, d15121be7485 [H]") {
      $0.eagerSplit = true
      $0.relaxesLocally = true
      $0.softirqYieldsToKsoftirqd = false
    },
    Row(6, 6, "FEAT_TLBIRANGE series, EEVDF [H]") {
      $0.rangeEncoding = .ascending
      $0.leafFlush = .deferredWithRange
      $0.tableFlush = .withLeaves
      $0.slotFlush = .range
      $0.blockFlush = .range
      $0.scheduler = .eevdf(baseSlice: .microseconds(750))
    },
    Row(6, 8, "LPA2, descending scales [H]") {
      $0.largeAddresses = true
      $0.rangeEncoding = .descendingMasked
      $0.levelUnknownIsExplicit = false
    },
    Row(
      6,
      9,
      backports: [stable(6, 6, 30)],
      "e3ba51ab24fd, 0f0ff097bf77 [H]; 6.6.y in spring 2024 [M]"
    ) {
      $0.rangeEncoding = .descending
      $0.levelUnknownIsExplicit = true
    },
    Row(
      6,
      9,
      backports: [stable(6, 6, 47), stable(6, 1, 192)],
      "f62d4c3eb687, 36e008323926 [H]; the hint is gone in 6.1.192 [H], since [M]"
    ) { $0.tableFlush = .immediate(hinted: false) },
    Row(6, 11, "c793a62823d1, nested shadow tables [M]") {
      $0.contentionBreak = .runningModel
      $0.nestedShadows = true
    },
    Row(6, 12, "stage-2 dump in debugfs [H]") { $0.tableDump = true },
    Row(6, 13, backports: [stable(6, 12, 117)], "read in 6.12.117 and 7.2 [H], since [M]") {
      $0.vanishedTable = .toleratedAfterBreak
    },
    Row(6, 15, backports: [stable(6, 12, 40), stable(6, 14, 9)], "2ae891b82695 [H, patch M]") {
      $0.scheduler = .eevdf(baseSlice: .microseconds(700))
    },
    Row(6, 16, "c8597e2dd8b6 [M]") { $0.lazyPreemption = true },
    Row(6, 19, "156f70afcfec, d68d66e57e2b, 4ddfab5436b6 [H]") { $0.destroy = .chunked },
    Row(7, 0, "7dadeaa6e851 [H]") { $0.cooperativePreemption = false },
  ]
}
