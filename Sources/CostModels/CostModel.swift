// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations
import Randomness

/// What a model was made from, and how it can be made again.
package struct ModelOrigin: Hashable, Sendable, Codable {
  /// The model's name, which is also its file's.
  package var name: String
  /// What the design covered: hosts, kernels, workloads and the policy space, in words.
  package var design: String
  /// The seed of the design and of every run.
  package var seed: UInt64
  /// The version of the simulator whose runs were fitted.
  package var simulator: String
  /// The digest of the runs' identities and values, in hexadecimal.
  package var runsDigest: String
  /// When the model was made, or an empty text: the fit itself knows no clock.
  package var date: String
  /// The command that makes the same file again.
  package var rebuild: String

  /// Creates an origin.
  package init(
    name: String,
    design: String,
    seed: UInt64,
    simulator: String,
    runsDigest: String,
    date: String,
    rebuild: String
  ) {
    self.name = name
    self.design = design
    self.seed = seed
    self.simulator = simulator
    self.runsDigest = runsDigest
    self.date = date
    self.rebuild = rebuild
  }

  enum CodingKeys: String, CodingKey {
    case name, design, seed, simulator
    case runsDigest = "runs_digest"
    case date, rebuild
  }
}

/// The runs of a campaign, split by what a fit may see of them.
package struct SplitRuns: Hashable, Sendable {
  /// Runs that are fitted.
  package let fitting: [Observation]
  /// Runs that the intervals are taken from.
  package let calibrating: [Observation]
  /// Runs that only judge the result.
  package let held: [Observation]

  /// Deals runs out by chance that is always the same.
  ///
  /// Of every ten, about five go to the fit, two to the intervals and three to the judgement.
  /// Chance, not turns: the points of a Sobol sequence alternate between halves of the space.
  package init(_ observations: [Observation]) {
    var order = Array(observations.indices)
    var chance = Stream(key: 0x5EED)
    order.shuffle(using: &chance)
    let (first, second) = (observations.count / 2, observations.count * 7 / 10)
    func deal(_ range: Range<Int>) -> [Observation] {
      order[range].sorted().map { observations[$0] }
    }
    fitting = deal(0..<first)
    calibrating = deal(first..<second)
    held = deal(second..<observations.count)
  }

  /// Creates a split that was made elsewhere.
  package init(fitting: [Observation], calibrating: [Observation], held: [Observation]) {
    (self.fitting, self.calibrating, self.held) = (fitting, calibrating, held)
  }
}

/// Fitted models of several responses, with their origin and their error on runs not seen.
package struct CostModel: Hashable, Sendable, Codable {
  /// The version of the file's form.
  package static let schemaVersion = 3

  /// The version of the form this model was written in.
  package let schema: Int
  /// The digest of the feature definitions the model was fitted with.
  package let featureSet: String
  /// What the model was made from.
  package let origin: ModelOrigin
  /// The error of each response on runs that no fit has seen.
  package let accuracy: [Accuracy]
  /// The models, in the order of `Response.allCases`.
  package let models: [ResponseModel]
  /// Why responses that the runs have are not among them, a sentence each.
  package let leftOut: [String]

  enum CodingKeys: String, CodingKey {
    case schema = "schema_version"
    case featureSet = "feature_set"
    case origin, accuracy, models
    case leftOut = "left_out"
  }

  init(
    origin: ModelOrigin,
    accuracy: [Accuracy],
    models: [ResponseModel],
    leftOut: [String] = []
  ) {
    schema = Self.schemaVersion
    featureSet = Feature.setDigest
    self.origin = origin
    self.accuracy = accuracy
    self.models = models
    self.leftOut = leftOut
  }

  /// The responses the model can predict.
  package var responses: [Response] { models.map(\.response) }

  /// The model of one response; throws `missing` with those there are.
  package func model(of response: Response) throws(CostModelError) -> ResponseModel {
    guard let model = models.first(where: { $0.response == response }) else {
      throw .missing(response: response, fitted: responses)
    }
    return model
  }

  /// Predicts every response the model holds, in the order of `responses`.
  ///
  /// - Parameters:
  ///   - features: The features of the combination asked about.
  ///   - level: The share of runs that the intervals are to cover, 0.5 to 0.95.
  ///   - isWanted: Whether each of `responses` is predicted; nil predicts all.
  /// - Returns: One estimate a response that is wanted.
  package func predict(
    _ features: FeatureVector,
    level: Double = 0.9,
    only isWanted: [Bool]? = nil
  ) -> [ResponseEstimate] {
    let transformed = features.transformed
    return models.indices.filter { isWanted?[$0] ?? true }
      .map { models[$0].predict(features, transformed, level) }
  }
}

extension CostModel {
  /// Fits all responses that the runs have, two at a time, and measures each on the runs held out.
  ///
  /// A response that no run has is left out. One that cannot be fitted refuses the whole model with
  /// its evidence; where responses are merely those there are, one that has too little to fit is
  /// left out with its sentence instead. The result is the same for any number of processors.
  ///
  /// - Parameters:
  ///   - runs: The runs, split.
  ///   - responses: The responses to fit, in the order of `Response.allCases`.
  ///   - origin: What the runs are.
  ///   - settings: The effort.
  ///   - leavesOut: Whether a response with too little to fit (constant, or with too few runs) is left
  ///     out rather than refused.
  /// - Returns: The model.
  /// - Throws: The evidence against the first response that cannot be fitted.
  package static func fit(
    _ runs: SplitRuns,
    responses: [Response],
    origin: ModelOrigin,
    settings: FitSettings = FitSettings(),
    leavesOut: Bool = false
  ) async throws(CostModelError) -> CostModel {
    let wanted = responses.filter { response in
      runs.fitting.contains { $0.value(of: response) != nil }
    }
    let outcomes = await withTaskGroup(of: FitOutcome.self) { group in
      for (index, response) in wanted.enumerated() {
        group.addTask { FitOutcome(index, response, runs, settings) }
      }
      var collected: [FitOutcome] = []
      for await outcome in group { collected.append(outcome) }
      return collected.sorted { $0.index < $1.index }
    }
    var models: [ResponseModel] = []
    var accuracy: [Accuracy] = []
    var errors: [CostModelError] = []
    for outcome in outcomes {
      do throws(CostModelError) {
        let model = try outcome.result.get()
        models.append(model)
        accuracy.append(Accuracy(of: model, on: runs.held))
      } catch {
        guard leavesOut, error.isAboutTooLittle else { throw error }
        errors.append(error)
      }
    }
    if models.isEmpty, let error = errors.first { throw error }
    return CostModel(
      origin: origin,
      accuracy: accuracy,
      models: models,
      leftOut: errors.map(\.description)
    )
  }
}

/// The fit of one response, or why there is none.
private struct FitOutcome: Sendable {
  let index: Int
  let result: Result<ResponseModel, CostModelError>

  init(_ index: Int, _ response: Response, _ runs: SplitRuns, _ settings: FitSettings) {
    self.index = index
    result = Result { () throws(CostModelError) in
      try ResponseFit(settings: settings).model(
        response,
        fitting: runs.fitting,
        calibrating: runs.calibrating
      )
    }
  }
}
