// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
import Observations
import PageTables
import Profiles
import Quantities
import Testing

@testable import Scenarios

/// What IO loses is judged over a time that means something to it, whatever the guest's size.
@Suite struct JudgedTimeTests {
  /// The share kept beside the teardown of a guest in 2 MiB blocks, whose reader shares the CPU.
  private func kept(gibibytes: Int64) throws -> (share: Double, length: Nanoseconds) {
    var workload = Fixture.workload(gibibytes: gibibytes)
    workload.memory.blockShare = 1
    workload.network.reader = .sameCPU
    let report = try Fixture.scenario(Fixture.kernel(6, 1), workload, chunk: .largestBlock).run()
    return (try #require(report.network).retained, report.operation.stageTwo)
  }

  /// While it lasts nothing is read; a rate over its own length would say that all is lost.
  @Test func aTeardownOfMillisecondsCostsAStreamNothing() throws {
    let (share, length) = try kept(gibibytes: 2)
    #expect(length < .milliseconds(10) && length > .zero)
    #expect(share >= 0.97, "\(share) of the stream is kept beside \(length)")
  }

  /// No guest's limit is broken where a larger one's is kept, and no share passes one.
  @Test func aLargerGuestKeepsNoMore() throws {
    let shares = try [2, 16, 256].map { try kept(gibibytes: $0) }
    for (smaller, larger) in zip(shares, shares.dropFirst()) {
      #expect(larger.share <= smaller.share + 0.02, "\(shares)")
    }
    #expect(shares.allSatisfy { (0...1).contains($0.share) })
  }

  /// A guest that writes more loses more, and a guest that writes nothing only waits and refills.
  @Test func aMigrationTakesTimeFromItsGuest() throws {
    let lost = try [0, 50_000, 400_000].map { (rate: Int) -> Double in
      var workload = Fixture.workload(gibibytes: 4, quiet: true)
      workload.operation = .migration
      workload.memory.vcpus = 4
      workload.migration.link = .gigabits(10)
      workload.migration.dirtyPagesPerSecond = rate
      workload.migration.workingSet = .gibibytes(1)
      let report = try Fixture.scenario(Fixture.kernel(6, 12), workload, chunk: .largestBlock).run()
      return try #require(report.value(of: .guestLost))
    }
    #expect(lost == lost.sorted() && lost[2] > lost[0] + 0.01, "\(lost)")
    #expect(lost.allSatisfy { (0..<1).contains($0) })
  }
}
