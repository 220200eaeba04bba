// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness
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

  @Test func mixedLeavesAreRefusedWithASentence() throws {
    var scenario = Self.scenario((6, 1), vcpus: 2)
    scenario.workload.memory.blockShare = 0.5
    let error = #expect(throws: OperationError.self) { try scenario.run() }
    #expect(try #require(error).description.contains("vm.block_share"))
  }
}

/// Guests whose memory is in blocks: split by the first write while logging is on, split before, or
/// touched for the first time.
@Suite struct BlockFaultTests {
  /// 16 blocks of 2 MiB for each vCPU.
  static func scenario(
    _ kernel: (Int, Int),
    vcpus: Int,
    _ operation: StageTwoOperation = .dirty,
    split: Bool = false
  ) -> Scenario {
    var scenario = DirtyTests.scenario(kernel, vcpus: vcpus)
    scenario.workload.operation = operation
    scenario.workload.memory.size = .mebibytes(32) * Int64(vcpus)
    scenario.workload.memory.blockShare = 1
    if split { scenario.policy.eagerSplit = .mebibytes(2) }
    return scenario
  }

  /// The first write breaks the block and maps one page; the other 511 fault on nothing mapped.
  @Test func aBlockIsSplitOnceAndEveryPageFaults() throws {
    let report = try Self.scenario((6, 1), vcpus: 4).run()
    #expect(try #require(report.faults).faults == 4 * 8_192)
    #expect(report.counts.guestAborts == 4 * 8_192)
    #expect(report.counts.ipaFlushes == 64 && report.counts.tablesAllocated == 64)
    // One vCPU: 600 ns outside, 300 under the lock; a table of 400 and a flush of 970 a block.
    let alone = try DirtyTests.seconds(Self.scenario((6, 1), vcpus: 1))
    let expected = Double(8_192) * 900e-9 + 16 * 1_370e-9
    #expect(abs(alone / expected - 1) < 0.01)
  }

  /// After an eager split only writes fault, each for its page.
  @Test func anEagerSplitLeavesTheFaultsOfWrites() throws {
    var scenario = Self.scenario((6, 5), vcpus: 2, split: true)
    scenario.workload.writeShare = 0.1
    let report = try scenario.run()
    let faults = Double(report.faults?.faults ?? 0)
    #expect(abs(faults - 1_638.4) < 4 * (16_384 * 0.09).squareRoot())
    #expect(report.counts.guestAborts == 1_638 && report.counts.ipaFlushes == 0)
    // Without it nearly every access after the first write of a block faults.
    scenario.policy.eagerSplit = .zero
    let unsplit = try scenario.run()
    #expect(Double(unsplit.faults?.faults ?? 0) > 0.97 * 16_384 - 200)
    #expect(unsplit.operation.whole > report.operation.whole * 5)
  }

  /// Who only reads splits nothing; of few writes some blocks see none.
  @Test func blocksThatNobodyWritesStayWhole() throws {
    var scenario = Self.scenario((6, 5), vcpus: 2)
    scenario.workload.writeShare = 0
    let reading = try scenario.run()
    #expect(try #require(reading.faults).faults == 0 && reading.counts.guestAborts == 0)
    scenario.workload.writeShare = 0.001
    let blocks = try scenario.run().counts.tablesAllocated
    #expect(blocks == 13)  // 32 blocks, of which 0.999^512 see no write
  }

  /// Mapping a page takes the lock for write up to 6.1, for read from 6.2.
  @Test func releasesDecideWhoMapsAlone() throws {
    let exclusive = try DirtyTests.seconds(Self.scenario((6, 1), vcpus: 16))
    let shared = try DirtyTests.seconds(Self.scenario((6, 5), vcpus: 16))
    let alone = try DirtyTests.seconds(Self.scenario((6, 5), vcpus: 1))
    #expect(exclusive > 16 * 8_192 * 300e-9)
    #expect(shared < 1.1 * alone)
  }

  /// Faults pass the locks' cache lines one after another, four transfers each.
  @Test func manyVCPUsQueueForTheLocksLines() throws {
    var scenario = Self.scenario((6, 5), vcpus: 32)
    scenario.host.fault.lineTransfer = .nanoseconds(45)
    let floor = 32 * 8_192 * 180e-9
    let queued = try DirtyTests.seconds(scenario)
    #expect(queued > floor && queued < 1.1 * floor)
    scenario.switches = MachineSwitches(without: [.lockLines])
    #expect(try DirtyTests.seconds(scenario) < 0.3 * queued)
    scenario.switches = MachineSwitches()
    scenario.workload.memory.vcpus = 1
    scenario.workload.memory.size = .mebibytes(32)
    let alone = try DirtyTests.seconds(scenario)
    #expect(abs(alone / (try DirtyTests.seconds(Self.scenario((6, 5), vcpus: 1))) - 1) < 1e-9)
  }

  /// Clearing a block is parallel but for the memory's share of it; cleaning is under the lock.
  @Test func populatingIsBoundByTheMemoryOrByTheLock() throws {
    var scenario = Self.scenario((6, 5), vcpus: 16, .populate)
    scenario.host.fault.hugeMebibyte = .nanoseconds(25_000)
    scenario.host.fault.memoryOccupancy = 0.25
    let bound = 16 * 16 * 12_500e-9
    let cleared = try DirtyTests.seconds(scenario)
    #expect(cleared > bound && cleared < 1.15 * bound)
    #expect(try scenario.run().counts.guestAborts == 256)
    scenario.host.fault.memoryOccupancy = 0
    // Sixteen faults of 50.9 us each, and the slowest of sixteen vCPUs.
    let parallel = try DirtyTests.seconds(scenario) / (16 * 50_900e-9)
    #expect(parallel > 1 && parallel < 1.25)
    // Without FWB 32,768 lines a block are cleaned, one fault at a time up to 6.1.
    scenario.host.features.forcedWriteBack = false
    scenario.host.stage2.cacheLineCleaned = .nanoseconds(1)
    scenario.kernel = Fixture.kernel(6, 1)
    #expect(abs(try DirtyTests.seconds(scenario) / (256 * 33_068e-9) - 1) < 0.05)
  }

  /// The storm against one vCPU's walk through its part, access by access.
  @Test(arguments: [1.0, 0.3, 0.02]) func faultsOfOneVCPUAreThoseOfAWalk(_ share: Double) throws {
    var storm = PrivateStorm(vcpus: 1, accesses: 4_096, memory: .blocks(pages: 512), seed: Seed(3))
    storm.writes = share
    storm.hit = .nanoseconds(1_000)
    storm.split.inside = .nanoseconds(7)
    storm.map.inside = .nanoseconds(11)
    let found = storm.run()
    var chance = Seed(3).stream("writes")
    var (isSplit, time, faults) = (false, Int64(0), Int64(0))
    for access in 0..<4_096 {
      if access % 512 == 0 { isSplit = false }
      if isSplit {
        (time, faults) = (time + 11, faults + 1)
      } else if share >= 1 || chance.uniform() < share {
        (isSplit, time, faults) = (true, time + 7, faults + 1)
      } else {
        time += 1_000
      }
    }
    #expect(found.faults.faults == faults && found.time == .nanoseconds(time))
  }
}
