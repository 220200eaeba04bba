// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

import GSLKit
import Observations
import Randomness

/// How much effort a fit takes.
package struct FitSettings: Hashable, Sendable {
  /// Points the process stands on: what a prediction costs.
  package var inducingLimit = 320
  /// Runs the kernel's parameters are estimated on.
  package var evidenceRuns = 300
  /// Starts of the search for the kernel's parameters, one to four.
  package var starts = 3
  /// Iterations of each start.
  package var iterationLimit = 40
  /// Folds that the size of errors is learnt from.
  package var folds = 5
  /// Whether the process starts from the structural part, or from a constant (for comparison).
  package var usesStructure = true
  /// Whether the process corrects the structural part, or nothing does (for comparison).
  package var usesProcess = true

  /// The effort of shipped models.
  package init() {}
}

/// Fits the model of one response.
struct ResponseFit {
  let settings: FitSettings
  /// Terms that a fit has at least: those of the structure, and the lengths of the process.
  static let fewestTerms = 11

  /// Fits on some runs and takes the intervals from others, which the fit never sees.
  func model(
    _ response: Response,
    fitting: [Observation],
    calibrating: [Observation]
  ) throws(CostModelError) -> ResponseModel {
    let sample = try ResponseSample(response, of: fitting)
    let held = try ResponseSample(response, of: calibrating)
    try sample.validate(terms: max(StructuralFit.candidates(response).count, Self.fewestTerms))
    let usable = held.isCensored.count { !$0 }
    guard usable >= Conformal.minimumRuns else {
      throw .tooFewRuns(response: response, runs: usable, needed: Conformal.minimumRuns)
    }
    do {
      let draft = try fit(sample)
      return draft.calibrated(on: held)
    } catch {
      throw .numerics(response: response, cause: error)
    }
  }

  private func fit(_ sample: ResponseSample) throws(GSLError) -> Draft {
    let complete = sample.complete
    let structure = try structure(complete)
    let space = FeatureSpace(sample.features, among: Self.axes(of: sample.response))
    var draft = try draft(complete, structure, space, complete.residuals(from: structure))
    guard complete.count < sample.count else { return draft }
    // Rounds of imputing what a stopped run would have become; a few settle to a percent.
    for _ in 0..<3 {
      let residuals = impute(sample, draft)
      draft = try self.draft(sample, structure, space, residuals)
    }
    return draft
  }

  private func structure(_ sample: ResponseSample) throws(GSLError) -> StructuralMean {
    guard settings.usesStructure else {
      let mean = sample.targets.reduce(0, +) / Double(sample.count)
      let constant = sample.scale == .logarithm ? sample.scale.backward(mean) : mean
      return StructuralMean(
        scale: sample.scale,
        constant: constant,
        terms: [],
        queueing: nil,
        condition: 1
      )
    }
    return try StructuralFit(sample: sample).mean()
  }

  private func draft(
    _ sample: ResponseSample,
    _ structure: StructuralMean,
    _ space: FeatureSpace,
    _ residuals: [Double]
  ) throws(GSLError) -> Draft {
    let points = sample.features.map { space.coordinates($0) }
    let bend = ResidualBend(residuals)
    let targets = residuals.map { bend.forward($0) }
    let whole = try kernel(points, targets)
    let kept = whole.relevant
    let fit = try SparseFit(
      whole.keeping(kept),
      points: points.map { point in kept.map { point[$0] } },
      targets: targets,
      limit: settings.inducingLimit
    )
    var process = try fit.process(errors: try fit.outOfFoldErrors(folds: settings.folds))
    if !settings.usesProcess { process = process.withoutMean(errors: targets) }
    return Draft(
      sample: sample,
      structure: structure,
      space: space.keeping(kept),
      bend: bend,
      process: process
    )
  }

  /// The kernel of most evidence on runs drawn by chance that is always the same.
  private func kernel(
    _ points: [[Double]],
    _ targets: [Double]
  ) throws(GSLError) -> ArdKernel {
    let used = min(points.count, settings.evidenceRuns)
    var order = Array(points.indices)
    var chance = Stream(key: 0xE71D)
    order.shuffle(using: &chance)
    let chosen = order.prefix(used).sorted()
    let evidence = MarginalLikelihood(
      points: chosen.map { points[$0] },
      targets: chosen.map { targets[$0] }
    )
    let dimensions = points[0].count
    let guesses = [(1.1, -2.0), (0.3, -1.0), (2.0, -3.0), (0.8, -0.3)]
    let starts = guesses.prefix(settings.starts).map { length, noise in
      ArdKernel(
        logLengths: [Double](repeating: length, count: dimensions),
        logSignal: 0,
        logNoise: noise
      )
    }
    return try evidence.maximize(
      starts: Array(starts),
      iterationLimit: settings.iterationLimit
    )
  }

  /// The residuals, that of each stopped run replaced by its expectation beyond its bound.
  private func impute(_ sample: ResponseSample, _ draft: Draft) -> [Double] {
    var residuals = sample.residuals(from: draft.structure)
    let model = draft.model(Conformal(scores: [1]))
    for run in residuals.indices where sample.isCensored[run] {
      let place = model.place(sample.features[run])
      let bound = draft.bend.forward(residuals[run])
      let beyond = tailMean((bound - place.bent) / place.error)
      residuals[run] = draft.bend.backward(place.bent + place.error * beyond)
    }
    return residuals
  }

  /// The mean of a standard normal beyond a bound.
  private func tailMean(_ bound: Double) -> Double {
    guard bound < 8 else { return bound + 1 / bound }
    let density = exp(-0.5 * bound * bound) / (2 * Double.pi).squareRoot()
    return density / (0.5 * erfc(bound / 2.0.squareRoot()))
  }
}

/// A fit that still lacks its intervals.
private struct Draft {
  let sample: ResponseSample
  let structure: StructuralMean
  let space: FeatureSpace
  let bend: ResidualBend
  let process: SparseProcess

  func model(_ conformal: Conformal) -> ResponseModel {
    ResponseModel(
      response: sample.response,
      fittedRuns: sample.count,
      censoredRuns: sample.isCensored.count { $0 },
      domain: Domain(sample.features),
      conformal: conformal,
      structure: structure,
      space: space,
      bend: bend,
      process: process
    )
  }

  /// Takes the intervals from runs that the fit has not seen.
  func calibrated(on held: ResponseSample) -> ResponseModel {
    let raw = model(Conformal(scores: [1]))
    var scores: [Double] = []
    for run in held.targets.indices where !held.isCensored[run] {
      let place = raw.place(held.features[run])
      let residual = raw.bend.forward(held.targets[run] - place.structural)
      scores.append((residual - place.bent).magnitude / place.error)
    }
    return model(Conformal(scores: scores))
  }
}

extension SparseProcess {
  /// A process that says nothing, with one size of error everywhere.
  func withoutMean(errors: [Double]) -> SparseProcess {
    let zeros = [Double](repeating: 0, count: weights.count)
    let spread = (errors.reduce(0) { $0 + $1 * $1 } / Double(max(1, errors.count))).squareRoot()
    return SparseProcess(
      inverseLengths: inverseLengths,
      inducing: inducing,
      weights: zeros,
      errorWeights: zeros,
      errorLevel: log(spread + 1e-9)
    )
  }
}
