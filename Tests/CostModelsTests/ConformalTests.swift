// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Randomness
import TestSupport
import Testing

@testable import CostModels

@Suite("Conformal intervals")
struct ConformalTests {
  @Test("A quantile is the order statistic that the level needs, for any number of runs")
  func orderStatistics() {
    for count in 9...600 {
      // In any order, each score is its own rank.
      let scores = (1...count).map { Double($0 * 7919 % (count + 1)) }
      guard Set(scores).count == count, !scores.contains(0) else { continue }
      let conformal = Conformal(scores: scores)
      #expect(conformal.runs == count)
      for (percent, quantile) in zip([50, 80, 90, 95], conformal.quantiles) {
        // The least rank with at least the level's share of count + 1 runs at or below it.
        let rank = min(count, ((count + 1) * percent + 99) / 100)
        #expect(quantile == Double(rank), "\(percent) % of \(count)")
        #expect(conformal.quantile(Double(percent) / 100) == quantile)
      }
    }
  }

  @Test("Of exchangeable runs an interval covers its level, and hardly more", arguments: [19, 59])
  func coverage(count: Int) {
    var chance = Seed(11).stream("coverage")
    let trials = 2_000
    var hits = [Int](repeating: 0, count: Conformal.levels.count)
    for _ in 0..<trials {
      // Any order and any tail: the guarantee knows no distribution.
      let scores = (0...count).map { _ in exp(3 * chance.normal()) }
      let conformal = Conformal(scores: Array(scores.dropLast()))
      for (index, quantile) in conformal.quantiles.enumerated() where scores[count] <= quantile {
        hits[index] += 1
      }
    }
    for (level, hits) in zip(Conformal.levels, hits) {
      let expected = (Double(count + 1) * level).rounded(.up) / Double(count + 1)
      let deviation = (expected * (1 - expected) / Double(trials)).squareRoot()
      #expect(abs(Double(hits) / Double(trials) - expected) < 4 * deviation, "\(level): \(hits)")
    }
  }

  @Test("Between the levels quantiles are interpolated, beyond them they stand still")
  func interpolation() {
    let conformal = Conformal(scores: (1...99).map { Double($0) })
    #expect(conformal.quantiles == [50, 80, 90, 95])
    #expect(conformal.quantile(0.85).isNear(85) && conformal.quantile(0.65).isNear(65))
    #expect(conformal.quantile(0.1) == 50 && conformal.quantile(0) == 50)
    #expect(conformal.quantile(0.99) == 95 && conformal.quantile(1) == 95)
    let levels = stride(from: 0.0, through: 1, by: 0.01).map { conformal.quantile($0) }
    #expect(zip(levels, levels.dropFirst()).allSatisfy { $0 <= $1 })
  }

  @Test("Nine runs bound nine in ten; fewer would not")
  func minimum() {
    let scores = (1...Conformal.minimumRuns).map { Double($0) }
    #expect(Conformal(scores: scores).quantile(0.9) == 9)
    let rank = Double(Conformal.minimumRuns + 1) * 0.9
    #expect(rank <= Double(Conformal.minimumRuns))
    #expect(Double(Conformal.minimumRuns) * 0.9 > Double(Conformal.minimumRuns - 1))
  }
}

@Suite("Scales of responses")
struct ScaleTests {
  private static let scales: [ResponseScale] = [.logarithm, .odds, .count]

  /// Values that a response of the scale can have.
  private static func values(_ scale: ResponseScale) -> [Double] {
    switch scale {
    case .logarithm: (0...60).map { exp2(Double($0)) - 1 }
    case .odds: (0...100).map { Double($0) / 100 }
    case .count: (0...40).map { exp2(Double($0)) - 1 } + [0.5, 2.5, 1e-3]
    }
  }

  @Test("A value comes back from its place, and places have the order of values", arguments: scales)
  func roundTrip(scale: ResponseScale) {
    for value in Self.values(scale) {
      #expect(scale.backward(scale.forward(value)).isNear(value, 1e-9), "\(value)")
    }
    let places = Self.values(scale).sorted().map { scale.forward($0) }
    #expect(zip(places, places.dropFirst()).allSatisfy { $0 < $1 })
  }

  @Test("No place stands for an impossible value", arguments: scales)
  func bounds(scale: ResponseScale) {
    for place in [-Double.infinity, -1e9, -60, -5, -1e-9, 0, 1e-9, 5, 60, 1e9, .infinity] {
      let value = scale.backward(place)
      #expect(value.isFinite && value >= 0, "\(place)")
      #expect(scale != .odds || value <= 1)
    }
    #expect(scale.forward(-5) == scale.forward(0))
    #expect(scale != .odds || scale.forward(1.5) == scale.forward(1))
  }

  @Test("Odds are even: a share and what is left of it lie opposite each other")
  func odds() {
    for share in [0, 0.1, 0.25, 0.5] {
      #expect(ResponseScale.odds.forward(share).isNear(-ResponseScale.odds.forward(1 - share)))
    }
    #expect(ResponseScale.odds.forward(0.5) == 0)
    #expect(ResponseScale.odds.forward(1).isNear(log(1.02 / 0.02)))
    #expect(ResponseScale.count.backward(ResponseScale.count.forward(1e-7)) == 0)
  }

  @Test("Only bounds of times are rounded, outward")
  func whole() {
    #expect(ResponseScale.logarithm.whole(1.5, .up) == 2)
    #expect(ResponseScale.logarithm.whole(1.5, .down) == 1)
    #expect(ResponseScale.odds.whole(0.5, .up) == 0.5)
    #expect(ResponseScale.count.whole(1.5, .down) == 1.5)
  }

  @Test(
    "A bent residual comes back as far as nearly all runs reached",
    arguments: Property.seeds(20)
  )
  func bend(seed: UInt64) {
    var chance = Seed(seed).stream("bend")
    let residuals = (0..<200).map { _ in 0.1 * exp(chance.normal()) * chance.normal() }
    let bend = ResidualBend(residuals)
    let bent = residuals.map { bend.forward($0) }
    let mean = bent.reduce(0, +) / 200
    let variance = bent.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 200
    #expect(mean.isNear(0) && variance.isNear(1))
    for (residual, bent) in zip(residuals, bent) {
      let reach = asinh((residual - bend.median) / bend.scale).magnitude
      guard reach <= bend.reach ?? 0 else { continue }
      #expect(bend.backward(bent).isNear(residual), "S2TUNE_SEED=\(seed)")
    }
    let ends = [-1e6, 1e6].map { bend.backward($0) }
    #expect(ends.allSatisfy { $0.isFinite } && ends[0] < bend.median && bend.median < ends[1])
    #expect(bend.backward(10) <= ends[1])
  }

  @Test("Residuals that are all the same are bent to nothing and come back")
  func flatBend() {
    let bend = ResidualBend([0.3, 0.3, 0.3])
    #expect(bend.scale == 1e-6 && bend.deviation == 1e-9)
    #expect(bend.forward(0.3) == 0 && bend.backward(0) == 0.3)
  }
}
