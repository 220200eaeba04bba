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
    return try await body(folder.appending(path: "runs.jsonl"))
  }
}

@Suite("Designs and stores")
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

  @Test("Any number of workers leaves the same runs and the same digest", arguments: [1, 2, 5])
  func workers(count: Int) async throws {
    let points = try Toy.space.points(37, seed: Seed(5))
    let expected = points.map { Toy.record($0) }
    try await Toy.withFile { file in
      let store = try RunStore(file, identity: Toy.identity(points))
      try await Campaign(points: points, workers: count).run(into: store) { Toy.record($0) }
      #expect(store.runs == expected)
      let again = try RunStore(file, identity: Toy.identity(points))
      #expect(again.runs == expected)
      #expect(try again.digest() == store.digest())
    }
  }

  @Test("A store cut anywhere in its last lines is resumed to the same runs")
  func resume() async throws {
    let points = try Toy.space.points(6, seed: Seed(5))
    let expected = points.map { Toy.record($0) }
    try await Toy.withFile { file in
      let store = try RunStore(file, identity: Toy.identity(points))
      try await Campaign(points: points).run(into: store) { Toy.record($0) }
      let whole = try Data(contentsOf: file)
      for cut in stride(from: whole.count, to: 0, by: -211) {
        try whole.prefix(cut).write(to: file)
        let resumed = try RunStore(file, identity: Toy.identity(points))
        #expect(resumed.runs == Array(expected.prefix(resumed.runs.count)))
        try await Campaign(points: points).run(into: resumed) { Toy.record($0) }
        #expect(resumed.runs == expected)
        #expect(try Data(contentsOf: file) == whole, "cut at \(cut) of \(whole.count)")
      }
    }
  }

  @Test("A failed run is named; what was done before it is kept")
  func failure() async throws {
    let points = try Toy.space.points(20, seed: Seed(5))
    try await Toy.withFile { file in
      let store = try RunStore(file, identity: Toy.identity(points))
      let failure = await #expect(throws: CampaignError.self) {
        try await Campaign(points: points, workers: 1).run(into: store) {
          point throws(CampaignError) in
          if point.index == 11 { throw .run(index: 11, reason: "no such rule") }
          return Toy.record(point)
        }
      }
      #expect(failure?.description == "run 11 failed: no such rule")
      #expect(store.done == Array(0..<11))
    }
  }

  @Test("Stores of another design or simulator, and lines changed by hand, are refused")
  func foreign() async throws {
    let points = try Toy.space.points(5, seed: Seed(5))
    try await Toy.withFile { file in
      let store = try RunStore(file, identity: Toy.identity(points))
      try await Campaign(points: points).run(into: store) { Toy.record($0) }
      #expect(
        throws: CampaignError.foreign(
          file: file.path,
          quantity: "simulator",
          found: "1",
          expected: "2"
        )
      ) { try RunStore(file, identity: Toy.identity(points, simulator: "2")) }
      let fewer = try Toy.space.points(4, seed: Seed(5))
      #expect(throws: CampaignError.self) {
        try RunStore(file, identity: Toy.identity(fewer))
      }
      // The same host by name with one cost changed is another host.
      var dearer = Toy.space
      dearer.hosts[0].tlbi.ipaFlush = .nanoseconds(9_983)
      let others = try dearer.points(5, seed: Seed(5))
      #expect(others.map(\.host.name) == points.map(\.host.name))
      #expect(throws: CampaignError.self) {
        try RunStore(file, identity: Toy.identity(others))
      }
      let text = try String(contentsOf: file, encoding: .utf8)
      let changed = text.replacing("\"index\":1,", with: "\"index\":9,")
      #expect(changed != text)
      try changed.write(to: file, atomically: true, encoding: .utf8)
      #expect(throws: CampaignError.corrupt(file: file.path, line: 3)) {
        try RunStore(file, identity: Toy.identity(points))
      }
    }
  }

  @Test(
    "A file that holds no runs is refused and not written to",
    arguments: ["{\"a\":1}\n", "x", "a\nb\n"]
  )
  func noStore(text: String) async throws {
    let points = try Toy.space.points(2, seed: Seed(5))
    try await Toy.withFile { file in
      try text.write(to: file, atomically: true, encoding: .utf8)
      #expect(
        throws: CampaignError.file(
          name: file.path,
          reason: "this is no file of runs; name another, it stays as it is"
        )
      ) { try RunStore(file, identity: Toy.identity(points)) }
      #expect(try String(contentsOf: file, encoding: .utf8) == text)
    }
  }

  @Test("A store that was stopped within its first line begins anew")
  func stoppedAtOnce() async throws {
    let points = try Toy.space.points(2, seed: Seed(5))
    try await Toy.withFile { file in
      _ = try RunStore(file, identity: Toy.identity(points))
      let whole = try Data(contentsOf: file)
      for length in [0, 5, 17, whole.count - 1] {
        try whole.prefix(length).write(to: file)
        #expect(try RunStore(file, identity: Toy.identity(points)).done.isEmpty)
        #expect(try Data(contentsOf: file) == whole)
      }
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
      #expect(record.featureVector.map { $0[.leafWork] > 0 || $0[.lockFree] == 1 } == true)
    }
  }
}
