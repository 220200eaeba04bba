// SPDX-License-Identifier: GPL-3.0-or-later

import CostModels
import Foundation
import Observations
import Profiles
import Testing

@Suite("What a fit and a model file refuse")
struct RefusalTests {
  static func fit(_ runs: [Observation], _ response: Response = .teardownTime) async throws {
    _ = try await CostModel.fit(
      SplitRuns(runs),
      responses: [response],
      origin: ToyMachine.origin,
      settings: ToyMachine.settings
    )
  }

  /// The runs with every value of teardown time replaced.
  static func runs(_ count: Int, value: (Int) -> Double) -> [Observation] {
    ToyMachine().campaign(count, seed: 1).enumerated().map { index, run in
      Observation(
        features: run.features,
        values: Response.allCases.map { $0 == .teardownTime ? value(index) : nil }
      )
    }
  }

  @Test("A constant response is named with its value")
  func constant() async throws {
    await #expect(
      throws: CostModelError.constantResponse(response: .teardownTime, value: 5, runs: 50)
    ) { try await Self.fit(Self.runs(100) { _ in 5 }) }
  }

  @Test("Of the responses there are, a constant one is left out with its sentence")
  func leftOut() async throws {
    let runs = ToyMachine().campaign(100, seed: 1).map { run in
      Observation(
        features: run.features,
        values: Response.allCases.map { $0 == .downtime ? 7 : run.value(of: $0) }
      )
    }
    let model = try await CostModel.fit(
      SplitRuns(runs),
      responses: Response.allCases,
      origin: ToyMachine.origin,
      settings: ToyMachine.settings,
      leavesOut: true
    )
    #expect(model.responses == [.teardownTime, .goodputRetained])
    #expect(model.leftOut == ["downtime_ns is 7.0 in all 50 runs, so there is nothing to fit"])
    #expect(model.card.contains("left out: downtime_ns is 7.0"))
    let read = try CostModel(json: try model.json(), file: "toy.json", simulator: "toy-1")
    #expect(read == model)
  }

  @Test("NaN is named with its run")
  func notFinite() async throws {
    let failure = await #expect(throws: CostModelError.self) {
      try await Self.fit(Self.runs(100) { $0 == 4 ? .nan : Double($0) })
    }
    #expect(failure?.description.contains("teardown_time_ns is nan in run ") == true)
  }

  @Test("Fewer runs than terms are counted")
  func tooFew() async throws {
    // Sixteen runs are too few to fit the terms, forty too few to calibrate intervals on.
    for runs in [16, 40] {
      let failure = await #expect(throws: CostModelError.self) {
        try await Self.fit(Self.runs(runs) { Double($0) })
      }
      guard case .tooFewRuns(.teardownTime, runs: 8, let needed) = failure else {
        Issue.record("\(runs) runs: \(String(describing: failure))")
        continue
      }
      #expect(needed > 8)
    }
  }

  @Test("Runs that are all the same point cannot be fitted")
  func nothingVaries() async throws {
    let run = Self.runs(1) { _ in 1 }[0]
    let runs = (0..<100).map { index in
      Observation(
        features: run.features,
        values: Response.allCases.map { $0 == .teardownTime ? Double(index) : nil }
      )
    }
    await #expect(throws: CostModelError.nothingVaries(response: .teardownTime, runs: 50)) {
      try await Self.fit(runs)
    }
  }

  @Test("Files of another schema, feature set or simulator are refused by name")
  func versions() async throws {
    let bytes = try await CostModelTests.model(runs: 100).json()
    let text = String(decoding: bytes, as: UTF8.self)
    let cases = [
      ("\"schema_version\" : 3", "\"schema_version\" : 9", "schema version 9"),
      ("\"simulator\" : \"toy-1\"", "\"simulator\" : \"toy-0\"", "simulator toy-0"),
      ("\"feature_set\" : \"", "\"feature_set\" : \"00", "feature set 00"),
      ("\"fitted_run_count\"", "\"fitted_runs\"", "no 'fitted_run_count' at models"),
      ("\"response\" : \"goodput_retained_share\"", "\"response\" : \"speed\"", "speed"),
      ("\"weights\" : [", "\"weights\" : [1, ", "do not fit each other"),
      ("\"feature\" : \"vcpu_count\"", "\"feature\" : \"link_bits_per_s\"", "do not fit"),
    ]
    for (old, new, evidence) in cases {
      let changed = text.replacing(old, with: new)
      #expect(changed != text, "the file has no \(old)")
      let failure = #expect(throws: CostModelError.self) {
        try CostModel(json: Data(changed.utf8), file: "toy.json", simulator: "toy-1")
      }
      let sentence = failure?.description ?? ""
      #expect(sentence.contains("toy.json") && sentence.contains(evidence), "\(sentence)")
    }
    #expect(throws: CostModelError.self) {
      try CostModel(json: bytes.prefix(500), file: "toy.json", simulator: "toy-1")
    }
  }

  @Test("A response without a fit is named with those there are")
  func missing() async throws {
    let model = try await CostModelTests.model(runs: 100)
    let failure = #expect(throws: CostModelError.self) { try model.model(of: .downtime) }
    #expect(failure?.description.contains("it holds teardown_time_ns, goodput") == true)
  }
}
