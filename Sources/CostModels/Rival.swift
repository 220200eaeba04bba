// SPDX-License-Identifier: GPL-3.0-or-later

import GSLKit
package import Observations

/// A simpler way to predict, fitted to the same runs to see what the model is worth.
package enum Rival: String, Hashable, Sendable, Codable, CaseIterable {
  /// The structural part alone.
  case structure = "structural part alone"
  /// A Gaussian process without the structural part.
  case process = "Gaussian process alone"
  /// A ridge on logarithms, their squares and products.
  case ridge = "log-quadratic ridge"
  /// The nearest run.
  case neighbour = "nearest neighbour"
}

/// The error of one way to predict one response.
package struct RivalScore: Hashable, Sendable, Codable {
  /// The way.
  package let rival: Rival
  /// The response.
  package let response: Response
  /// The median error, in the unit of the response's accuracy.
  package let median: Double
  /// The error that nine in ten runs stay under.
  package let ninetieth: Double

  enum CodingKeys: String, CodingKey {
    case rival = "method"
    case response
    case median = "error_median"
    case ninetieth = "error_p90"
  }
}

extension Rival {
  /// Fits to the fitting runs of a split and measures on its held ones; nil where neither has the
  /// response.
  package func score(
    _ response: Response,
    on runs: SplitRuns,
    settings: FitSettings = FitSettings()
  ) throws(CostModelError) -> RivalScore? {
    let known = runs.fitting.filter { $0.value(of: response) != nil && !$0.isCensored }
    let judged = runs.held.filter { $0.value(of: response) != nil && !$0.isCensored }
    guard !known.isEmpty, !judged.isEmpty else { return nil }
    let predicted: [Double]
    switch self {
    case .structure, .process:
      var settings = settings
      (settings.usesProcess, settings.usesStructure) = (self == .process, self == .structure)
      let model = try ResponseFit(settings: settings).model(
        response,
        fitting: known,
        calibrating: runs.calibrating
      )
      predicted = judged.map { model.predict($0.features).value }
    case .ridge, .neighbour:
      let plain = PlainRival(response, known)
      do {
        predicted =
          self == .ridge
          ? try plain.ridge(judged) : judged.map { plain.nearest($0.features) }
      } catch {
        throw .numerics(response: response, cause: error)
      }
    }
    let errors = zip(predicted, judged).map { value, run in
      run.error(of: response, predicted: value, value: run.value(of: response) ?? 0)
    }.sorted()
    return RivalScore(
      rival: self,
      response: response,
      median: Accuracy.quantile(errors, 0.5),
      ninetieth: Accuracy.quantile(errors, 0.9)
    )
  }
}

extension RivalScore {
  /// The scores of every way for every response that the runs have, response by response.
  ///
  /// Fits run side by side; the result is the same for any number of processors.
  package static func all(
    _ responses: [Response],
    on runs: SplitRuns,
    settings: FitSettings = FitSettings()
  ) async throws(CostModelError) -> [RivalScore] {
    let pairs = responses.flatMap { response in Rival.allCases.map { (response, $0) } }
    typealias Outcome = (Int, Result<RivalScore?, CostModelError>)
    let outcomes = await withTaskGroup(of: Outcome.self) { group in
      for (index, pair) in pairs.enumerated() {
        group.addTask {
          let result = Result { () throws(CostModelError) in
            try pair.1.score(pair.0, on: runs, settings: settings)
          }
          return (index, result)
        }
      }
      var found: [Outcome] = []
      for await outcome in group { found.append(outcome) }
      return found.sorted { $0.0 < $1.0 }
    }
    var scores: [RivalScore] = []
    for outcome in outcomes {
      do throws(CostModelError) {
        if let score = try outcome.1.get() { scores.append(score) }
      } catch {
        // A way that cannot be fitted to so few runs has no score; the model has its own.
        guard error.isAboutTooLittle else { throw error }
      }
    }
    return scores
  }
}

/// The rivals that know nothing of structure or chance.
private struct PlainRival {
  let scale: ResponseScale
  let space: FeatureSpace
  let points: [[Double]]
  let targets: [Double]
  let values: [Double]

  init(_ response: Response, _ runs: [Observation]) {
    scale = ResponseScale(of: response)
    let space = FeatureSpace(runs.map(\.features), among: ResponseFit.axes(of: response))
    self.space = space
    points = runs.map { space.coordinates($0.features) }
    let values = runs.map { $0.value(of: response) ?? 0 }
    self.values = values
    targets = values.map { [scale] in scale.forward($0) }
  }

  func nearest(_ features: FeatureVector) -> Double {
    let place = space.coordinates(features)
    var best = (distance: Double.infinity, value: 0.0)
    for (point, value) in zip(points, values) {
      let distance = squaredDistance(place, point)
      if distance < best.distance { best = (distance, value) }
    }
    return best.value
  }

  /// A ridge of one thousandth of the runs on the constant, every axis, square and product.
  func ridge(_ judged: [Observation]) throws(GSLError) -> [Double] {
    let rows = points.map { Self.quadratic($0) }
    let count = rows[0].count
    let mean = targets.reduce(0, +) / Double(targets.count)
    let design = Matrix(rows: rows.count, columns: count, elements: rows.flatMap { $0 })
    var normal = try design.crossProduct()
    for index in 0..<count { normal[index, index] += 0.001 * Double(rows.count) }
    let weights = try Cholesky(normal).solve(design.transposeTimes(targets.map { $0 - mean }))
    return judged.map { run in
      let row = Self.quadratic(space.coordinates(run.features))
      return scale.backward(mean + dot(row, weights))
    }
  }

  private static func quadratic(_ place: [Double]) -> [Double] {
    var row = [1.0] + place
    for first in place.indices {
      for second in first..<place.count { row.append(place[first] * place[second]) }
    }
    return row
  }
}
