// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations

/// One run as a fit sees it.
package struct Observation: Hashable, Sendable {
  /// The run's features.
  package let features: FeatureVector
  /// The run's value of each response, in the order of `Response.allCases`; nil where it has none.
  package let values: [Double?]
  /// Whether the run stopped at its limit, so that its times are lower bounds.
  package let isCensored: Bool
  /// Runs of one workload share a group; the best policies are judged within it.
  package let group: Int
  /// Connections that were tried: failed ones are judged as a share of them.
  package let connects: Int

  /// Creates an observation from a run's report; without what unmaps take from a running guest, which
  /// no feature describes.
  package init(features: FeatureVector, report: RunReport, group: Int = 0) {
    self.init(features: features, numbers: RunNumbers(report), group: group)
  }

  /// Creates the same observation from the numbers of a report.
  package init(features: FeatureVector, numbers: RunNumbers, group: Int = 0) {
    self.init(
      features: features,
      values: zip(Response.allCases, numbers.values).map { response, value in
        numbers.hasGuest && response.isOfGuest ? nil : value
      },
      isCensored: numbers.isCensored,
      group: group,
      connects: numbers.connects
    )
  }

  /// Creates an observation from values in the order of `Response.allCases`.
  ///
  /// A share above one, which is the noise of what it is a share of, counts as one.
  package init(
    features: FeatureVector,
    values: [Double?],
    isCensored: Bool = false,
    group: Int = 0,
    connects: Int = 1
  ) {
    precondition(values.count == Response.allCases.count, "one value a response")
    self.features = features
    self.values = zip(Response.allCases, values).map { response, value in
      response.unit == .share ? value.map { $0 > 1 ? 1 : $0 } : value
    }
    self.isCensored = isCensored
    self.group = group
    self.connects = max(1, connects)
  }

  /// The value of a response, or nil where the run has none.
  package func value(of response: Response) -> Double? { values[response.index] }

  /// The error of a prediction against a value, in the unit of the response's accuracy.
  package func error(of response: Response, predicted: Double, value: Double) -> Double {
    Accuracy.ErrorUnit(of: response).error(predicted, value, scale: scale(of: response))
  }

  /// What errors of a response are a share of, where it is a count: connections tried.
  func scale(of response: Response) -> Double {
    response == .connectsFailed ? Double(connects) : 1
  }
}

extension Response {
  /// The place of the response among all.
  var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// The runs of one response, ready to be fitted: transformed, checked, in the order they came.
struct ResponseSample {
  let response: Response
  let scale: ResponseScale
  /// The features of each run, in their units.
  let features: [FeatureVector]
  /// The response's value in its unit.
  let values: [Double]
  /// The value on the response's scale.
  let targets: [Double]
  /// Whether a target is a lower bound.
  let isCensored: [Bool]

  var count: Int { targets.count }
}

extension ResponseSample {
  /// Takes the runs that have the response; refuses values that are not finite.
  init(_ response: Response, of observations: [Observation]) throws(CostModelError) {
    var features: [FeatureVector] = []
    var values: [Double] = []
    var censored: [Bool] = []
    for (run, observation) in observations.enumerated() {
      guard let value = observation.value(of: response) else { continue }
      guard value.isFinite else {
        throw .notFinite(quantity: response.rawValue, run: run, value: value)
      }
      for feature in Feature.allCases where !observation.features[feature].isFinite {
        throw .notFinite(
          quantity: feature.rawValue,
          run: run,
          value: observation.features[feature]
        )
      }
      features.append(observation.features)
      values.append(value)
      censored.append(observation.isCensored && response.unit == .nanoseconds)
    }
    let scale = ResponseScale(of: response)
    self.init(
      response: response,
      scale: scale,
      features: features,
      values: values,
      targets: values.map { scale.forward($0) },
      isCensored: censored
    )
  }

  /// The runs that did not stop at their limit.
  var complete: ResponseSample {
    let kept = isCensored.indices.filter { !isCensored[$0] }
    return ResponseSample(
      response: response,
      scale: scale,
      features: kept.map { features[$0] },
      values: kept.map { values[$0] },
      targets: kept.map { targets[$0] },
      isCensored: kept.map { isCensored[$0] }
    )
  }

  /// What a structural mean leaves of the targets.
  func residuals(from structure: StructuralMean) -> [Double] {
    zip(features, targets).map { $1 - structure.value($0) }
  }

  /// Refuses what no fit can be made of.
  func validate(terms: Int) throws(CostModelError) {
    guard count > terms else {
      throw .tooFewRuns(response: response, runs: count, needed: terms + 1)
    }
    if isCensored.allSatisfy({ $0 }) { throw .allCensored(response: response, runs: count) }
    if let first = values.first, values.allSatisfy({ $0 == first }) {
      throw .constantResponse(response: response, value: first, runs: count)
    }
    let varies = Feature.allCases.contains { feature in
      features.contains { $0[feature] != features[0][feature] }
    }
    if !varies { throw .nothingVaries(response: response, runs: count) }
  }
}
