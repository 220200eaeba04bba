// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
package import GSLKit
package import Profiles
import Quantities

/// Why a host cannot be calibrated.
package enum HostFitError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Nothing measured says anything of a cost.
  case noEvidence(String)
  /// A key that evidence names and that is no cost of one event.
  case notACost(key: String)
  /// A fact could not be run.
  case fact(id: String, FactError)
  /// A measured operation could not be run.
  case operation(id: String, reason: String)
  /// The least squares failed.
  case squares(GSLError)

  /// One sentence.
  package var description: String {
    switch self {
    case .noEvidence(let reason): reason
    case .notACost(let key): "key '\(key)' is not a cost with a unit of time; it cannot be fitted"
    case .fact(let id, let error): "fact \(id): \(error)"
    case .operation(let id, let reason): "\(id): \(reason)"
    case .squares(let error): "the fit failed: \(error)"
    }
  }
}

/// A host's costs, fitted so that the simulator gives what was measured.
///
/// Weighted nonlinear least squares of the logarithms of predicted over measured values, in the
/// logarithms of the costs, so that no cost leaves its range. Each cost is drawn towards the base
/// profile's, or towards the shared price where it is one of an operation, so that ten values are
/// enough; what the values do not tell stays where the base has it. Values that fit no host count
/// less and are named.
package struct HostFit: Hashable, Sendable {
  /// What the measured values say of a cost.
  package enum Standing: Hashable, Sendable {
    /// They set it.
    case measured
    /// They set it only together with these: it lies between them as the base profile has it.
    case together([String])
    /// They say next to nothing of it.
    case inherited
  }

  /// One fitted cost.
  package struct Parameter: Hashable, Sendable {
    /// The key of the host profile.
    package let key: String
    /// The base profile's value in nanoseconds; nil where it has none.
    package let base: Double?
    /// The fitted value in nanoseconds.
    package let fitted: Double
    /// The fitted value's relative standard error, the base profile counted as a value.
    package let spread: Double
    /// What the measured values say of it.
    package let standing: Standing
  }

  /// One measured value and how the fitted host stands to it.
  package struct Residual: Hashable, Sendable {
    /// The value.
    package let sample: CostSample
    /// What the fitted host gives.
    package let predicted: Double
    /// Whether it lies so far off the others that it counted less.
    package let isOutlier: Bool

    /// Predicted over measured, less one.
    package var error: Double { predicted / sample.measured - 1 }
  }

  /// The fitted host: the base with the fitted costs.
  package let host: HostProfile
  /// The fitted costs, in the order of the profile's keys.
  package let parameters: [Parameter]
  /// The measured values, in the order of the evidence.
  package let residuals: [Residual]

  /// Fits the costs of a base profile that evidence moves, all others as the profile says.
  package init(base: HostProfile, evidence: [CostEvidence]) throws(HostFitError) {
    let samples = evidence.flatMap(\.samples)
    guard !samples.isEmpty else {
      throw .noEvidence("no measured value is about a cost of a host; nothing can be fitted")
    }
    var problem = try HostProblem(base: base, evidence: evidence)
    var weights = [Double](repeating: 1, count: samples.count)
    for pass in 0..<HostProblem.passes {
      let moved = try problem.step(weights)
      weights = problem.weights()
      if pass > 0, moved < HostProblem.settled { break }
    }
    host = problem.host
    parameters = try problem.parameters(weights)
    residuals = samples.indices.map { index in
      Residual(
        sample: samples[index],
        predicted: problem.predicted[index],
        isOutlier: weights[index] < 0.5
      )
    }
  }
}

/// How far a cost is drawn towards what stands before any measurement.
struct CostPrior: Hashable, Sendable {
  /// One standard deviation of its logarithm.
  let spread: Double
  /// The shared cost that it lies near; nil for the base profile's own value.
  let shared: String?

  /// The shared price of each price by operation: half as much again is usual between operations.
  static let sharedKeys = [
    "stage2.block_cleared": "stage2.leaf_cleared",
    "stage2.block_protected": "stage2.leaf_protected",
    "stage2.block_destroyed": "stage2.leaf_destroyed",
    "stage2.leaf_revisited": "stage2.leaf_protected",
    "stage2.invalid_protected": "stage2.invalid_visit",
    "stage2.invalid_destroyed": "stage2.invalid_visit",
    "stage2.table_protected": "stage2.table_visit",
    "stage2.table_destroyed": "stage2.table_freed",
    "stage2.protect_call": "stage2.walker_call",
    "stage2.destroy_call": "stage2.walker_call",
    "stage2.split_visit": "stage2.leaf_protected",
    "stage2.split_call": "stage2.walker_call",
  ]

  init(_ key: String, isSet: Bool) {
    // Factors of three between hosts, of one and a half between operations of one (assumed).
    shared = isSet ? nil : Self.sharedKeys[key]
    spread = shared == nil ? log(3) : log(1.5)
  }
}

/// The least-squares problem of a host.
///
/// Predictions without IO are linear in the costs, or nearly: they are taken as linear from where
/// the fit stands, and taken anew from where it arrives.
private struct HostProblem {
  static let passes = 6
  /// The largest change of a cost's logarithm after which the fit stands.
  static let settled = 1e-4
  /// The relative change by half a cost more from which a value says something of the cost.
  static let noticed = 1e-5

  let evidence: [CostEvidence]
  let samples: [CostSample]
  let base: HostProfile
  private(set) var host: HostProfile
  /// The predictions on `host`.
  private(set) var predicted: [Double]
  private var keys: [ProfileKey<HostProfile>] = []
  private var priors: [CostPrior] = []
  /// Logarithms of the base profile's costs in nanoseconds, where a prior needs them.
  private var centres: [Double] = []
  private var slopes: [[Double]] = []

  init(base: HostProfile, evidence: [CostEvidence]) throws(HostFitError) {
    (self.base, host, self.evidence) = (base, base, evidence)
    samples = evidence.flatMap(\.samples)
    predicted = []
    predicted = try predictions(base)
    try chooseKeys()
  }

  private func predictions(_ host: HostProfile) throws(HostFitError) -> [Double] {
    var all: [Double] = []
    for one in evidence { all += try one.predict(host) }
    return all
  }

  /// Takes every key that moves a value, at the base profile's cost or a plausible one.
  private mutating func chooseKeys() throws(HostFitError) {
    var candidates: [ProfileKey<HostProfile>] = []
    let named = Set(evidence.compactMap(\.keys).joined())
    for key in HostProfile.keys {
      let isOpen =
        evidence.contains { $0.keys == nil }
        && CostEvidence.operationKeys.contains {
          $0.name == key.name
        }
      guard named.contains(key.name) || isOpen else { continue }
      guard key.cost != nil else { throw .notACost(key: key.name) }
      candidates.append(key)
    }
    for key in candidates {
      let shared = CostPrior.sharedKeys[key.name].flatMap { name in
        candidates.first { $0.name == name }
      }
      let present = key.cost?.read(host) ?? shared?.cost?.read(host)
      let start = present.flatMap { $0 > .zero ? $0 : nil } ?? Self.plausible
      var with = host
      key.cost?.write(&with, start)
      let before = with == host ? predicted : try predictions(with)
      var more = with
      key.cost?.write(&more, .nanoseconds(start.inNanoseconds * 1.5))
      let after = try predictions(more)
      let moves = samples.indices.contains { index in
        (after[index] - before[index]).magnitude > Self.noticed * samples[index].measured
      }
      guard moves else { continue }
      (host, predicted) = (with, before)
      keys.append(key)
      priors.append(CostPrior(key.name, isSet: (key.cost?.read(base) ?? .zero) > .zero))
      centres.append(log(start.inNanoseconds))
    }
    guard !keys.isEmpty else {
      throw .noEvidence("no cost moves a measured value; nothing can be fitted")
    }
  }

  /// Where a cost starts that a profile leaves out or has as nothing.
  private static let plausible = UnitCost.nanoseconds(20)

  private var costs: [Double] {
    keys.map { key in key.cost?.read(host)?.inNanoseconds ?? 0 }
  }

  /// Fits from where the problem stands; the largest change of a cost's logarithm.
  mutating func step(_ weights: [Double]) throws(HostFitError) -> Double {
    try differentiate()
    let (here, from) = (predicted, costs)
    let start = from.map { log($0) }
    let model = { (x: [Double]) -> [Double] in
      residuals(x, here: here, from: from, weights: weights)
    }
    let target = [Double](repeating: 0, count: samples.count + keys.count)
    // Each pass takes the predictions anew, so none needs to be exact.
    var options = NonlinearOptions()
    (options.stepTolerance, options.gradientTolerance) = (1e-6, 1e-6)
    let solution: NonlinearFit
    do throws(GSLError) {
      solution = try LeastSquares.nonlinear(target, start: start, options: options, model: model)
    } catch { throw .squares(error) }
    let arrived = solution.fit.parameters
    for (key, x) in zip(keys, arrived) { key.cost?.write(&host, .nanoseconds(exp(x))) }
    predicted = try predictions(host)
    return zip(arrived, start).map { ($0 - $1).magnitude }.max() ?? 0
  }

  /// Takes the slopes where the fit stands; `predicted` is of there already.
  private mutating func differentiate() throws(HostFitError) {
    slopes = []
    for (key, cost) in zip(keys, costs) {
      var more = host
      key.cost?.write(&more, .nanoseconds(cost * 1.5))
      let after = try predictions(more)
      slopes.append(samples.indices.map { (after[$0] - predicted[$0]) / (cost * 0.5) })
    }
  }

  /// Distances of predictions and of costs from where they are drawn, in standard deviations.
  private func residuals(
    _ x: [Double],
    here: [Double],
    from: [Double],
    weights: [Double]
  ) -> [Double] {
    let costs = x.map { exp(min($0, 25)) }
    var distances: [Double] = []
    distances.reserveCapacity(samples.count + x.count)
    for (index, sample) in samples.enumerated() {
      var value = here[index]
      for key in x.indices { value += slopes[key][index] * (costs[key] - from[key]) }
      let ratio = max(value / sample.measured, 1e-6)
      distances.append(log(ratio) / sample.spread * weights[index].squareRoot())
    }
    for key in x.indices {
      let centre = priors[key].shared.flatMap(place).map { x[$0] } ?? centres[key]
      distances.append((x[key] - centre) / priors[key].spread)
    }
    return distances
  }

  private func place(_ name: String) -> Int? { keys.firstIndex { $0.name == name } }

  /// How much each value counts: fully within three times what is usual among them, less beyond.
  func weights() -> [Double] {
    let distances = samples.indices.map { index in
      (log(max(predicted[index] / samples[index].measured, 1e-6)) / samples[index].spread).magnitude
    }
    let middle = distances.sorted()[distances.count / 2]
    let usual = 3 * max(1, 1.4826 * middle)
    return distances.map { $0 <= usual ? 1 : usual / $0 }
  }

  /// The fitted costs with their errors, and which of them the values do not tell apart.
  mutating func parameters(_ weights: [Double]) throws(HostFitError) -> [HostFit.Parameter] {
    try differentiate()
    let costs = costs
    let errors = samples.indices.map {
      log(max(predicted[$0] / samples[$0].measured, 1e-6)) / samples[$0].spread
    }
    let usual = errors.map(\.magnitude).sorted()[errors.count / 2]
    // Values that lie nearer than their errors say do not make the costs more certain.
    let scale = max(1, 1.4826 * usual)
    var rows: [[Double]] = []
    for (index, sample) in samples.enumerated() {
      let unit = weights[index].squareRoot() / (predicted[index] * sample.spread * scale)
      rows.append(keys.indices.map { slopes[$0][index] * costs[$0] * unit })
    }
    for key in keys.indices {
      var row = [Double](repeating: 0, count: keys.count)
      row[key] = 1 / priors[key].spread
      if let shared = priors[key].shared.flatMap(place) { row[shared] = -row[key] }
      rows.append(row)
    }
    let covariance: [[Double]]
    do throws(GSLError) {
      let design = Matrix(rows: rows.count, columns: keys.count, elements: rows.flatMap { $0 })
      let inverse = try Cholesky(try design.crossProduct()).inverse()
      covariance = keys.indices.map { row in keys.indices.map { inverse[row, $0] } }
    } catch { throw .squares(error) }
    return keys.indices.map { index in
      HostFit.Parameter(
        key: keys[index].name,
        base: keys[index].cost?.read(base)?.inNanoseconds,
        fitted: costs[index],
        spread: covariance[index][index].squareRoot(),
        standing: standing(index, covariance)
      )
    }
  }

  private func standing(_ index: Int, _ covariance: [[Double]]) -> HostFit.Standing {
    let spread = covariance[index][index].squareRoot()
    guard spread > priors[index].spread / 2 else { return .measured }
    let others = keys.indices.filter { other in
      let both = covariance[index][index] * covariance[other][other]
      return other != index && covariance[index][other] < -0.7 * both.squareRoot()
    }
    return others.isEmpty ? .inherited : .together(others.map { keys[$0].name })
  }
}
