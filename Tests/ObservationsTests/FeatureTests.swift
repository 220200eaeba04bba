// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Quantities
import Testing

@Suite struct FeatureTests {
  @Test("every feature has a place of its own")
  func places() {
    var vector = FeatureVector()
    for (index, feature) in Feature.allCases.enumerated() { vector[feature] = Double(index + 1) }
    #expect(vector.values == Feature.allCases.indices.map { Double($0 + 1) })
    #expect(FeatureVector(values: vector.values) == vector)
    #expect(Set(Feature.allCases.map(\.rawValue)).count == Feature.allCases.count)
  }

  @Test("every transformation is monotone and keeps zero", arguments: Feature.allCases)
  func monotone(_ feature: Feature) {
    let values = [0, 0.001, 0.1, 0.5, 0.9, 1]
    let found = values.map { feature.transformed($0) }
    #expect(zip(found, found.dropFirst()).allSatisfy { $0 < $1 })
    if case .odds = feature.scale {
      #expect(abs(feature.transformed(0.5)) < 1e-12)
      #expect(abs(feature.transformed(0) + feature.transformed(1)) < 1e-12)
    } else {
      #expect(feature.transformed(0) == 0)
    }
  }

  @Test("the digest of the set is that of the names and scales")
  func digest() {
    let text = Feature.allCases.map { "\($0.rawValue):\($0.scale)" }.joined(separator: ";")
    #expect(Feature.setDigest == Digest.of(text).hexadecimal)
    #expect(Feature.setDigest != Digest.of(text + ";").hexadecimal)
  }
}

@Suite struct RunReportTests {
  private func report() -> RunReport {
    let identity = RunIdentity(host: "h", kernel: "k", workload: "w", policy: "p", seed: 3)
    var report = RunReport(identity: identity)
    report.operation.whole = .milliseconds(7)
    report.operation.stageTwo = .milliseconds(5)
    var locks = LockHolds()
    locks.holds.count = 2
    locks.holds.max = .microseconds(40)
    report.locks = locks
    return report
  }

  @Test("a report reads back as it was written")
  func roundTrip() throws {
    let data = try JSON.data(report(), isPretty: false)
    #expect(try JSONDecoder().decode(RunReport.self, from: data) == report())
    #expect(try JSON.data(report(), isPretty: false) == data)
  }

  @Test("truncated and foreign bytes are refused", arguments: [0, 1, 20, 200])
  func truncated(_ length: Int) throws {
    let data = try JSON.data(report(), isPretty: false).prefix(length)
    #expect(throws: (any Error).self) { try JSONDecoder().decode(RunReport.self, from: data) }
  }

  @Test("responses are taken from their part, and missing where the run has none")
  func responses() {
    #expect(report().value(of: Response.teardownTime) == 7e6)
    #expect(report().value(of: Response.stageTwoTime) == 5e6)
    #expect(report().value(of: Response.longestHold) == 40e3)
    #expect(report().value(of: Response.requestP99) == nil)
    #expect(report().value(of: Response.migrationTime) == nil)
    var lockFree = report()
    lockFree.locks = nil
    #expect(lockFree.value(of: Response.longestHold) == nil)
  }

  @Test("the fleet view counts chances", arguments: [(64, 64, 0.015625), (64, 32, 0.015625)])
  func fleet(_ cpus: Int, _ queues: Int, _ chance: Double) {
    let fleet = FleetOutcome(
      cpus: cpus,
      queues: queues,
      operationsPerHour: 128,
      duration: .seconds(90)
    )
    #expect(fleet.flowChance == chance)
    #expect(fleet.queueChance == Double(queues) / 64)
    #expect(abs(fleet.timeShare - 2 * 90 / 3_600) < 1e-12)
    #expect(abs(fleet.hourChance - (1 - exp(-2))) < 1e-12)
  }
}
