// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Profiles
import Randomness
import Scenarios
import TestSupport
import Testing

@testable import Calibration

/// What recorded 6.1 and 6.12 kernels did while they unmapped, run by run.
@Suite struct CaptureFactsTests {
  static func facts() throws -> [Fact] {
    let path = "models/facts/captures-net.yaml"
    let text = try String(contentsOf: packageRoot.appending(path: path), encoding: .utf8)
    return try FactFile(parsing: text, file: path).facts
  }

  static func validation(_ seed: UInt64) -> Validation {
    let store = ProfileStore(directories: [packageRoot.appending(path: "models")])
    return Validation(store: store, seed: Seed(seed), replicates: 1, extent: .exact)
  }

  @Test func everyGatedFactHolds() throws {
    let gated = try Self.facts().filter(\.isGated)
    #expect(gated.count > 30)
    for result in Self.validation(7).run(gated) {
      #expect(
        !result.fails,
        "\(result.fact.id): claimed \(result.fact.claimText), simulated \(result.claimed ?? .nan)"
      )
    }
  }

  /// The other kernel's rules must not give the same.
  @Test(arguments: [
    ("NET-6.1-H-softirqs", "6.12"), ("NET-6.1-H-without", "6.12"), ("NET-6.1-E-softirqs", "6.12"),
    ("NET-6.12-H-rate", "6.1"), ("NET-6.12-L1-rate", "6.1"), ("NET-6.12-H-gap", "6.1"),
  ])
  func anotherKernelsRulesMissThem(id: String, kernel: String) throws {
    let fact = try #require(try Self.facts().first { $0.id == id })
    var other = fact.run
    other.kernel = kernel
    let values = try Self.validation(7).values(of: fact.metric, in: other, 3)
    #expect(!FactVerdict(claim: fact.claim, predictions: values, versus: nil).holds)
  }

  /// A distribution that contains a value, and one beside it.
  @Test func containsIsAboutTheMiddleNineTenths() {
    let runs = (1...40).map { Double($0) }
    func holds(_ value: Double) -> Bool {
      FactVerdict(claim: .contains(value), predictions: runs, versus: nil).holds
    }
    #expect(holds(3) && holds(38) && holds(20))
    #expect(!holds(2) && !holds(39) && !holds(41))
  }
}
