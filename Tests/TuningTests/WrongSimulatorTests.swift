// SPDX-License-Identifier: GPL-3.0-or-later

import Campaigns
import CostModels
import Foundation
import Machine
import Observations
import Operations
import Profiles
import Quantities
import Randomness
import Scenarios
import Testing

@testable import Tuning

/// What the held-out check is for, on runs of the simulator itself: teardowns of a small guest.
@Suite("Judging models of the simulator on runs they never saw")
struct WrongSimulatorTests {
  static let responses: [Response] = [.teardownTime, .stageTwoTime, .longestHold]

  /// Points over the policies of one host, kernel and workload.
  private static func points(_ count: Int, seed: UInt64) throws -> [DesignPoint] {
    var question = try shipped()
    question.workload.memory.size = .gibibytes(2)
    // Without a flow a run takes a moment, and what a teardown costs is the same.
    question.workload.network = NetworkLoad()
    question.workload.network.flows = 0
    // As on the emulated hosts: one tick in nine is chance enough that a third of an interval is a
    // matter of a percent of coverage.
    question.host.cpu.ticksPerSoftirq = 16
    var space = DesignSpace(
      hosts: [question.host],
      kernels: [question.kernel],
      workloads: [question.workload]
    )
    space.variesAllKnobs = false
    return try space.points(count, seed: Seed(seed))
  }

  /// The runs of some points on a machine that may lack a mechanism.
  private static func runs(
    _ points: [DesignPoint],
    without off: [Mechanism] = []
  ) throws -> [Observation] {
    var window = Window()
    (window.stageTwo, window.hostSide) = (.milliseconds(40), .milliseconds(10))
    return try points.map { point in
      var scenario = point.scenario(extent: .window(window))
      scenario.switches = MachineSwitches(without: off)
      return Observation(
        features: try point.features(),
        report: try scenario.run()
      )
    }
  }

  private static func model(
    _ runs: [Observation],
    of responses: [Response] = responses
  ) async throws -> CostModel {
    var settings = FitSettings()
    (settings.inducingLimit, settings.evidenceRuns) = (30, 40)
    (settings.starts, settings.iterationLimit) = (1, 8)
    let cut = runs.count * 3 / 5
    return try await CostModel.fit(
      SplitRuns(
        fitting: Array(runs[..<cut]),
        calibrating: Array(runs[cut...]),
        held: Array(runs[cut...])
      ),
      responses: responses,
      origin: ModelOrigin(
        name: "small",
        design: "one question",
        seed: 1,
        simulator: Scenario.simulatorVersion,
        runsDigest: "",
        date: "",
        rebuild: ""
      ),
      settings: settings
    )
  }

  /// The share of all held-out values in intervals that are `factor` times as wide.
  private static func coverage(_ model: CostModel, _ held: [Observation], _ factor: Double)
    -> Double
  {
    var hits: [Bool] = []
    for fit in model.models {
      let scale = ResponseScale(of: fit.response)
      for run in held {
        guard let value = run.value(of: fit.response) else { continue }
        let estimate = fit.predict(run.features)
        let center = scale.forward(estimate.value)
        let low = center - factor * (center - scale.forward(estimate.low))
        let high = center + factor * (scale.forward(estimate.high) - center)
        hits.append(low <= scale.forward(value) && scale.forward(value) <= high)
      }
    }
    return Double(hits.count { $0 }) / Double(hits.count)
  }

  @Test("Intervals a third narrower, and a simulator that frees nothing, are both noticed")
  func held() async throws {
    let (fitted, judged) = (try Self.points(400, seed: 1), try Self.points(250, seed: 2))
    let held = try Self.runs(judged)
    let honest = try await Self.model(Self.runs(fitted))
    let covered = Self.coverage(honest, held, 1)
    let narrow = Self.coverage(honest, held, 2.0 / 3)
    let target = 0.87...0.93
    #expect(target.contains(covered), "\(covered)")
    #expect(!target.contains(narrow), "\(narrow)")
    let fooled = try await Self.model(
      Self.runs(fitted, without: [.hostFreeing]),
      of: [.teardownTime]
    )
    func row(_ model: CostModel) throws -> Accuracy {
      Accuracy(of: try model.model(of: .teardownTime), on: held)
    }
    let (right, caught) = (try row(honest), try row(fooled))
    let misses = AccuracyTarget(for: .teardownTime).misses(caught)
    #expect(misses.count >= 2, "\(caught)")
    #expect(caught.ninetieth > 3 * right.ninetieth, "\(caught) \(right)")
    #expect(caught.coverage < right.coverage - 0.2, "\(caught) \(right)")
  }
}
