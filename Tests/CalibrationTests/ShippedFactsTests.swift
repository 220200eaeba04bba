// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Operations
import Policies
import Profiles
import Randomness
import Scenarios
import TestSupport
import Testing

@testable import Calibration

@Suite struct ShippedFactsTests {
  static let names = [
    "thread-2024-03", "range-tlbi-2023", "dirty-logging", "faults", "captures-net",
  ]

  @Test(arguments: names) func everyFactNamesProfilesKeysAndPoliciesThatExist(name: String) throws {
    let path = "models/facts/\(name).yaml"
    let text = try String(contentsOf: packageRoot.appending(path: path), encoding: .utf8)
    let file = try FactFile(parsing: text, file: path)
    let store = ProfileStore(directories: [packageRoot.appending(path: "models")])
    #expect(!file.facts.isEmpty)
    for fact in file.facts {
      for run in [fact.run] + (fact.versus.map { [$0] } ?? []) {
        let setup = try ExperimentSetup(run, store: store)
        #expect(setup.loaded.kernel.profile.name == run.kernel)
      }
      #expect(
        fact.fits.allSatisfy {
          Loaded<HostProfile>.hasKey($0) || Loaded<WorkloadProfile>.hasKey($0)
        }
      )
    }
  }
}

@Suite struct GatedFactsTests {
  static let store = ProfileStore(directories: [packageRoot.appending(path: "models")])

  static func gated() throws -> [Fact] {
    try ["thread-2024-03", "range-tlbi-2023", "dirty-logging", "faults"].flatMap { name in
      let path = "models/facts/\(name).yaml"
      let text = try String(contentsOf: packageRoot.appending(path: path), encoding: .utf8)
      return try FactFile(parsing: text, file: path).facts.filter(\.isGated)
    }
  }

  func validation(_ seed: UInt64) -> Validation {
    Validation(
      store: Self.store,
      seed: Seed(seed),
      replicates: 1,
      extent: .window(Window())
    )
  }

  /// Those of the thread are in `ThreadFactsTests`, whole.
  @Test func everyGatedFactHoldsInAWindow() throws {
    let names = ["KJ24", "AS24", "STORM"]
    let facts = try Self.gated().filter { fact in !names.contains { fact.id.hasPrefix($0) } }
    #expect(!facts.isEmpty)
    for result in validation(1).run(facts) {
      #expect(
        !result.fails,
        "\(result.fact.id): claimed \(result.fact.claimText), simulated \(result.claimed ?? .nan)"
      )
    }
  }

  @Test func aHostWithOtherCostsMissesThem() throws {
    let fact = try #require(try Self.gated().first { $0.id == "AS24-02" })
    var wrong = fact.run
    wrong.settings.append(Fact.Setting(key: "tlbi.ipa_flush", value: "2us"))
    let value = try validation(1).values(of: fact.metric, in: wrong)[0]
    #expect(!FactVerdict(claim: fact.claim, predicted: value, versus: nil).holds)
  }

  @Test(arguments: ["graviton3", "tlbirange-vhe-2023", "kunpeng920"])
  func theShippedCostsAreThoseThatTheFitGives(host: String) throws {
    let fit = try HostFit(host: host, facts: try Self.gated(), store: Self.store)
    #expect(!fit.parameters.isEmpty)
    for parameter in fit.parameters {
      #expect(
        abs(parameter.present / parameter.fitted - 1) < 0.02,
        "\(host) \(parameter.key): the profile says \(parameter.present), the fit \(parameter.fitted)"
      )
    }
  }

  @Test func aHostWithoutFactsIsRefused() throws {
    #expect(throws: HostFitError.noFacts(host: "thunderx2")) {
      try HostFit(host: "thunderx2", facts: try Self.gated(), store: Self.store)
    }
    let one = try Self.gated().filter { $0.id == "AS24-01" }
    #expect(throws: HostFitError.self) {
      try HostFit(host: "graviton3", facts: one, store: Self.store)
    }
  }
}
