// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Policies
import Profiles
import Quantities
import Randomness
import Scenarios

/// A Graviton3-like host and the thread's workload, for the tests of this room.
enum Fixture {
  static func host(_ change: (inout HostProfile) -> Void = { _ in }) -> HostProfile {
    var stage2 = StageTwoCosts()
    stage2.leafCleared = .nanoseconds(176)
    stage2.leafProtected = .nanoseconds(25)
    stage2.leafDestroyed = .nanoseconds(140)
    stage2.invalidVisit = .nanoseconds(10)
    stage2.tableVisit = .nanoseconds(30)
    stage2.tableFreed = .nanoseconds(250)
    stage2.walkerCall = .nanoseconds(150)
    stage2.entryBuilt = .nanoseconds(10)
    stage2.tableAllocated = .nanoseconds(400)
    var tlbi = InvalidationCosts()
    tlbi.ipaFlush = .nanoseconds(970)
    tlbi.ipaFlushLocal = .nanoseconds(250)
    tlbi.rangeFlush = .nanoseconds(970)
    tlbi.rangeOperation = .nanoseconds(300)
    tlbi.vmidFlush = .nanoseconds(1_000)
    tlbi.occupancy = 0.5
    tlbi.vmidRefill = .nanoseconds(30_000)
    var fault = FaultCosts()
    fault.outsideLock = .nanoseconds(600)
    fault.insideLock = .nanoseconds(300)
    fault.retry = .nanoseconds(1_000)
    fault.pageAllocation = .nanoseconds(800)
    var hostFree = HostFreeCosts()
    hostFree.page = .nanoseconds(200)
    hostFree.hugePage = .nanoseconds(2_000)
    hostFree.call = .nanoseconds(2_000)
    var cpu = ProcessorCosts()
    cpu.contextSwitch = .nanoseconds(1_500)
    cpu.hardInterrupt = .nanoseconds(1_000)
    cpu.tick = .nanoseconds(2_000)
    cpu.softirqEntry = .nanoseconds(300)
    cpu.wakeup = .nanoseconds(800)
    var nic = NetworkAdapter()
    nic.rate = .gigabits(10)
    nic.moderation = .microseconds(50)
    nic.poll = .nanoseconds(500)
    nic.packet = .nanoseconds(900)
    nic.readerKilobyte = .nanoseconds(100)
    nic.readerCall = .nanoseconds(600)
    var storage = StorageDevice()
    storage.completion = .nanoseconds(1_000)
    storage.submission = .nanoseconds(2_000)
    var host = HostProfile(
      name: "graviton3-like",
      cpus: 64,
      granule: .size4K,
      features: CPUFeatures(forcedWriteBack: true, levelHint: true),
      stage2: stage2,
      tlbi: tlbi,
      fault: fault,
      hostFree: hostFree,
      cpu: cpu,
      nic: nic,
      storage: storage
    )
    change(&host)
    return host
  }

  static func kernel(
    _ major: Int,
    _ minor: Int,
    _ model: PreemptionModel = .voluntary
  ) -> KernelProfile {
    KernelProfile(
      name: "\(major).\(minor)",
      release: KernelRelease(major: major, minor: minor),
      preemption: model,
      hz: 250
    )
  }

  /// A teardown of 4K pages with 48-bit IPA, beside a flow of 9.5 Gbit/s unless it is quiet.
  static func workload(gibibytes: Int64, quiet: Bool = false) -> WorkloadProfile {
    var workload = WorkloadProfile(name: "fixture")
    workload.memory.size = .gibibytes(gibibytes)
    workload.memory.ipaBits = 48
    workload.memory.vcpus = 1
    if quiet { workload.network.flows = 0 } else { workload.network.offered = .gigabits(9.5) }
    return workload
  }

  static func scenario(
    _ kernel: KernelProfile,
    _ workload: WorkloadProfile,
    chunk: ChunkRule,
    seed: UInt64 = 1
  ) -> Scenario {
    Scenario(
      host: host(),
      kernel: kernel,
      workload: workload,
      policy: Policy(chunk: chunk, flush: .perLeaf),
      seed: Seed(seed)
    )
  }
}
