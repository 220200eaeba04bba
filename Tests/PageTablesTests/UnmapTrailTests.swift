// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
import TestSupport
import Testing

@testable import PageTables

/// One walk's calls under every flush rule, against a walk for each of them.
@Suite struct UnmapTrailTests {
  static let flushes: [FlushRule] = [
    .perLeaf, .deferredRange, .deferredIfCleared(.call), .deferredIfCleared(.clearedLeaves),
    .vmidAbove(leaves: 1), .vmidAbove(leaves: 64), .none,
  ]

  @Test(arguments: Property.seeds(150))
  func oneWalkServesEveryFlushRule(seed: UInt64) throws {
    var world = try RandomWorld(seed: seed)
    var rules = try world.rules()
    let (low, high) = world.range(1 << 30)
    let range = AddressRange(low, high)
    var walked = world.tables
    let trail = try walked.unmapTrail(range, rules)
    for flush in Self.flushes {
      rules.flush = flush
      rules.flushesTablesAtOnce = world.below(2) == 0
      rules.mayYield = world.below(2) == 0
      var tables = world.tables
      let sequence = try tables.unmap(range, rules)
      let shared = trail.sequence(rules)
      #expect(shared.inOrder == sequence.inOrder, "S2TUNE_SEED=\(seed) \(flush)")
      #expect(tables == walked, "S2TUNE_SEED=\(seed)")
      let gathered = trail.gathered.sequence(rules)
      #expect(gathered.tally == sequence.tally, "S2TUNE_SEED=\(seed) \(flush)")
      #expect(gathered.total == sequence.total && gathered.mayYield == sequence.mayYield)
    }
  }
}
