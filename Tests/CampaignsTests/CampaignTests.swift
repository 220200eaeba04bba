// SPDX-License-Identifier: GPL-3.0-or-later

import Campaigns
import Foundation
import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness
import Scenarios
import TestSupport
import Testing

/// A small design over made-up profiles, and runs that cost nothing.
enum Toy {
  static func host(_ name: String, features: CPUFeatures) -> HostProfile {
    var stage2 = StageTwoCosts()
    stage2.leafCleared = .nanoseconds(200)
    var nic = NetworkAdapter()
    nic.rate = .gigabits(25)
    nic.packet = .nanoseconds(800)
    return HostProfile(
      name: name,
      cpus: 8,
      granule: .size4K,
      features: features,
      stage2: stage2,
      tlbi: InvalidationCosts(),
      fault: FaultCosts(),
      hostFree: HostFreeCosts(),
      cpu: ProcessorCosts(),
      nic: nic,
      storage: StorageDevice()
    )
  }

  static var space: DesignSpace {
    var workload = WorkloadProfile(name: "teardown")
    workload.memory.size = .gibibytes(4)
    workload.network.offered = .gigabits(5)
    return DesignSpace(
      hosts: [
        host("plain", features: CPUFeatures(forcedWriteBack: true)),
        host("range", features: CPUFeatures(forcedWriteBack: true, rangeTLBI: true)),
      ],
      kernels: [
        KernelProfile(
          name: "6.1",
          release: KernelRelease(major: 6, minor: 1),
          preemption: .voluntary,
          hz: 250
        ),
        KernelProfile(
          name: "6.12",
          release: KernelRelease(major: 6, minor: 12),
          preemption: .full,
          hz: 1000
        ),
      ],
      workloads: [workload]
    )
  }

  /// A run that measures nothing but where it stands in the design.
  static func record(_ point: DesignPoint) -> RunRecord {
    var report = RunReport(
      identity: RunIdentity(
        host: point.host.name,
        kernel: point.kernel.name,
        workload: point.workload.name,
        policy: point.policy.description,
        seed: point.seed
      )
    )
    report.digest = point.seed &* 7
    let features = FeatureVector(
      values: Feature.allCases.indices.map { Double($0 + point.index) / 3 }
    )
    return RunRecord(index: point.index, group: point.group, features: features, report: report)
  }

  static func identity(_ points: [DesignPoint], simulator: String = "1") -> CampaignIdentity {
    CampaignIdentity(name: "toy", seed: 5, points: points, simulator: simulator)
  }

  /// A file that is removed with its folder when the test ends.
  static func withFile<Result>(_ body: (URL) async throws -> Result) async throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder.appending(path: "runs.db"))
  }

  /// The profiles of the space, as a plan's.
  static var profiles: PlannedProfiles {
    PlannedProfiles(hosts: space.hosts, kernels: space.kernels, workloads: space.workloads)
  }

  /// A plan over the space: a draw, or a grid of policies.
  static func plan(_ name: String, runs: Int = 12, policies: [String] = [], replicates: Int = 1)
    -> CampaignPlan
  {
    CampaignPlan(
      name: name,
      hosts: space.hosts.map(\.name),
      kernels: space.kernels.map(\.name),
      workloads: space.workloads.map(\.name),
      policies: policies,
      runs: runs,
      replicates: replicates,
      seed: 5
    )
  }
}

@Suite("Designs")
struct CampaignTests {
  @Test("A design is the same every time, differs by seed, and a longer one begins with it")
  func design() throws {
    let points = try Toy.space.points(60, seed: Seed(5))
    #expect(try Toy.space.points(60, seed: Seed(5)) == points)
    #expect(try Toy.space.points(90, seed: Seed(5)).prefix(60) == points[...])
    #expect(try Toy.space.points(60, seed: Seed(6)) != points)
    #expect(points.map(\.index) == Array(0..<60))
    #expect(Set(points.map(\.seed)).count == 60)
  }

  @Test("Every point is possible and canonical, and hosts, kernels and knobs are all met")
  func coverage() throws {
    let points = try Toy.space.points(300, seed: Seed(5))
    for point in points {
      let setting = point.setup.setting
      try point.policy.validate(in: setting)
      #expect(point.policy.canonical(in: setting) == point.policy)
      #expect(point.workload.memory.size.rawValue % (2 << 20) == 0)
      #expect(point.workload.memory.size <= .gibibytes(4))
    }
    #expect(Set(points.map(\.host.name)).count == 2)
    #expect(Set(points.map(\.kernel.name)).count == 2)
    #expect(Set(points.compactMap(\.policy.path)).count == 4)
    #expect(Set(points.map { "\($0.policy.chunk)" }).count > 12)
    #expect(Set(points.map { "\($0.policy.flush)" }).count > 5)
    #expect(points.contains { $0.policy.interrupt == .moved })
  }

  @Test("An empty design says what is missing")
  func empty() {
    var space = Toy.space
    space.kernels = []
    #expect(throws: CampaignError.emptyDesign(missing: "kernel")) {
      try space.points(1, seed: Seed(1))
    }
  }

  @Test("A point runs in the simulator, twice to the same record")
  func simulated() throws {
    var space = Toy.space
    space.memoryShares = 0.004...0.01
    for point in try space.points(4, seed: Seed(5)) {
      let record = try point.run(extent: .exact)
      #expect(try point.run(extent: .exact) == record)
      #expect((record.report.value(of: .teardownTime) ?? 0) > 0)
      let again = try JSONDecoder().decode(RunReport.self, from: JSON.data(record.report))
      #expect(again == record.report)
      #expect(record.featureVector.map { $0[.leafWork] > 0 || $0[.lockFree] == 1 } == true)
    }
  }
}
