// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Scenarios
import Testing

/// What the 2024 thread reports, from page tables to goodput.
@Suite struct ThreadTests {
  @Test(arguments: [Fixture.kernel(6, 1), Fixture.kernel(6, 12)])
  func orderOfTheThreeChunks(_ kernel: KernelProfile) throws {
    let workload = Fixture.workload(gibibytes: 4)
    func retained(_ chunk: ChunkRule, breaks: Bool = true) throws -> Double {
      var scenario = Fixture.scenario(kernel, workload, chunk: chunk)
      scenario.policy.breaks = breaks
      return try #require(scenario.run().network).retained
    }
    #expect(try retained(.rootEntry) <= 0.05)
    #expect(try retained(.largestBlock) <= 0.6)
    #expect(try retained(.smallestBlock) >= 0.97)
    #expect(try retained(.smallestBlock, breaks: false) <= 0.05)
  }

  @Test func withoutTrafficTheChunkDoesNotMatter() throws {
    let workload = Fixture.workload(gibibytes: 4, quiet: true)
    let rules: [ChunkRule] = [.rootEntry, .largestBlock, .smallestBlock, .fixed(.kibibytes(256))]
    let times = try rules.map { rule in
      try Fixture.scenario(Fixture.kernel(6, 1), workload, chunk: rule).run().operation.whole
    }
    for time in times { #expect(abs(time.inSeconds / times[0].inSeconds - 1) < 0.01) }
  }

  @Test func unmapTakesWhatTheThreadSays() throws {
    let workload = Fixture.workload(gibibytes: 1, quiet: true)
    var scenario = Fixture.scenario(Fixture.kernel(6, 1), workload, chunk: .largestBlock)
    let perLeaf = try scenario.run()
    #expect(abs(perLeaf.operation.stageTwo.inSeconds - 0.300) < 0.015)
    #expect(perLeaf.counts.ipaFlushes == 262_144 + 514)
    scenario.policy.flush = .vmidAbove(leaves: 512)
    let single = try scenario.run()
    #expect(abs(single.operation.stageTwo.inSeconds - 0.046) < 0.005)
  }
}
