// SPDX-License-Identifier: GPL-3.0-or-later

import CostModels
import Foundation
import Observations
import Profiles
import TestSupport
import Testing

@Suite("Cost models of a closed form")
struct CostModelTests {
  static let responses: [Response] = [.teardownTime, .goodputRetained]

  static func model(
    _ machine: ToyMachine = ToyMachine(),
    runs: Int = 400,
    seed: UInt64 = 7
  ) async throws -> CostModel {
    try await CostModel.fit(
      SplitRuns(machine.campaign(runs, seed: seed)),
      responses: responses,
      origin: ToyMachine.origin,
      settings: ToyMachine.settings
    )
  }

  @Test("Held-out errors are near the noise and intervals cover nine in ten")
  func accuracy() async throws {
    let model = try await Self.model()
    for accuracy in model.accuracy {
      #expect(accuracy.runs == 120)
      #expect(accuracy.median < 2, "\(accuracy.response): \(accuracy.median)")
      #expect(accuracy.ninetieth < 6, "\(accuracy.response): \(accuracy.ninetieth)")
      #expect((0.82...0.97).contains(accuracy.coverage), "\(accuracy.coverage)")
      #expect((6...8).contains(accuracy.bestRuns))
    }
  }

  @Test("Two fits write the same bytes, and reading gives the same model and predictions")
  func sameBytes() async throws {
    let (first, second) = (try await Self.model(), try await Self.model())
    let bytes = try first.json()
    #expect(try second.json() == bytes)
    let read = try CostModel(json: bytes, file: "toy.json", simulator: "toy-1")
    #expect(read == first)
    let features = ToyMachine.features([0.3, 0.4, 0.5])
    #expect(read.predict(features) == first.predict(features))
    #expect(try read.json() == bytes)
  }

  @Test("The parts of an explanation add up to the prediction")
  func explanation() async throws {
    let model = try await Self.model()
    for response in Self.responses {
      let fit = try model.model(of: response)
      for seed in Property.seeds(10) {
        let place = Double(seed % 10) / 10
        let features = ToyMachine.features([place, 1 - place, 0.5])
        let explained = fit.explain(features)
        let sum = explained.parts.reduce(0) { $0 + $1.amount }
        #expect((sum - explained.value).magnitude <= 1e-9 * max(1, explained.value.magnitude))
        #expect(explained.value == fit.predict(features).value)
      }
    }
    let teardown = try model.model(of: .teardownTime).explain(ToyMachine.features([1, 0.9, 0.2]))
    #expect(teardown.parts.first?.name == "ipa_flush_work_ns")
  }

  @Test("A point among the runs is inside; twice the memory extrapolates and names its feature")
  func domain() async throws {
    let fit = try await Self.model().model(of: .teardownTime)
    #expect(fit.predict(ToyMachine.features([0.5, 0.5, 0.5])).validity.place == .inside)
    let far = fit.predict(ToyMachine.features([3, 0.5, 0.5])).validity
    #expect(far.place == .extrapolating)
    guard case .range(let range, let value) = far.reason else {
      Issue.record("expected a range, got \(far)")
      return
    }
    #expect(value > range.high)
    #expect(far.description.contains(range.feature.rawValue))
  }

  @Test("Wider levels give wider intervals that hold the value")
  func levels() async throws {
    let fit = try await Self.model().model(of: .goodputRetained)
    let features = ToyMachine.features([0.5, 0.8, 0.5])
    let (half, most) = (fit.predict(features, level: 0.5), fit.predict(features, level: 0.95))
    #expect(most.low <= half.low && half.low <= half.value)
    #expect(half.value <= half.high && half.high <= most.high)
  }

  @Test("Stopped runs count as lower bounds, not as values")
  func censoring() async throws {
    var machine = ToyMachine()
    machine.limit = 12
    let free = ToyMachine().campaign(300, seed: 3)
    let stopped = machine.campaign(300, seed: 3)
    #expect(stopped.count { $0.isCensored } > 30)
    let fit = try await CostModel.fit(
      SplitRuns(stopped),
      responses: [.teardownTime],
      origin: ToyMachine.origin,
      settings: ToyMachine.settings
    ).model(of: .teardownTime)
    let beyond = free.indices.filter { stopped[$0].isCensored }
    let ratios = beyond.map { run in
      fit.predict(free[run].features).value / (free[run].value(of: .teardownTime) ?? .nan)
    }.sorted()
    let middle = ratios[ratios.count / 2]
    #expect((0.93...1.07).contains(middle), "median of predicted over true is \(middle)")
  }
}
