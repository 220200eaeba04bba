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

/// What each mechanism does: the same scenario with and without it.
@Suite struct MechanismTests {
  /// A run with a mechanism and one without.
  static func pair(
    _ mechanism: Mechanism,
    _ base: Scenario
  ) throws -> (with: RunReport, without: RunReport) {
    var scenario = base
    let with = try scenario.run()
    scenario.switches = MachineSwitches(without: [mechanism])
    return (with, try scenario.run())
  }

  static func teardown(
    _ kernel: KernelProfile = Fixture.kernel(6, 1),
    _ chunk: ChunkRule = .largestBlock,
    quiet: Bool = false,
    _ change: (inout Scenario) -> Void = { _ in }
  ) -> Scenario {
    let workload = Fixture.workload(gibibytes: 1, quiet: quiet)
    var scenario = Fixture.scenario(kernel, workload, chunk: chunk)
    change(&scenario)
    return scenario
  }

  @Test(arguments: Mechanism.allCases) func withoutItSomethingElseHappens(
    _ mechanism: Mechanism
  ) throws {
    switch mechanism {
    case .interrupts, .maskedFlushes, .softirqRule, .ksoftirqd, .breakPoints, .timers, .slices:
      try Self.processor(mechanism)
    case .moderation, .ring, .window, .timeout, .congestion: try Self.network(mechanism)
    case .lockLines:
      var crowd = DirtyTests.scenario((6, 5), vcpus: 32)
      crowd.host.fault.lineTransfer = .nanoseconds(45)
      let (with, without) = try Self.pair(mechanism, crowd)
      #expect(with.operation.whole > without.operation.whole * 3)
    case .hostFreeing, .fabric, .sharedFaults, .faultRetry, .refill: try Self.host(mechanism)
    }
  }

  static func processor(_ mechanism: Mechanism) throws {
    switch mechanism {
    case .interrupts:
      let (with, without) = try pair(mechanism, teardown())
      #expect(with.cpu.softirq + with.cpu.ksoftirqd > .milliseconds(10))
      #expect(without.cpu.ksoftirqd == .zero)
      #expect(without.network?.interrupts == 0)
    case .maskedFlushes:
      // Most of a leaf's time is its flush, and an interrupt meets any point of it alike.
      let (with, without) = try pair(mechanism, teardown(Fixture.kernel(6, 12), .smallestBlock))
      let masked = try #require(with.masked)
      #expect(masked.interrupts > 1_000 && masked.longestWait <= .nanoseconds(970))
      let mean = Double(masked.wait.rawValue) / Double(masked.interrupts)
      #expect(abs(mean / 485 - 1) < 0.1)
      #expect(without.masked?.interrupts == 0 && without.digest != with.digest)
      // What an interrupt met in a chunk's last flush is not done twice.
      #expect(with.cpu.stageTwo == with.operation.stageTwoCPU)
      #expect(without.cpu.stageTwo == without.operation.stageTwoCPU)
    case .softirqRule:
      let (with, without) = try pair(mechanism, elsewhere)
      #expect(try #require(without.network).retained > #require(with.network).retained + 0.1)
      #expect(with.network?.softirqsBesideThread == 0)
    case .ksoftirqd:
      let (with, without) = try pair(mechanism, elsewhere)
      #expect(try #require(with.network).ksoftirqdWakes > 0)
      #expect(without.network?.ksoftirqdWakes == 0 && without.cpu.ksoftirqd == .zero)
    case .breakPoints:
      let (with, without) = try pair(mechanism, teardown(Fixture.kernel(6, 1), .smallestBlock))
      #expect(try #require(with.network).retained > 0.9)
      #expect(try #require(without.network).retained < 0.1)
      #expect(without.locks?.breaksTaken == 0)
    case .timers:
      let (with, without) = try pair(mechanism, teardown(quiet: true))
      #expect(with.cpu.softirq > .zero && without.cpu.softirq == .zero)
    case .slices:
      let (with, without) = try pair(
        mechanism,
        teardown(Fixture.kernel(6, 1), .smallestBlock, quiet: true) { $0.workload.competitors = 1 }
      )
      #expect(with.operation.stageTwo > without.operation.stageTwo * 3 / 2)
    default: Issue.record("no mechanism of the processor")
    }
  }

  /// The reader on another CPU and one chunk: only the softirq rule matters.
  static var elsewhere: Scenario {
    teardown(Fixture.kernel(6, 1), .rootEntry) {
      $0.workload.memory.size = .gibibytes(4)
      $0.workload.network.reader = .elsewhere
      // More than one poll an interrupt, and somebody waits: what is left wakes ksoftirqd.
      $0.host.nic.moderation = .microseconds(600)
      $0.workload.competitors = 1
    }
  }

  static func network(_ mechanism: Mechanism) throws {
    switch mechanism {
    case .moderation:
      let (with, without) = try pair(mechanism, teardown(Fixture.kernel(6, 12), .smallestBlock))
      #expect(
        try #require(without.network).interrupts > 2 * #require(with.network).interrupts
      )
    case .ring:
      let (with, without) = try pair(mechanism, starved)
      #expect(try #require(with.network).drops.ring > 0)
      #expect(without.network?.drops.ring == 0)
    case .window:
      let narrow = teardown(Fixture.kernel(6, 12)) { $0.workload.network.window = .mebibytes(1) }
      let (with, without) = try pair(mechanism, narrow)
      let inside = (with.network?.packetsInside ?? 0, without.network?.packetsInside ?? 0)
      #expect(inside.1 > inside.0 * 2)
    case .timeout:
      let (with, without) = try pair(mechanism, starved)
      #expect(try #require(with.network).timeouts > 0)
      #expect(without.network?.timeouts == 0)
    case .congestion:
      // After the chunk the host frees pages, and the flow comes back with or without a cut.
      let (with, without) = try pair(mechanism, starved)
      let rates = (
        try #require(with.network).duringWhole, try #require(without.network).duringWhole
      )
      #expect(rates.1 > rates.0)
    default: Issue.record("no mechanism of the network")
    }
  }

  /// Up to 6.4 one long chunk: the ring fills, packets are lost, the timer fires.
  static var starved: Scenario {
    var scenario = elsewhere
    scenario.workload.network.window = .mebibytes(32)
    scenario.workload.network.roundTrip = .milliseconds(5)
    return scenario
  }

  static func host(_ mechanism: Mechanism) throws {
    switch mechanism {
    case .hostFreeing:
      let (with, without) = try pair(mechanism, teardown(quiet: true))
      let freed = with.operation.whole - without.operation.whole
      #expect(abs(freed.inSeconds / (262_144 * 200e-9) - 1) < 0.05)
    case .fabric:
      let busy = teardown(quiet: true) { $0.workload.neighbours = 3 }
      let (with, without) = try pair(mechanism, busy)
      // Half of a flush of 970 ns occupies the fabric: four that flush after 176 ns fill it.
      let expected = 4 * 485.0 / (176 + 970)
      let ratio = with.operation.stageTwo.inSeconds / without.operation.stageTwo.inSeconds
      #expect(abs(ratio / expected - 1) < 0.02)
      let others = try #require(with.neighbours)
      #expect(others.alone == without.operation.stageTwoCPU)
      #expect(others.beside == with.operation.stageTwoCPU)
      #expect(others.paidByEach > .zero && others.othersBefore > others.alone)
    case .sharedFaults, .faultRetry:
      let (with, without) = try pair(mechanism, storm)
      if mechanism == .faultRetry {
        #expect(try #require(with.faults).retries > 0)
        #expect(without.faults?.retries == 0)
      } else {
        // One fault at a time, fewer race for a page: fewer copies, but nobody maps beside another.
        let calls = (with.faults?.notifierCalls ?? 0, without.faults?.notifierCalls ?? 0)
        #expect(calls.1 < calls.0)
        #expect(without.operation.whole != with.operation.whole)
      }
    case .refill:
      var scenario = migration
      let with = try scenario.run()
      scenario.switches = MachineSwitches(without: [.refill])
      let without = try scenario.run()
      #expect(try #require(without.migration).guestSpeed > #require(with.migration).guestSpeed)
    default: Issue.record("no mechanism of the host")
    }
  }

  static var storm: Scenario {
    var workload = Fixture.workload(gibibytes: 1, quiet: true)
    workload.operation = .mapCreate
    workload.memory.vcpus = 16
    return Fixture.scenario(Fixture.kernel(6, 6), workload, chunk: .largestBlock)
  }

  /// 6.1 ends every CLEAR with a flush of the whole VMID.
  static var migration: Scenario {
    var workload = Fixture.workload(gibibytes: 16, quiet: true)
    workload.operation = .migration
    workload.memory.vcpus = 16
    workload.migration.dirtyPagesPerSecond = 100_000
    workload.migration.workingSet = .gibibytes(4)
    var scenario = Fixture.scenario(Fixture.kernel(6, 1), workload, chunk: .largestBlock)
    scenario.policy.clearRange = .mebibytes(64)
    scenario.extent = .window(Window())
    return scenario
  }

  /// What a policy or a profile switches off by having none of it.
  @Test func movedInterruptsThreadedNAPIAndPreemptionChangeWhoWaits() throws {
    func kept(_ change: (inout Scenario) -> Void) throws -> Double {
      try #require(Self.teardown(Fixture.kernel(6, 1), .largestBlock, change).run().network)
        .retained
    }
    let present = try kept { _ in }
    let moved = try kept {
      $0.policy.interrupt = .moved
      $0.workload.network.reader = .elsewhere
    }
    #expect(moved > 0.97 && present < 0.6)
    let threaded = try Self.teardown { $0.policy.threadedNAPI = true }.run()
    #expect(threaded.cpu.ksoftirqd > .milliseconds(10))
    #expect(threaded.network?.ksoftirqdWakes == 0)
  }
}

extension MechanismTests {
  /// Loads that a workload has none of leave no trace in the report, and the CPU to the walker.
  @Test func loadsOfZeroAreNotThere() throws {
    let idle = Self.teardown(quiet: true)
    let without = try idle.run()
    #expect(without.storage == nil && without.requests == nil && without.connects == nil)
    #expect(without.cpu.storage == .zero && without.cpu.competitors == .zero)
    let loads: [(inout WorkloadProfile) -> Void] = [
      { $0.storage.queueDepth = 16 }, { $0.network.requests = 5_000 },
      { $0.network.connects = 2_000 }, { $0.competitors = 1 }, { $0.network.datagrams = 20_000 },
    ]
    for add in loads {
      var scenario = idle
      add(&scenario.workload)
      #expect(try scenario.run().operation.whole > without.operation.whole)
    }
  }

  /// The scheduler's generation decides how long a saturated CPU keeps the walker waiting.
  @Test func generationsOfTheSchedulerDiffer() throws {
    let times = try [Fixture.kernel(6, 5), Fixture.kernel(6, 6)].map { kernel in
      var scenario = Self.teardown(kernel, .smallestBlock, quiet: true)
      scenario.workload.competitors = 2
      return try scenario.run().operation.stageTwo
    }
    #expect(times[0] != times[1])
  }

  /// FULL preempts the host's freeing anywhere, NONE only at its yields, and both not in a chunk.
  @Test func modelsOfPreemptionDifferOutsideTheLock() throws {
    func switches(_ model: PreemptionModel) throws -> RunReport {
      var scenario = Self.teardown(Fixture.kernel(6, 6, model), .largestBlock)
      scenario.host.hostFree.pagesPerYield = 65_536
      return try scenario.run()
    }
    let (none, full) = (try switches(.none), try switches(.full))
    let whole = (try #require(none.network).duringWhole, try #require(full.network).duringWhole)
    #expect(whole.1 > whole.0)
    #expect(none.locks?.longestChunk ?? .zero >= .milliseconds(290))
    #expect(full.locks?.longestChunk ?? .zero >= .milliseconds(290))
  }
}
