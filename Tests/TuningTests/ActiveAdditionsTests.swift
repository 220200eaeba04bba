// SPDX-License-Identifier: GPL-3.0-or-later

import Campaigns
import CostModels
import Foundation
import Operations
import Profiles
import Quantities
import Randomness
import TestSupport
import Testing

@testable import Tuning

/// Which runs a model asks for, and that it asks for the same ones each time.
@Suite struct ActiveAdditionsTests {
  @Test("The widest are chosen, then the nearest to a limit among the rest")
  func choice() {
    for seed in Property.seeds(50) {
      var chance = Seed(seed).stream("candidates")
      let candidates = (0..<40).map { _ in
        AdditionCandidate(
          width: (chance.uniform() * 8).rounded() / 4,
          distance: chance.uniform() < 0.5 ? chance.uniform() * 3 : nil
        )
      }
      let (widest, nearest) = AdditionCandidate.choose(candidates, widest: 9, nearest: 5)
      #expect(widest.count == 9 && nearest.count == 5, "seed \(seed)")
      #expect(Set(widest + nearest).count == 14, "seed \(seed)")
      let least = widest.map { candidates[$0].width }.min() ?? 0
      let others = candidates.indices.filter { !widest.contains($0) }
      #expect(others.allSatisfy { candidates[$0].width <= least }, "seed \(seed)")
      let furthest = nearest.compactMap { candidates[$0].distance }.max() ?? .infinity
      let left = others.filter { !nearest.contains($0) }
      #expect(left.allSatisfy { candidates[$0].distance ?? .infinity >= furthest }, "seed \(seed)")
    }
  }

  @Test("Few points with a limit leave few, and no point is asked for twice")
  func tooFew() {
    let candidates = (0..<10).map {
      AdditionCandidate(width: Double($0), distance: $0 == 2 ? 0.5 : nil)
    }
    let (widest, nearest) = AdditionCandidate.choose(candidates, widest: 4, nearest: 4)
    #expect(widest == [6, 7, 8, 9] && nearest == [2])
  }

  @Test("The shipped model asks for points that are wide, near limits and near fronts, twice alike")
  func shippedModel() throws {
    let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("models")
    let specification = ModelSpecification(
      name: "small",
      hosts: ["graviton3"],
      kernels: ["6.1"],
      workloads: ["ci-microvm", "container-churn"],
      runs: 20,
      seed: 3
    )
    let builder = ModelBuilder(specification, profiles: ProfileStore(directories: [models]))
    let model = try ShippedModelTests.load()
    let trial = ModelTrial(model, builder: builder)
    let found = try trial.additions(6)
    #expect(found.count == 6 && found.map(\.point.index) == Array(0..<6))
    for reason in AdditionReason.allCases {
      #expect(found.contains { $0.reason == reason }, "\(reason)")
    }
    #expect(try trial.additions(6) == found)
    let design = Set(try builder.points().map { "\($0.policy) \($0.workload.memory.size)" })
    #expect(
      found.filter { $0.reason == .widest }.allSatisfy { one in
        !design.contains("\(one.point.policy) \(one.point.workload.memory.size)")
      }
    )
  }
}
