// SPDX-License-Identifier: GPL-3.0-or-later

import CostModels
import Estimates
import Foundation
import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness

/// A closed form that stands in for the simulator: the fits are judged by how well they learn it.
///
/// Teardown is work stretched by load; goodput falls when a chunk outlasts the receive ring; both
/// carry noise of a known size.
struct ToyMachine {
  var noise = 0.01
  /// Whether a long chunk costs goodput; switched off, the machine lacks its main mechanism.
  var starves = true
  /// Whether runs stop at two seconds.
  var limit = Double.infinity

  /// A host of plausible costs.
  static let host: HostProfile = {
    var stage2 = StageTwoCosts()
    stage2.leafCleared = .nanoseconds(180)
    stage2.tableFreed = .nanoseconds(250)
    stage2.tableVisit = .nanoseconds(20)
    stage2.walkerCall = .nanoseconds(300)
    var tlbi = InvalidationCosts()
    tlbi.ipaFlush = .nanoseconds(970)
    tlbi.vmidFlush = .nanoseconds(2_000)
    var free = HostFreeCosts()
    free.page = .nanoseconds(110)
    free.call = .nanoseconds(3_000)
    var nic = NetworkAdapter()
    nic.rate = .gigabits(30)
    nic.packet = .nanoseconds(900)
    nic.poll = .nanoseconds(300)
    nic.readerKilobyte = .nanoseconds(60)
    return HostProfile(
      name: "toy",
      cpus: 64,
      granule: .size4K,
      features: CPUFeatures(forcedWriteBack: true),
      stage2: stage2,
      tlbi: tlbi,
      fault: FaultCosts(),
      hostFree: free,
      cpu: ProcessorCosts(),
      nic: nic,
      storage: StorageDevice()
    )
  }()

  /// The point of a design: memory, chunk and load from three coordinates in 0..<1.
  static func features(_ u: [Double]) -> FeatureVector {
    var workload = WorkloadProfile(name: "toy")
    let gibibytes = 1 + Int64(u[0] * 63)
    workload.memory.size = .gibibytes(gibibytes)
    workload.network.offered = .gigabits(0.5 + 9 * u[2])
    let pages: Int64 = 1 << Int64(1 + u[1] * 17.99)
    var counts = EventCounts()
    counts.leavesCleared = pages
    counts.ipaFlushes = pages
    counts.walkCalls = 1
    counts.tablesFreed = pages / 512
    counts.tableVisits = max(1, pages / 512)
    var sequence = ChunkSequence()
    sequence.append(
      Chunk(span: .bytes(pages << 12), counts: counts),
      repeats: (gibibytes << 18) / pages
    )
    var plan = GatheredPlan(sequence)
    plan.freedPages = gibibytes << 18
    let setup = Setup(
      host: host,
      kernel: KernelProfile(
        name: "6.1",
        release: KernelRelease(major: 6, minor: 1),
        preemption: .voluntary,
        hz: 250
      ),
      workload: workload
    )
    let policy = Policy(chunk: .fixed(.bytes(pages << 12)), flush: .perLeaf)
    return FeatureVector(of: BatchedOperation(setup, policy), plan: plan)
  }

  /// What the machine says at a point.
  func observation(_ u: [Double], chance: inout Randomness.Stream, group: Int = 0) -> Observation {
    let features = Self.features(u)
    let work =
      features[.leafWork] + features[.ipaFlushWork] + features[.tableWork]
      + features[.hostFreeWork] + features[.callWork]
    let load = min(0.9, features[.softirqLoad] + 0.5 * features[.taskLoad])
    let teardown = 1.05 * work / (1 - load) * exp(noise * chance.normal())
    let overrun = features[.longestChunk] / features[.ringFill]
    let kept = starves ? 1 / (1 + pow(overrun, 1.5)) : 0.97
    let share = min(1, max(0, kept + noise * chance.normal()))
    var values = [Double?](repeating: nil, count: Response.allCases.count)
    for (index, response) in Response.allCases.enumerated() {
      if response == .teardownTime { values[index] = min(teardown, limit * 1e9) }
      if response == .goodputRetained { values[index] = share }
    }
    return Observation(
      features: features,
      values: values,
      isCensored: teardown > limit * 1e9,
      group: group
    )
  }

  /// A campaign of runs at uniform points.
  func campaign(_ count: Int, seed: UInt64) -> [Observation] {
    var chance = Seed(seed).stream("toy")
    return (0..<count).map { index in
      let u = [chance.uniform(), chance.uniform(), chance.uniform()]
      return observation(u, chance: &chance, group: index % 2)
    }
  }

  static let origin = ModelOrigin(
    name: "toy",
    design: "uniform",
    seed: 1,
    simulator: "toy-1",
    runsDigest: "0",
    date: "",
    rebuild: "none"
  )

  /// Settings small enough for a debug build.
  static var settings: FitSettings {
    var settings = FitSettings()
    settings.inducingLimit = 60
    settings.evidenceRuns = 60
    settings.starts = 1
    settings.iterationLimit = 15
    return settings
  }
}
