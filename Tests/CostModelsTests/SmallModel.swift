// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Profiles

@testable import CostModels

/// A model that is written down instead of fitted: small, and every number in it is known.
enum SmallModel {
  static let runs = [
    vector([.fluidWhole: 1e6, .leafWork: 1e5, .chunks: 10]),
    vector([.fluidWhole: 1e9, .leafWork: 1e8, .chunks: 1_000]),
  ]

  static func space(_ axes: [Feature]) -> FeatureSpace {
    FeatureSpace(axes: axes.map { .init(feature: $0, mean: 10, deviation: 2) })
  }

  static func process(_ weights: [Double], at points: [[Double]]) -> SparseProcess {
    SparseProcess(
      inverseLengths: points[0].map { _ in 1 },
      inducing: GridPoints(nearest: points),
      weights: weights,
      errorWeights: weights.map { $0 / 10 },
      errorLevel: -1
    )
  }

  static func response(_ response: Response, structure: StructuralMean) -> ResponseModel {
    ResponseModel(
      response: response,
      fittedRuns: 2,
      censoredRuns: 0,
      domain: Domain(runs),
      conformal: Conformal(scores: (1...19).map { Double($0) / 10 }),
      structure: structure,
      space: space([.leafWork, .chunks]),
      bend: ResidualBend([-0.1, -0.02, 0, 0.03, 0.2]),
      process: process([0.3, -0.2, 0.1], at: [[0, 0], [0.5, -1], [1.25, 0.125]])
    )
  }

  /// A time of 1.1 times its fluid, and a share.
  static var model: CostModel {
    let time = StructuralMean(
      scale: .logarithm,
      constant: 500,
      terms: [.init(feature: .fluidWhole, coefficient: 1.1)],
      queueing: .init(interrupts: 0.5, tasks: 0.25),
      condition: 1
    )
    let share = StructuralMean(
      scale: .odds,
      constant: 0.25,
      terms: [.init(feature: .leafWork, coefficient: -0.1)],
      queueing: nil,
      condition: 2
    )
    let models = [
      response(.teardownTime, structure: time), response(.goodputRetained, structure: share),
    ]
    return CostModel(origin: ToyMachine.origin, accuracy: [], models: models)
  }

  static func read(_ text: String, simulator: String = "toy-1") throws(CostModelError) -> CostModel
  {
    try CostModel(json: Data(text.utf8), file: "small.json", simulator: simulator)
  }
}
