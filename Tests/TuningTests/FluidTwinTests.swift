// SPDX-License-Identifier: GPL-3.0-or-later

import Estimates
import Observations
import Operations
import Policies
import Profiles
import Quantities
import Randomness
import Scenarios
import Testing
import Tuning

/// The features that a fluid gives, against the simulator that it stands in for.
@Suite("A fluid says nearly what the simulator says")
struct FluidTwinTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let workload: String
    let kernel: String
    let policy: String
    var testDescription: String { "\(workload) on \(kernel), \(policy)" }
  }

  static let cases = [
    Case(workload: "storage-randwrite", kernel: "6.19", policy: "chunk=4MiB"),
    Case(workload: "storage-randwrite", kernel: "6.12", policy: "chunk=32MiB"),
    Case(workload: "container-churn", kernel: "6.16", policy: "chunk=16MiB"),
    Case(workload: "container-churn", kernel: "7.3", policy: "chunk=64MiB"),
    Case(workload: "rpc-latency", kernel: "6.6", policy: "chunk=1GiB"),
    Case(workload: "kvm-page-table-test", kernel: "6.1", policy: "chunk=2MiB"),
  ]

  /// The features of a case and the report of a windowed run.
  static func both(
    _ twin: Case,
    host: String = "graviton3"
  ) throws -> (features: FeatureVector, report: RunReport) {
    let store = ProfileStore.standard(named: nil)
    let question = Question(
      host: try store.load(HostProfile.self, named: host).profile,
      kernel: try store.load(KernelProfile.self, named: twin.kernel).profile,
      workload: try store.load(WorkloadProfile.self, named: twin.workload).profile
    )
    var scenario = Scenario(
      host: question.host,
      kernel: question.kernel,
      workload: question.workload,
      policy: try Policy(parsing: twin.policy, over: question.presentPolicy)
        .canonical(in: question.setting),
      seed: Seed(7)
    )
    scenario.extent = .window(.standard)
    let features = FeatureVector(
      of: scenario.operation,
      plan: try scenario.operation.gatheredPlan()
    )
    return (features, try scenario.run())
  }

  @Test("Times within 3 %, shares within 5 points", arguments: cases)
  func near(_ twin: Case) throws {
    let (features, report) = try Self.both(twin)
    func check(_ feature: Feature, _ response: Response) throws {
      let value = try #require(report.value(of: response))
      let error = features[feature] / value - 1
      #expect(error.magnitude < 0.03, "\(feature.rawValue) errs by \(100 * error) %")
    }
    try check(.fluidStageTwo, .stageTwoTime)
    try check(.fluidWhole, .teardownTime)
    if twin.policy == "chunk=1GiB" { try check(.fluidHold, .longestHold) }
    if let kept = report.value(of: .goodputRetained) {
      #expect((features[.fluidGoodput] - min(1, kept)).magnitude < 0.05)
    }
    if let kept = report.value(of: .iopsRetained) {
      #expect((features[.fluidIOPS] - min(1, kept)).magnitude < 0.05)
    }
  }

  @Test(
    "Reclaim under CFS within 7 %: woken readers preempt once the walker's first credit is spent",
    arguments: ["kunpeng920", "tlbirange-vhe-2023"]
  )
  func reclaimUnderCFS(host: String) throws {
    let twin = Case(workload: "memory-reclaim", kernel: "6.1", policy: "chunk=1GiB")
    let (features, report) = try Self.both(twin, host: host)
    for (feature, response) in [
      (Feature.fluidStageTwo, Response.stageTwoTime), (.fluidWhole, .teardownTime),
    ] {
      let value = try #require(report.value(of: response))
      let error = features[feature] / value - 1
      #expect(error.magnitude < 0.07, "\(feature.rawValue) errs by \(100 * error) %")
    }
    let kept = try #require(report.value(of: .goodputRetained))
    #expect((features[.fluidGoodput] - min(1, kept)).magnitude < 0.04)
  }

  @Test(
    "A storm of first touches within 1 %, where faults share the lock",
    arguments: ["chunk=1GiB,tlbi=per-leaf", "chunk=64KiB,tlbi=none"]
  )
  func storm(policy: String) throws {
    for host in ["graviton3", "ampere-altra", "qemu-n1-6.1"] {
      let twin = Case(workload: "map-create-storm", kernel: "6.12", policy: policy)
      let (features, report) = try Self.both(twin, host: host)
      let value = try #require(report.value(of: .stageTwoTime))
      let error = features[.fluidStageTwo] / value - 1
      #expect(error.magnitude < 0.01, "\(host) errs by \(100 * error) %")
    }
  }

  /// The closed form of the rounds against every round executed; without IO what remains is the
  /// machine's switches and ticks, with it the calls are longer by what shares their CPU.
  @Test(
    "A migration's rounds in closed form are those of the whole run",
    arguments: [("clear=64MiB", 0.0), ("clear=slot", 0), ("clear=1GiB,chunk=128KiB", 0)]
  )
  func migration(_ policy: String, _ load: Double) throws {
    let store = ProfileStore.standard(named: nil)
    var loaded = try LoadedSetup(
      workload: "live-migration",
      host: "graviton3",
      kernel: "6.12",
      from: store
    )
    try loaded.set([("vm.memory", "8GiB"), ("net.flows", "0"), ("net.offered", "0bit/s")])
    let policy = try loaded.policy(policy)
    let scenario = Scenario(loaded.setup, policy: policy, seed: Seed(7))
    let features = FeatureVector(
      of: scenario.operation,
      plan: try scenario.operation.gatheredPlan()
    )
    let report = try scenario.run()
    for (feature, response, bound) in [
      (Feature.preCopyTime, Response.migrationTime, 0.005), (.preCopyDowntime, .downtime, 0.02),
      (.preCopyProtecting, .writeProtectTotal, 0.02),
    ] {
      let value = try #require(report.value(of: response))
      let error = features[feature] / value - 1
      #expect(error.magnitude < bound, "\(feature.rawValue) errs by \(100 * error) %")
    }
  }
}
