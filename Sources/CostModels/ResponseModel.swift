// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations

/// A fitted model of one response: a structural mean, a process on what it leaves, and intervals.
package struct ResponseModel: Hashable, Sendable, Codable {
  /// The response.
  package let response: Response
  /// Runs the fit has seen.
  package let fittedRuns: Int
  /// Runs among them that stopped at their limit.
  package let censoredRuns: Int
  /// Where the runs lie.
  package let domain: Domain
  /// Quantiles of normalised errors on runs that the fit has not seen.
  package let conformal: Conformal
  let structure: StructuralMean
  let space: FeatureSpace
  /// How residuals were bent and standardised for the process.
  let bend: ResidualBend
  let process: SparseProcess

  enum CodingKeys: String, CodingKey {
    case response
    case fittedRuns = "fitted_run_count"
    case censoredRuns = "censored_run_count"
    case domain, conformal, structure, space
    case bend = "residual_bend"
    case process
  }

  /// A place on the response's scale, and where the process puts the residual.
  struct Place {
    let structural: Double
    let center: Double
    /// The bent residual and the usual size of its error.
    let bent: Double
    let error: Double
    let nearness: Double
  }

  /// Where the response lies on its own scale.
  ///
  /// - Parameters:
  ///   - features: The features of the combination asked about.
  ///   - transformed: The same on their scales, where somebody knows them.
  /// - Returns: The place, the structural part and the residual apart.
  func place(_ features: FeatureVector, _ transformed: [Double]? = nil) -> Place {
    let coordinates = space.coordinates(transformed: transformed ?? features.transformed)
    let answer = process.answer(coordinates)
    let structural = structure.value(features)
    return Place(
      structural: structural,
      center: structural + bend.backward(answer.mean),
      bent: answer.mean,
      error: answer.error,
      nearness: answer.nearness
    )
  }

  /// The response predicted for a feature vector, with an interval and whether to believe it.
  ///
  /// - Parameters:
  ///   - features: The features of the combination asked about.
  ///   - level: The share of runs that the interval is to cover, 0.5 to 0.95.
  /// - Returns: The estimate in the response's unit.
  package func predict(_ features: FeatureVector, level: Double = 0.9) -> ResponseEstimate {
    predict(features, features.transformed, level)
  }

  /// The same of a vector whose values have been transformed.
  func predict(
    _ features: FeatureVector,
    _ transformed: [Double],
    _ level: Double
  ) -> ResponseEstimate {
    let place = place(features, transformed)
    let half = conformal.quantile(level) * place.error
    let scale = structure.scale
    let low = place.structural + bend.backward(place.bent - half)
    let high = place.structural + bend.backward(place.bent + half)
    return ResponseEstimate(
      response: response,
      value: scale.backward(place.center),
      low: scale.whole(scale.backward(low), .down),
      high: scale.whole(scale.backward(high), .up),
      level: level,
      validity: validity(features, nearness: place.nearness)
    )
  }

  private func validity(_ features: FeatureVector, nearness: Double) -> Validity {
    let verdict = domain.validity(features)
    if verdict.place == .inside, nearness < 0.05 {
      return Validity(place: .edge, reason: .sparse(nearness: nearness))
    }
    return verdict
  }
}

/// A predicted response.
package struct ResponseEstimate: Hashable, Sendable {
  /// The response.
  package let response: Response
  /// The value in the response's unit.
  package let value: Double
  /// The lower end of the interval.
  package let low: Double
  /// The upper end of the interval.
  package let high: Double
  /// The share of runs that such intervals cover.
  package let level: Double
  /// Whether the point lies among the runs.
  package let validity: Validity

  /// Creates an estimate; the value lies in the interval.
  package init(
    response: Response,
    value: Double,
    low: Double,
    high: Double,
    level: Double,
    validity: Validity
  ) {
    self.response = response
    self.value = value
    self.low = low
    self.high = high
    self.level = level
    self.validity = validity
  }
}
