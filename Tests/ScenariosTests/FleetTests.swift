// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import PageTables
import Policies
import Profiles
import Quantities
import Scenarios
import Testing

/// Operations on all CPUs of a host, and sockets that are full.
@Suite struct FleetTests {
  @Test func aFlowIsHitOnceInSixtyFour() {
    let fleet = FleetOutcome(
      cpus: 64,
      queues: 32,
      operationsPerHour: 640,
      duration: .seconds(36)
    )
    #expect(fleet.flowChance == 1.0 / 64 && fleet.queueChance == 0.5)
    #expect(abs(fleet.timeShare - 0.1) < 1e-12)
    #expect(abs(fleet.hourChance - (1 - exp(-10))) < 1e-12)
  }

  @Test func theReportHasAFleetViewWhereThereIsARate() throws {
    var workload = Fixture.workload(gibibytes: 1, quiet: true)
    let without = Fixture.scenario(Fixture.kernel(6, 1), workload, chunk: .largestBlock)
    #expect(try without.run().fleet == nil)
    workload.operationsPerHour = 60
    let with = Fixture.scenario(Fixture.kernel(6, 1), workload, chunk: .largestBlock)
    let report = try with.run()
    #expect(report.fleet?.duration == report.operation.whole)
    #expect(try JSONDecoder().decode(RunReport.self, from: JSONEncoder().encode(report)) == report)
  }

  /// While the reader waits for a chunk, datagrams fill its socket.
  @Test func aFullSocketDropsDatagrams() throws {
    func drops(_ buffer: ByteCount) throws -> (socket: Int64, read: Int64) {
      var workload = Fixture.workload(gibibytes: 1, quiet: true)
      workload.network.datagrams = 5_000
      workload.network.socketBuffer = buffer
      let scenario = Fixture.scenario(Fixture.kernel(6, 12), workload, chunk: .rootEntry)
      let network = try #require(scenario.run().network)
      return (network.drops.socket, network.datagrams)
    }
    let (small, endless) = (try drops(.kibibytes(208)), try drops(.zero))
    // 120 datagrams of 1000 and 768 bytes; some 1,500 come while the chunk of 0.3 s lasts.
    #expect((1_000...1_600).contains(small.socket))
    #expect(endless.socket == 0)
    #expect(abs(small.read + small.socket - endless.read) < 50)
  }
}
