// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness

/// Hosts, kernels and plans for the tests of this room; costs as of a Graviton3, rounded.
enum Fixture {
  static func host(_ change: (inout HostProfile) -> Void = { _ in }) -> HostProfile {
    var cpu = ProcessorCosts()
    cpu.contextSwitch = .nanoseconds(1_500)
    cpu.hardInterrupt = .nanoseconds(900)
    cpu.tick = .nanoseconds(1_500)
    cpu.softirqEntry = .nanoseconds(400)
    cpu.wakeup = .nanoseconds(800)
    var nic = NetworkAdapter()
    nic.rate = .gigabits(10)
    nic.moderation = .microseconds(50)
    nic.poll = .nanoseconds(500)
    nic.packet = .nanoseconds(900)
    nic.readerKilobyte = .nanoseconds(120)
    nic.readerCall = .nanoseconds(600)
    var storage = StorageDevice()
    storage.completion = .nanoseconds(700)
    storage.submission = .nanoseconds(2_500)
    var host = HostProfile(
      name: "fixture",
      cpus: 64,
      granule: .size4K,
      features: CPUFeatures(forcedWriteBack: true),
      stage2: StageTwoCosts(),
      tlbi: InvalidationCosts(),
      fault: FaultCosts(),
      hostFree: HostFreeCosts(),
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
    _ model: PreemptionModel = .voluntary,
    hz: Int = 250
  ) -> KernelProfile {
    KernelProfile(
      name: "\(major).\(minor)",
      release: KernelRelease(major: major, minor: minor),
      preemption: model,
      hz: hz
    )
  }

  /// A stage-2 operation of `total` CPU time in chunks of `chunk`, under mmu_lock.
  static func plan(chunk: Nanoseconds, total: Nanoseconds) -> WorkPlan {
    let units = max(1, total / chunk)
    let step = WorkStep(.stageTwo, unit: chunk, units: units, holdsLock: true)
    return WorkPlan([WorkGroup([step])])
  }

  /// One bulk flow of 9.5 Gbit/s in 9001-byte frames.
  static func bulk(reader: TaskPlacement = .sameCPU) -> NetworkLoad {
    var load = NetworkLoad()
    load.offered = .gigabits(9.5)
    load.reader = reader
    return load
  }

  static func input(
    _ kernel: KernelProfile,
    _ plan: WorkPlan,
    network: NetworkLoad? = nil,
    seed: UInt64 = 1
  ) throws -> MachineInput {
    var input = try MachineInput(host: host(), kernel: kernel, plan: plan, seed: Seed(seed))
    if let network { input.network = network } else { input.network.flows = 0 }
    return input
  }
}

extension MachineOutcome {
  /// Goodput in the baseline, bytes per second.
  var baselineRate: Double { Double(baselineBytes) / max(1e-9, baseline.inSeconds) }

  /// Goodput during the stage-2 part over the baseline's.
  var retained: Double {
    Double(stageTwoBytes) / max(1e-9, (stageTwoEnded - began).inSeconds) / baselineRate
  }

  /// How long the stage-2 part took.
  var stageTwo: Nanoseconds { stageTwoEnded - began }
}
