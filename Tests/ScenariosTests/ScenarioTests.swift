// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
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

@Suite struct ScenarioTests {
  static let kernel = Fixture.kernel(6, 1)

  /// A window must give what the whole run gives, near enough to rank policies.
  @Test(arguments: [ChunkRule.largestBlock, .smallestBlock])
  func windowAgreesWithTheWholeRun(_ chunk: ChunkRule) throws {
    var scenario = Fixture.scenario(Self.kernel, Fixture.workload(gibibytes: 6), chunk: chunk)
    let exact = try scenario.run()
    scenario.extent = .window(Window())
    let window = try scenario.run()
    #expect(exact.fidelity == .exact && window.fidelity == .window)
    #expect(window.events < exact.events)
    let whole = exact.operation.whole.inSeconds
    #expect(abs(window.operation.whole.inSeconds / whole - 1) < 0.05)
    let goodput = (try #require(exact.network), try #require(window.network))
    #expect(abs(goodput.0.retained - goodput.1.retained) < 0.03)
  }

  @Test(arguments: TeardownPath.allCases) func everyPathEnds(_ path: TeardownPath) throws {
    var workload = Fixture.workload(gibibytes: 1, quiet: true)
    workload.teardownPath = path
    let report = try Fixture.scenario(Self.kernel, workload, chunk: .largestBlock).run()
    #expect(report.stop == .completed)
    #expect(report.operation.whole >= report.operation.stageTwo)
    #expect(report.counts.leavesCleared + report.counts.leavesDestroyed == 262_144)
    #expect((report.locks == nil) == (path == .processExit))
    let flushes = report.counts.ipaFlushes
    #expect(path == .processExit ? flushes == 0 : flushes >= 262_144)
  }

  @Test func logEnableProtectsEverything() throws {
    var workload = Fixture.workload(gibibytes: 2, quiet: true)
    workload.operation = .logEnable
    let report = try Fixture.scenario(Self.kernel, workload, chunk: .largestBlock).run()
    #expect(report.counts.leavesProtected == 2 * 262_144)
    #expect(report.writeProtect?.total == report.operation.whole)
    let time = 2 * 262_144 * 25e-9
    #expect(abs(report.operation.stageTwo.inSeconds / time - 1) < 0.02)
  }

  @Test func mixedLayoutMapsWhatTheProfileSays() throws {
    var workload = Fixture.workload(gibibytes: 8, quiet: true)
    workload.memory.blockShare = 0.5
    workload.memory.hugeBlockShare = 0.25
    let counts = try Fixture.scenario(Self.kernel, workload, chunk: .largestBlock).counts()
    #expect(counts.leavesCleared == 2 + 6 * 341 + 6 * 171 * 512)
  }

  @Test func limitsStopARunAndTellWhatItKnew() throws {
    var scenario = Fixture.scenario(
      Self.kernel,
      Fixture.workload(gibibytes: 4),
      chunk: .largestBlock
    )
    scenario.limits.simulated = .milliseconds(500)
    let report = try scenario.run()
    #expect(report.stop == .timeLimit)
    #expect((0.1..<0.9).contains(report.operation.simulatedShare))
    scenario.limits = MachineLimits()
    scenario.limits.events = 1_000
    #expect(try scenario.run().stop == .eventLimit)
  }

  @Test func oneSeedOneReport() throws {
    let workload = Fixture.workload(gibibytes: 1)
    let scenario = Fixture.scenario(Self.kernel, workload, chunk: .smallestBlock)
    let first = try scenario.run()
    #expect(try scenario.run() == first)
    var other = scenario
    other.seed = Seed(2)
    #expect(try other.run().digest != first.digest)
  }

  @Test func reportsSurviveJSON() throws {
    let workload = Fixture.workload(gibibytes: 1)
    let report = try Fixture.scenario(Self.kernel, workload, chunk: .largestBlock).run()
    let data = try JSONEncoder().encode(report)
    #expect(try JSONDecoder().decode(RunReport.self, from: data) == report)
    let text = try #require(String(data: data, encoding: .utf8))
    #expect(text.contains("\"retained_share\"") && text.contains("\"max_ns\""))
    for response in [Response.teardownTime, .longestHold, .goodputRetained] {
      #expect(report.value(of: response) != nil)
    }
    #expect(report.value(of: .downtime) == nil)
  }

  @Test func impossibleScenariosAreRefused() {
    func refusal(_ change: (inout Scenario) -> Void) -> String? {
      var scenario = Fixture.scenario(
        Self.kernel,
        Fixture.workload(gibibytes: 1),
        chunk: .largestBlock
      )
      change(&scenario)
      do {
        _ = try scenario.run()
        return nil
      } catch { return error.description }
    }
    #expect(refusal { _ in } == nil)
    #expect(refusal { $0.host.nic.rate = .zero }?.contains("nic.rate") == true)
    #expect(refusal { $0.host.nic.queues = 65 }?.contains("nic.queues 65") == true)
    #expect(refusal { $0.workload.memory.size = .zero }?.contains("vm.memory") == true)
    #expect(refusal { $0.kernel.hz = 0 }?.contains("kernel.hz") == true)
    #expect(refusal { $0.kernel.preemption = .lazy }?.contains("lazy") == true)
    #expect(refusal { $0.kernel = Fixture.kernel(7, 0) }?.contains("voluntary") == true)
    #expect(refusal { $0.kernel = Fixture.kernel(4, 9) }?.contains("4.9") == true)
    #expect(refusal { $0.policy.flush = .deferredRange }?.contains("TLBIRANGE") == true)
    #expect(refusal { $0.workload.memory.ipaBits = 60 }?.contains("vm.ipa_bits 60") == true)
  }
}
