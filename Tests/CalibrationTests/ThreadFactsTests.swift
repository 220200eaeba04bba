// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Operations
import Profiles
import Quantities
import Randomness
import Scenarios
import TestSupport
import Testing

@testable import Calibration

/// The thread of March 2024: its figures, what answers quote of them, and what its rules decide.
@Suite struct ThreadFactsTests {
  static let store = ProfileStore(directories: [packageRoot.appending(path: "models")])

  static func facts() throws -> [Fact] {
    let path = "models/facts/thread-2024-03.yaml"
    let text = try String(contentsOf: packageRoot.appending(path: path), encoding: .utf8)
    return try FactFile(parsing: text, file: path).facts
  }

  /// As `s2tune validate` runs them.
  static let validation = Validation(
    store: store,
    seed: Seed(1),
    replicates: 3,
    extent: .exact
  )

  /// Beside IO whole runs count: in a window of two chunks it is chance when softirqs stop.
  @Test func everyGatedFactHoldsAndTheRecordIsWhatTheyGive() throws {
    let facts = try Self.facts()
    let results = Self.validation.run(facts.filter { $0.isGated || $0.family != nil })
    for result in results {
      #expect(
        !result.fails,
        "\(result.fact.id): claimed \(result.fact.claimText), simulated \(result.claimed ?? .nan)"
      )
    }
    guard case .record(let stored) = StoredValidation(in: Self.store) else {
      Issue.record("models/validation.json is stale; s2tune validate --record writes it anew")
      return
    }
    #expect(stored == ValidationRecord(results), "s2tune validate --record writes it anew")
    #expect(Set(stored.rows.map(\.family)) == Set(Fact.Family.allCases))
  }

  /// A value that was chosen by a fact is not scored on it, and nothing else of the load was.
  @Test func onlyThePacketIsChosenByAFigureBesideIO() throws {
    let chosen = try Self.facts().filter { fact in
      fact.use == .fit && !fact.run.settings.contains(Fact.Setting(key: "net.flows", value: "0"))
    }
    #expect(chosen.map(\.id) == ["KJ24-10"] && chosen[0].fits == ["nic.packet"])
  }

  @Test(arguments: [
    ("net.reader", "same"), ("nic.packet", "900ns"), ("cpu.ticks_per_softirq", "100"),
  ])
  func anotherPlacementAndOtherCostsMissTheShare(key: String, value: String) throws {
    let fact = try #require(try Self.facts().first { $0.id == "KJ24-02" })
    var other = fact.run
    other.settings.append(Fact.Setting(key: key, value: value))
    let values = try Self.validation.values(of: fact.metric, in: other, 3)
    #expect(!FactVerdict(claim: fact.claim, predictions: values, versus: nil).holds, "\(values)")
  }
}

/// What is stored about the error of answers.
@Suite struct ValidationRecordTests {
  static func row(_ family: Fact.Family, use: Fact.Use = .score, measured: Double? = 0.2)
    -> ValidationRecord.Row
  {
    ValidationRecord.Row(
      fact: "A-1",
      family: family,
      says: "a fifth is left",
      source: "a mail",
      use: use,
      run: "toy, Linux 6.1, chunk=1GiB",
      metric: "goodput_retained_share",
      claim: ">= 0.2",
      measured: measured,
      simulated: 0.25,
      low: 0.21,
      high: 0.3,
      holds: true
    )
  }

  @Test func aSentenceHasBothFiguresAndTheirDistance() {
    let told = "A-1, toy, Linux 6.1, chunk=1GiB: a fifth is left: "
    #expect(
      Self.row(.flow).sentence
        == told + "measured 0.2, simulated 0.25 (0.21 to 0.3), off by +25 %"
    )
    #expect(Self.row(.flow, use: .fit).sentence.hasSuffix("fitted to it"))
    #expect(
      Self.row(.flow, measured: nil).sentence
        == told + "claimed >= 0.2, simulated 0.25 (0.21 to 0.3)"
    )
  }

  @Test func aQuestionIsToldOfTheLoadsItHas() {
    var workload = WorkloadProfile(name: "toy")
    workload.network.flows = 0
    #expect(Fact.Family.of(workload).isEmpty)
    workload.network.flows = 1
    #expect(Fact.Family.of(workload).isEmpty)
    workload.network.offered = .gigabits(1)
    workload.storage.queueDepth = 32
    #expect(Fact.Family.of(workload) == [.flow, .storage])
    workload.operation = .mapCreate
    #expect(Fact.Family.of(workload).isEmpty)
  }

  /// A folder with a record of this text.
  func stored(_ text: String, _ body: (StoredValidation) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent(ValidationRecord.path)
    try Data(text.utf8).write(to: file)
    try body(StoredValidation(in: ProfileStore(directories: [folder])))
  }

  @Test func aRecordOfAnotherSimulatorIsStaleAndSaysSo() throws {
    var workload = WorkloadProfile(name: "toy")
    workload.network.offered = .gigabits(1)
    let empty = try ValidationRecord([]).json()
    try stored(empty) { #expect($0 == .record(ValidationRecord([]))) }
    let old = empty.replacing("\"\(Scenario.simulatorVersion)\"", with: "\"0\"")
    for text in [old, "no record"] {
      try stored(text) { validation in
        let sentence = try #require(validation.staleness(for: workload))
        #expect(sentence.contains("validate --record"))
        #expect(validation.rows(for: workload).isEmpty)
      }
    }
    #expect(StoredValidation(in: ProfileStore(directories: [])) == .none)
  }
}
