// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Scenarios
import Testing

/// Chunks that end on time or on what they disturb.
@Suite struct ControllerTests {
  static func run(_ controller: ChunkController, quiet: Bool = false) throws -> RunReport {
    let workload = Fixture.workload(gibibytes: 2, quiet: quiet)
    var scenario = Fixture.scenario(Fixture.kernel(6, 1), workload, chunk: .largestBlock)
    scenario.policy.controller = controller
    return try scenario.run()
  }

  @Test(arguments: [50, 500]) func timeBudgetBoundsTheChunk(_ micros: Int64) throws {
    let budget = Nanoseconds.microseconds(micros)
    let report = try Self.run(.timeBudget(budget, stride: 8), quiet: true)
    let longest = try #require(report.locks?.longestChunk)
    // Ticks interrupt a chunk, and the tables it frees come on top of its leaves.
    #expect(longest <= budget + .microseconds(30))
    #expect(longest.rawValue * 2 > budget.rawValue)
    #expect(report.counts.leavesCleared == 2 * 262_144)
  }

  @Test func timeBudgetKeepsTheFlow() throws {
    let report = try Self.run(.timeBudget(.microseconds(500), stride: 8))
    #expect(try #require(report.network).retained > 0.95)
  }

  /// Long chunks while nobody waits, short ones under load.
  @Test func feedbackAdaptsToLoad() throws {
    let feedback = ChunkController.feedback(floor: .kibibytes(256), patience: 4)
    let busy = try Self.run(feedback)
    let quiet = try Self.run(feedback, quiet: true)
    let fixed = try Self.run(.fixed)
    let kept = (try #require(busy.network).retained, try #require(fixed.network).retained)
    #expect(kept.0 > kept.1 + 0.15)
    let longest = (try #require(busy.locks).longestChunk, try #require(quiet.locks).longestChunk)
    #expect(longest.1 > .milliseconds(290))
    #expect(quiet.counts.leavesCleared == busy.counts.leavesCleared)
  }
}
