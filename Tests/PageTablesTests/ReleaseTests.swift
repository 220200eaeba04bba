// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
import Testing

@testable import PageTables

/// One rule that changes with a release: what it is before and from then on.
struct ReleaseChange: Sendable, CustomTestStringConvertible {
  let before: KernelRelease
  let from: KernelRelease
  let rule: String
  let holds: @Sendable (ReleaseRules, ReleaseRules) -> Bool

  init<Value: Equatable & Sendable>(
    _ before: (Int, Int, Int),
    _ from: (Int, Int, Int),
    _ rule: String,
    _ field: any KeyPath<ReleaseRules, Value> & Sendable,
    _ old: Value,
    _ new: Value
  ) {
    self.before = KernelRelease(major: before.0, minor: before.1, patch: before.2)
    self.from = KernelRelease(major: from.0, minor: from.1, patch: from.2)
    self.rule = rule
    holds = { $0[keyPath: field] == old && $1[keyPath: field] == new }
  }

  var testDescription: String { "\(rule) from \(from)" }
}

/// A line for every change, backports included; a new release adds its own.
private let changes: [ReleaseChange] = [
  .init((5, 13, 0), (5, 14, 0), "cleans", \.cleansOnPermissionMap, false, true),
  .init((5, 17, 0), (5, 18, 0), "lock", \.lock, .spin, .readWrite),
  .init((5, 17, 0), (5, 18, 0), "faults", \.sharedFaults, .none, .pageWritePermission),
  .init((5, 17, 0), (5, 18, 0), "hugetlb", \.hugetlbAdvice, .refused, .roundsUp),
  .init((6, 0, 0), (6, 1, 0), "hugetlb", \.hugetlbAdvice, .roundsUp, .roundsDown),
  .init((6, 0, 0), (6, 1, 0), "chunk", \.chunk, .rootEntry, .largestBlock),
  .init((5, 15, 150), (5, 15, 151), "chunk, 5.15.y", \.chunk, .rootEntry, .largestBlock),
  .init((6, 0, 0), (6, 1, 0), "erratum", \.repeatedSync, .everyInstruction, .finalSync),
  .init((6, 1, 0), (6, 2, 0), "faults", \.sharedFaults, .pageWritePermission, .all),
  .init((6, 1, 0), (6, 2, 0), "map visits", \.mapVisitsTablesAfter, true, false),
  .init((6, 1, 0), (6, 2, 0), "dirty ring", \.dirtyRing, false, true),
  .init((6, 3, 0), (6, 4, 0), "PRE", \.rereadsAfterPre, false, true),
  .init((6, 3, 0), (6, 4, 0), "nVHE entry", \.fullEntryBarrierAtEL2, false, true),
  .init((6, 4, 0), (6, 5, 0), "eager split", \.eagerSplit, false, true),
  .init((6, 4, 0), (6, 5, 0), "relax", \.relaxesLocally, false, true),
  .init((6, 4, 0), (6, 5, 0), "ksoftirqd", \.softirqYieldsToKsoftirqd, true, false),
  .init((6, 5, 0), (6, 6, 0), "range", \.rangeEncoding, nil, .ascending),
  .init((6, 5, 0), (6, 6, 0), "leaves", \.leafFlush, .immediate, .deferredWithRange),
  .init((6, 5, 0), (6, 6, 0), "tables", \.tableFlush, .immediate(hinted: true), .withLeaves),
  .init((6, 5, 0), (6, 6, 0), "slot flush", \.slotFlush, .vmid, .range),
  .init((6, 5, 0), (6, 6, 0), "block flush", \.blockFlush, .vmid, .range),
  .init((6, 7, 0), (6, 8, 0), "LPA2", \.largeAddresses, false, true),
  .init((6, 7, 0), (6, 8, 0), "range", \.rangeEncoding, .ascending, .descendingMasked),
  .init((6, 7, 0), (6, 8, 0), "level", \.levelUnknownIsExplicit, true, false),
  .init((6, 8, 0), (6, 9, 0), "range", \.rangeEncoding, .descendingMasked, .descending),
  .init((6, 6, 29), (6, 6, 30), "range, 6.6.y", \.rangeEncoding, .ascending, .descending),
  .init((6, 8, 0), (6, 9, 0), "level", \.levelUnknownIsExplicit, false, true),
  .init((6, 8, 0), (6, 9, 0), "tables", \.tableFlush, .withLeaves, .immediate(hinted: false)),
  .init(
    (6, 6, 46),
    (6, 6, 47),
    "tables, 6.6.y",
    \.tableFlush,
    .withLeaves,
    .immediate(hinted: false)
  ),
  .init((6, 10, 0), (6, 11, 0), "contention", \.contentionBreak, .builtModel, .runningModel),
  .init((6, 10, 0), (6, 11, 0), "shadows", \.nestedShadows, false, true),
  .init((6, 11, 0), (6, 12, 0), "dump", \.tableDump, false, true),
  .init((6, 12, 116), (6, 12, 117), "vanished", \.vanishedTable, .invalid, .toleratedAfterBreak),
  .init((6, 12, 0), (6, 13, 0), "vanished", \.vanishedTable, .invalid, .toleratedAfterBreak),
  .init(
    (6, 14, 0),
    (6, 15, 0),
    "slice",
    \.scheduler,
    .eevdf(baseSlice: .microseconds(750)),
    .eevdf(baseSlice: .microseconds(700))
  ),
  .init((6, 15, 0), (6, 16, 0), "lazy", \.lazyPreemption, false, true),
  .init((6, 18, 0), (6, 19, 0), "destroy", \.destroy, .singleWalk, .chunked),
  .init((6, 19, 0), (7, 0, 0), "preemption", \.cooperativePreemption, true, false),
]

@Suite struct ReleaseTests {
  @Test(arguments: changes)
  func theRuleChangesThere(_ change: ReleaseChange) throws {
    let before = try ReleaseRules.rules(for: change.before)
    #expect(change.holds(before, try ReleaseRules.rules(for: change.from)))
  }

  /// No row of the table without a line above: a new row needs its line.
  @Test func everyRowHasALine() {
    for row in ReleaseTable.rows {
      #expect(changes.contains { $0.from == row.span.since }, "\(row.span.since): \(row.source)")
    }
  }

  /// Rules of releases between two changes, and of those after the last.
  @Test func aReleaseWithoutARowHasTheOneBefore() throws {
    for (old, new) in [((6, 12), (6, 12)), ((7, 0), (7, 3)), ((7, 3), (9, 1))] {
      var rules = try ReleaseRules.rules(for: KernelRelease(major: old.0, minor: old.1))
      rules.release = KernelRelease(major: new.0, minor: new.1)
      #expect(rules == (try ReleaseRules.rules(for: rules.release)))
    }
    // The constant of the 2024 proposal was never merged.
    let newest = try ReleaseRules.rules(for: KernelRelease(major: 7, minor: 3))
    #expect(newest.chunk == .largestBlock)
  }

  @Test func anOlderReleaseIsRefused() {
    let old = KernelRelease(major: 5, minor: 9)
    #expect(throws: PageTableError.unknownRelease(old, oldest: ReleaseTable.oldest)) {
      try ReleaseRules.rules(for: old)
    }
  }
}
