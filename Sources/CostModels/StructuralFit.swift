// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

import GSLKit
import Observations

/// Fits the structural part of a response by robust least squares, then its queueing factor.
struct StructuralFit {
  let sample: ResponseSample
  /// How strongly a coefficient is held at what physics says, in units of one run.
  static let priorWeight = 0.1

  /// The terms of a response: for times the work they are made of, else the loads and lengths
  /// that decide who waits.
  static func candidates(_ response: Response) -> [Feature] {
    switch response {
    case .teardownTime: [.fluidWhole]
    case .stageTwoTime: [.fluidStageTwo]
    case .writeProtectTotal: [.preCopyProtecting, .stageTwoWork]
    case .longestHold: [.fluidHold]
    case .worstStall: [.longestChunk]
    case .writeProtectP99: [.callStretch]
    case .requestP99: [.fluidRequest, .roundTrip]
    case .migrationTime: [.preCopyTime]
    case .downtime: [.preCopyDowntime]
    case .guestLost: [.preCopyLost]
    case .goodputRetained: [.fluidGoodput]
    case .iopsRetained: [.fluidIOPS]
    case .connectsFailed:
      [
        .longestStretch, .longestChunk, .softirqLoad, .taskLoad, .ringFill, .windowFill,
        .oldSoftirqRule,
      ]
    }
  }

  /// Terms in which everything that shares the CPU is accounted for.
  private static let fluid: Set<Feature> = [
    .fluidStageTwo, .fluidWhole, .fluidHold, .fluidRequest, .preCopyTime, .preCopyDowntime,
    .preCopyProtecting,
  ]

  /// Fits terms, then queueing.
  func mean() throws(GSLError) -> StructuralMean {
    let terms = Self.candidates(sample.response).filter { feature in
      sample.features.contains { $0[feature] != 0 }
    }
    return sample.scale == .logarithm ? try times(terms) : try shares(terms)
  }

  /// Times: relative errors count, and a coefficient starts from one, where counts times unit
  /// costs are the whole truth.
  private func times(_ terms: [Feature]) throws(GSLError) -> StructuralMean {
    var kept = terms
    guard !kept.isEmpty else {
      let middle = sample.values.sorted()[sample.count / 2]
      return StructuralMean(
        scale: sample.scale,
        constant: middle,
        terms: [],
        queueing: nil,
        condition: 1
      )
    }
    while true {
      let fit = try relativeFit(kept)
      let coefficients = fit.parameters.map { 1 + $0 }
      guard let worst = coefficients.indices.min(by: { coefficients[$0] < coefficients[$1] }),
        coefficients[worst] < 0, kept.count > 1
      else {
        let base = StructuralMean(
          scale: sample.scale,
          constant: 0,
          terms: zip(kept, coefficients).map { .init(feature: $0, coefficient: max(0, $1)) },
          queueing: nil,
          condition: fit.condition
        )
        return withQueueing(base)
      }
      kept.remove(at: worst)
    }
  }

  private func relativeFit(_ terms: [Feature]) throws(GSLError) -> Fit {
    var rows: [[Double]] = []
    var targets: [Double] = []
    for (features, value) in zip(sample.features, sample.values) {
      // Relative to the larger of both, so that no estimate gone wrong outweighs all others.
      let estimate = terms.reduce(0) { $0 + features[$1] }
      let weight = 1 / max(value, estimate, 1_000)
      let row = terms.map { features[$0] * weight }
      rows.append(row)
      targets.append(value * weight - row.reduce(0, +))
    }
    for index in terms.indices {
      rows.append(terms.indices.map { $0 == index ? Self.priorWeight : 0 })
      targets.append(0)
    }
    let design = try Design(columnNames: terms.map(\.rawValue), rows: rows)
    return try robust(design, targets)
  }

  /// Shares and counts: logarithms and loads, with a ridge.
  private func shares(_ terms: [Feature]) throws(GSLError) -> StructuralMean {
    let space = FeatureSpace(sample.features, among: terms)
    let mean = sample.targets.reduce(0, +) / Double(sample.count)
    var rows = sample.features.map { space.coordinates($0) + [1] }
    var targets = sample.targets.map { $0 - mean }
    let ridge = 0.05 * Double(sample.count).squareRoot()
    for index in space.axes.indices {
      rows.append((0...space.dimensions).map { $0 == index ? ridge : 0 })
      targets.append(0)
    }
    let names = space.axes.map(\.feature.rawValue) + ["constant"]
    let fit = try robust(try Design(columnNames: names, rows: rows), targets)
    var constant = mean + (fit.parameters.last ?? 0)
    var found: [StructuralMean.Term] = []
    for (axis, parameter) in zip(space.axes, fit.parameters) {
      found.append(.init(feature: axis.feature, coefficient: parameter / axis.deviation))
      constant -= parameter * axis.mean / axis.deviation
    }
    return StructuralMean(
      scale: sample.scale,
      constant: constant,
      terms: found,
      queueing: nil,
      condition: fit.condition
    )
  }

  /// A robust fit; one whose weights do not settle is replaced by plain least squares, which the
  /// residual process then corrects.
  private func robust(_ design: Design, _ targets: [Double]) throws(GSLError) -> Fit {
    do {
      return try LeastSquares.robust(design, response: targets).fit
    } catch .notConverged {
      return try LeastSquares.qr(design, response: targets)
    }
  }

  /// Adds the queueing factor where load differs between the runs and the factor converges.
  private func withQueueing(_ mean: StructuralMean) -> StructuralMean {
    let loaded = sample.features.filter { $0[.softirqLoad] + $0[.taskLoad] > 0.01 }
    // A fluid has queued already.
    let isFluid = mean.terms.contains { Self.fluid.contains($0.feature) }
    guard loaded.count >= 10, !isFluid else { return mean }
    let residuals = zip(sample.features, sample.targets).map { $1 - mean.value($0) }
    do {
      // Exponentials keep both parts positive: load never shortens work.
      let found = try LeastSquares.nonlinear(residuals, start: [-2, -2]) { logs in
        sample.features.map {
          StructuralMean.Queueing.logarithm(exp(min(logs[0], 5)), exp(min(logs[1], 5)), $0)
        }
      }
      let parts = found.fit.parameters.map { exp(min($0, 5)) }
      return StructuralMean(
        scale: mean.scale,
        constant: mean.constant,
        terms: mean.terms,
        queueing: .init(interrupts: parts[0], tasks: parts[1]),
        condition: mean.condition
      )
    } catch {
      return mean
    }
  }
}
