// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Scenarios
import Testing

/// vCPUs that write write-protected pages: the lock's rule, the flush's reach, the fabric.
@Suite struct DirtyTests {
  /// 64 MiB for each vCPU, beside nothing.
  static func scenario(_ kernel: (Int, Int), vcpus: Int) -> Scenario {
    var workload = Fixture.workload(gibibytes: 1, quiet: true)
    workload.operation = .dirty
    workload.memory.size = .mebibytes(64) * Int64(vcpus)
    workload.memory.vcpus = vcpus
    return Fixture.scenario(Fixture.kernel(kernel.0, kernel.1), workload, chunk: .largestBlock)
  }

  static func seconds(_ scenario: Scenario) throws -> Double {
    try scenario.run().operation.whole.inSeconds
  }

  @Test func everyPageFaultsOnce() throws {
    let report = try Self.scenario((6, 1), vcpus: 4).run()
    #expect(report.counts.guestAborts == 65_536)
    #expect(report.counts.ipaFlushes == 65_536 && report.counts.ipaFlushesLocal == 0)
    // One vCPU: 600 ns outside the lock, 300 under it, a flush of 970.
    let alone = try Self.seconds(Self.scenario((6, 1), vcpus: 1))
    #expect(abs(alone / (16_384 * 1_870e-9) - 1) < 0.01)
  }

  /// Before 5.18 one fault at a time, then one flush at a time, from 6.5 nobody waits for anybody.
  @Test func releasesDecideWhatVCPUsWaitFor() throws {
    let exclusive = try Self.seconds(Self.scenario((5, 15), vcpus: 16))
    let shared = try Self.seconds(Self.scenario((6, 1), vcpus: 16))
    let local = try Self.seconds(Self.scenario((6, 5), vcpus: 16))
    #expect(abs(exclusive / (16 * 16_384 * 1_270e-9) - 1) < 0.02)
    #expect(abs(shared / (16 * 16_384 * 485e-9) - 1) < 0.02)
    #expect(abs(local / (16_384 * 1_150e-9) - 1) < 0.02)
  }

  @Test func withoutTheFabricSixteenTakeAsLongAsOne() throws {
    var scenario = Self.scenario((6, 1), vcpus: 16)
    scenario.switches = MachineSwitches(without: [.fabric])
    let alone = try Self.seconds(Self.scenario((6, 1), vcpus: 1))
    #expect(abs(try Self.seconds(scenario) / alone - 1) < 0.01)
    scenario.switches = MachineSwitches(without: [.sharedFaults])
    #expect(try Self.seconds(scenario) > 10 * alone)
  }

  /// Flushes of a VM that ran on many CPUs take longer where the host says so.
  @Test func cpusThatRanTheVMLengthenFlushes() throws {
    var scenario = Self.scenario((6, 1), vcpus: 16)
    let near = try Self.seconds(scenario)
    scenario.host.tlbi.reach = 0.01
    #expect(abs(try Self.seconds(scenario) / near - 1.15) < 0.01)
    var teardown = Fixture.scenario(
      Fixture.kernel(6, 1),
      Fixture.workload(gibibytes: 1, quiet: true),
      chunk: .largestBlock
    )
    teardown.host.tlbi.reach = 0.01
    let one = try teardown.run().operation.stageTwoCPU.inSeconds
    teardown.workload.memory.vcpus = 16
    let many = try teardown.run().operation.stageTwoCPU.inSeconds
    #expect(abs((many - one) / (262_144 * 970e-9 * 0.15) - 1) < 0.02)
  }

  @Test func blocksAreRefusedWithASentence() throws {
    var scenario = Self.scenario((6, 1), vcpus: 2)
    scenario.workload.memory.blockShare = 0.5
    let error = #expect(throws: OperationError.self) { try scenario.run() }
    #expect(try #require(error).description.contains("vm.block_share"))
  }
}
