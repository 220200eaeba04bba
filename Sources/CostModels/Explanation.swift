// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

package import Observations

/// What a prediction is made of; the parts add up to its value.
package struct Explanation: Hashable, Sendable, Codable {
  /// One part of a prediction.
  package struct Part: Hashable, Sendable, Codable {
    /// The feature's raw value, or `constant`, `queueing` or `residual`.
    package let name: String
    /// What the part adds, in the response's unit (ns, share or count); negative takes away.
    package let amount: Double

    /// Creates a part.
    package init(name: String, amount: Double) { (self.name, self.amount) = (name, amount) }
  }

  /// The response.
  package let response: Response
  /// What value and parts are measured in.
  package let unit: Response.Unit
  /// The predicted value in the response's unit.
  package let value: Double
  /// The parts, the largest first.
  package let parts: [Part]

  enum CodingKeys: String, CodingKey {
    case response, unit, value
    case parts = "terms"
  }

  /// Creates an explanation; parts that add nothing are left out, and the others are sorted.
  package init(response: Response, value: Double, parts: [Part]) {
    self.response = response
    unit = response.unit
    self.value = value
    self.parts = parts.filter { $0.amount != 0 }
      .sorted { $0.amount.magnitude > $1.amount.magnitude }
  }

  /// What a part of this name adds; zero where there is none.
  package func amount(of name: String) -> Double {
    parts.first { $0.name == name }?.amount ?? 0
  }
}

extension ResponseModel {
  /// Takes a prediction apart.
  ///
  /// Times are sums of work, so their terms are exact; queueing and residual multiply it and are
  /// given as what they add. Shares and counts are curved, so each part is what it adds on top of
  /// the parts before it, in the order of the fit.
  package func explain(_ features: FeatureVector) -> Explanation {
    let place = place(features)
    let value = structure.scale.backward(place.center)
    let parts =
      structure.scale == .logarithm
      ? workParts(features, place, value) : stepParts(features, place)
    return Explanation(response: response, value: value, parts: parts)
  }

  private func workParts(
    _ features: FeatureVector,
    _ place: Place,
    _ value: Double
  ) -> [Explanation.Part] {
    var parts = structure.terms.flatMap { term in
      Self.work(in: term.feature).map {
        Explanation.Part(name: $0.rawValue, amount: term.coefficient * features[$0])
      }
    }
    parts.append(.init(name: "constant", amount: structure.constant))
    let work = parts.reduce(0) { $0 + $1.amount }
    let stretched = structure.scale.backward(place.structural)
    parts.append(.init(name: "queueing", amount: stretched - work))
    parts.append(.init(name: "residual", amount: value - stretched))
    return parts
  }

  /// The work that a fluid's time holds; what it takes longer than that is queueing.
  private static func work(in feature: Feature) -> [Feature] {
    let stageTwo: [Feature] = [
      .leafWork, .invalidWork, .tableWork, .ipaFlushWork, .rangeFlushWork, .vmidFlushWork,
      .cacheWork,
    ]
    return switch feature {
    case .fluidStageTwo: stageTwo
    case .fluidWhole: stageTwo + [.hostFreeWork, .callWork, .pauseWork]
    default: [feature]
    }
  }

  private func stepParts(_ features: FeatureVector, _ place: Place) -> [Explanation.Part] {
    var position = structure.constant
    var parts = [
      Explanation.Part(name: "constant", amount: structure.scale.backward(position))
    ]
    func step(_ name: String, to next: Double) {
      let amount = structure.scale.backward(next) - structure.scale.backward(position)
      parts.append(.init(name: name, amount: amount))
      position = next
    }
    for term in structure.terms {
      step(
        term.feature.rawValue,
        to: position + term.coefficient * term.feature.place(features)
      )
    }
    step("residual", to: place.center)
    return parts
  }
}
