// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Operations
import Policies
import Profiles
import Quantities
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

  private static func fit(_ host: String, _ facts: [Fact]) throws -> HostFit {
    let base = try store.load(HostProfile.self, named: host).profile
    return try HostFit(
      base: base,
      evidence: try CostEvidence.facts(facts, host: host, store: store)
    )
  }

  @Test(arguments: ["graviton3", "tlbirange-vhe-2023", "kunpeng920"])
  func theShippedCostsAreThoseThatTheFitGives(host: String) throws {
    let fit = try Self.fit(host, try Self.gated())
    #expect(!fit.parameters.isEmpty)
    for parameter in fit.parameters {
      let base = try #require(parameter.base)
      #expect(
        abs(base / parameter.fitted - 1) < 0.02,
        "\(host) \(parameter.key): the profile says \(base), the fit \(parameter.fitted)"
      )
    }
  }

  /// Costs are found again from far off: the profile's own values are no start that helps.
  @Test func theStartDoesNotMatter() throws {
    var base = try Self.store.load(HostProfile.self, named: "graviton3").profile
    let evidence = try CostEvidence.facts(
      try Self.gated(),
      host: "graviton3",
      store: Self.store
    )
    let near = try HostFit(base: base, evidence: evidence)
    base.stage2.leafCleared = .nanoseconds(90)
    base.tlbi.ipaFlush = .nanoseconds(2_000)
    let far = try HostFit(base: base, evidence: evidence)
    for (one, other) in zip(near.parameters, far.parameters) {
      #expect(abs(one.fitted / other.fitted - 1) < 0.02, "\(one) \(other)")
    }
  }

  @Test func aHostWithoutFactsIsRefused() throws {
    #expect(throws: HostFitError.self) { try Self.fit("thunderx2", try Self.gated()) }
  }
}
