// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Scenarios
import TestSupport
import Testing

/// How fast the machine is: a smoke run here, the real size with `S2TUNE_BENCHMARK=1` in release.
@Suite struct ThroughputTests {
  static let isFull = environment("S2TUNE_BENCHMARK") != nil

  @Test(arguments: [ChunkRule.smallestBlock, .largestBlock])
  func eventsPerSecond(_ chunk: ChunkRule) throws {
    let workload = Fixture.workload(gibibytes: Self.isFull ? 256 : 1)
    var scenario = Fixture.scenario(Fixture.kernel(6, 1), workload, chunk: chunk)
    scenario.host.nic.moderation = .microseconds(20)
    let clock = ContinuousClock()
    var report: RunReport?
    let time = try clock.measure { report = try scenario.run() }
    let whole = try #require(report)
    #expect(whole.stop == .completed)
    scenario.extent = .window(Window())
    let short = try clock.measure { report = try scenario.run() }
    let window = try #require(report)
    guard Self.isFull else { return }
    let rate = Double(whole.events) / (time / .seconds(1)) / 1e6
    print("\(chunk): \(whole.events) events in \(time), \(rate) M/s, \(whole.operation.whole)")
    print("window: \(window.events) events in \(short), \(window.operation.whole)")
    #expect(time < .seconds(10))
    #expect(short < .milliseconds(200))
  }
}
