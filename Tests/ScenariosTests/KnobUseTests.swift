// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Scenarios
import Testing

/// What the tables of `PolicyKey.operations` and `unreadReason(ofKey:)` say, held against runs.
@Suite struct KnobUseTests {
  /// An operation on a small guest whose loads, where it has any, are those of one CPU.
  private static func scenario(
    _ operation: StageTwoOperation,
    isBusy: Bool = false
  ) -> Scenario {
    var workload = Fixture.workload(gibibytes: 1, quiet: true)
    workload.memory.size = .mebibytes(256)
    workload.memory.vcpus = 2
    workload.operation = operation
    workload.memory.blockShare = operation == .mapCreate ? 0 : 1
    workload.migration.dirtyPagesPerSecond = 2_000
    workload.migration.workingSet = .mebibytes(64)
    workload.migration.initiallyAllSet = false
    if isBusy {
      workload.network.flows = 1
      workload.network.offered = .gigabits(2)
    } else {
      workload.competitors = operation.sharesItsCPU ? 1 : 0
    }
    var scenario = Fixture.scenario(Fixture.kernel(6, 12), workload, chunk: .largestBlock)
    scenario.host.features.rangeTLBI = true
    return scenario
  }

  /// What a run says, the policy's own text apart.
  private static func run(_ scenario: Scenario, _ policy: String) throws -> RunReport {
    var scenario = scenario
    if !policy.isEmpty {
      scenario.policy = try Policy(parsing: policy, over: scenario.policy)
    }
    var report = try scenario.run()
    report.identity.policy = ""
    return report
  }

  /// Pairs of policies that differ in a key alone, among which some would show its effect.
  private static func trials(_ key: PolicyKey) -> [(String, String)] {
    switch key {
    case .chunk: [("", "chunk=4KiB"), ("", "chunk=visits:16")]
    case .tlbi: [("", "tlbi=deferred"), ("chunk=64KiB", "chunk=64KiB,tlbi=vmid:1")]
    case .controller: [("", "controller=time:20us/4"), ("", "controller=feedback:64KiB/1")]
    case .breaks: [("chunk=4KiB", "chunk=4KiB,breaks=no"), ("split=2MiB", "split=2MiB,breaks=no")]
    case .split: [("", "split=2MiB"), ("", "split=4KiB")]
    case .log: [("", "log=all-set")]
    case .harvest: [("", "harvest=get"), ("", "harvest=ring:4096")]
    case .clear: [("", "clear=256KiB")]
    case .path: [("", "path=process-exit")]
    case .slice: [("", "slice=4MiB")]
    case .pause: [("slice=4MiB", "slice=4MiB,pause=100us")]
    case .irq: [("", "irq=moved")]
    case .napi: [("", "napi=threaded")]
    }
  }

  @Test(arguments: StageTwoOperation.allCases, PolicyKey.allCases)
  func aKnobIsReadWhereItsTableSaysSo(_ operation: StageTwoOperation, _ key: PolicyKey) throws {
    let scenario = Self.scenario(operation, isBusy: key.needsNetwork)
    let differs = try Self.trials(key).contains { base, other in
      try Self.run(scenario, base) != Self.run(scenario, other)
    }
    #expect(differs == key.operations.contains(operation))
    #expect((scenario.workload.idleReason(key) == nil) == differs)
    guard key.needsNetwork else { return }
    let quiet = Self.scenario(operation)
    #expect(quiet.workload.idleReason(key) != nil)
    let (base, other) = Self.trials(key)[0]
    #expect(try Self.run(quiet, base) == Self.run(quiet, other))
  }

  /// On the path of an exiting process, and without slices.
  @Test(arguments: [
    ("path=process-exit", "chunk=4KiB"), ("path=process-exit", "controller=time:20us/4"),
    ("path=process-exit", "breaks=no"), ("path=munmap", "pause=100us"),
  ])
  func aKnobThatThePathDoesNotReadIsSaid(path: String, knob: String) throws {
    let scenario = Self.scenario(.teardown)
    #expect(try Self.run(scenario, path) == Self.run(scenario, path + "," + knob))
    let base = scenario.policy
    let policy = try Policy(parsing: path + "," + knob, over: base)
    let idle = scenario.workload.idleKnobs(of: policy, turnedFrom: base)
    #expect(idle.map(\.knob) == [knob])
    #expect(throws: Never.self) { try scenario.workload.refuseIdle(policy, turnedFrom: base) }
  }

  /// A value that is said not to be read changes no run.
  @Test(arguments: StageTwoOperation.allCases, [false, true])
  func aValueThatIsSaidNotToBeReadChangesNothing(
    _ operation: StageTwoOperation,
    isBusy: Bool
  ) throws {
    let scenario = Self.scenario(operation, isBusy: isBusy)
    let report = try Self.run(scenario, "")
    let names = WorkloadProfile.keys.map(\.name) + HostProfile.keys.map(\.name)
    var checked = 0
    for name in names where scenario.workload.unreadReason(ofKey: name) != nil {
      for text in Self.texts {
        var changed = scenario
        let isWorkload = WorkloadProfile.keys.first { $0.name == name }
          .map { $0.write(text, to: &changed.workload) }
        let isHost = HostProfile.keys.first { $0.name == name }
          .map { $0.write(text, to: &changed.host) }
        guard isWorkload ?? isHost ?? false, changed.workload.operation == operation else {
          continue
        }
        checked += 1
        #expect(try Self.run(changed, "") == report, "\(name)=\(text)")
        break
      }
    }
    #expect(checked > 5)
  }

  private static let texts = [
    "0.37", "3", "12us", "5MiB", "2KiB", "2Gbit/s", "elsewhere", "reno", "send", "process-exit",
    "no", "<=7ms", ">=0.5", "<=1.5x",
  ]
}
