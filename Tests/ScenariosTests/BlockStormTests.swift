// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Scenarios
import Testing

/// Many vCPUs that map the same blocks: the host clears each once, and faults clean them.
@Suite struct BlockStormTests {
  static func scenario(_ kernel: (Int, Int), forcedWriteBack: Bool) -> Scenario {
    var workload = Fixture.workload(gibibytes: 8, quiet: true)
    workload.operation = .mapCreate
    workload.memory.vcpus = 8
    workload.memory.hugeBlockShare = 1
    var scenario = Fixture.scenario(
      Fixture.kernel(kernel.0, kernel.1),
      workload,
      chunk: .largestBlock
    )
    scenario.host.features.forcedWriteBack = forcedWriteBack
    scenario.host.stage2.cacheLineCleaned = .nanoseconds(8)
    scenario.host.fault.hugeMebibyte = .nanoseconds(50_000)
    return scenario
  }

  /// Seconds that the storm takes for each of its eight blocks.
  static func perBlock(_ kernel: (Int, Int), forcedWriteBack: Bool = false) throws -> Double {
    let report = try scenario(kernel, forcedWriteBack: forcedWriteBack).run()
    #expect(report.fidelity == .exact)
    return report.operation.whole.inSeconds / 8
  }

  /// A block of 1 GiB is 2^24 lines of 8 ns; clearing it takes 51.2 ms.
  @Test func releasesDecideWhoCleans() throws {
    let (clean, clear) = (Double(1 << 24) * 8e-9, 1_024 * 50e-6)
    // All eight clean under the lock, and the next block is cleared meanwhile.
    #expect(abs(try Self.perBlock((5, 10)) / (8 * clean) - 1) < 0.06)
    for kernel in [(5, 15), (6, 1), (6, 6)] {
      #expect(abs(try Self.perBlock(kernel) / (clear + clean) - 1) < 0.01)
    }
    #expect(abs(try Self.perBlock((5, 10), forcedWriteBack: true) / clear - 1) < 0.01)
  }

  @Test func aMixIsRefusedWithASentence() throws {
    var scenario = Self.scenario((6, 1), forcedWriteBack: true)
    scenario.workload.memory.hugeBlockShare = 0.5
    let error = #expect(throws: OperationError.self) { try scenario.run() }
    #expect(try #require(error).description.contains("vm.huge_block_share"))
  }
}
