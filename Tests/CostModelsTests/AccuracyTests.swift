// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Profiles
import Randomness
import TestSupport
import Testing

@testable import CostModels

@Suite("Errors on runs that no fit has seen")
struct AccuracyTests {
  private func estimate(_ response: Response, _ value: Double, _ low: Double, _ high: Double)
    -> ResponseEstimate
  {
    ResponseEstimate(
      response: response,
      value: value,
      low: low,
      high: high,
      level: 0.9,
      validity: Validity(place: .inside, reason: nil)
    )
  }

  private func run(_ response: Response, _ value: Double?, _ group: Int = 0, stopped: Bool = false)
    -> Observation
  {
    Observation(
      features: vector([:]),
      values: Response.allCases.map { $0 == response ? value : nil },
      isCensored: stopped,
      group: group
    )
  }

  @Test("Median, ninetieth and coverage are those of sorted errors", arguments: Property.seeds(10))
  func quantiles(seed: UInt64) {
    var chance = Seed(seed).stream("quantiles")
    let values = (0..<101).map { _ in 1e6 * (1 + chance.uniform()) }
    let errors = values.map { _ in 0.2 * (chance.uniform() - 0.5) }
    let estimates = zip(values, errors).map { value, error in
      estimate(
        .teardownTime,
        value * (1 + error),
        value * (1 + error) * 0.97,
        value * 1.03 * (1 + error)
      )
    }
    let accuracy = Accuracy(
      response: .teardownTime,
      on: values.map { run(.teardownTime, $0) },
      estimates: estimates
    )
    let sorted = errors.map { 100 * abs($0) }.sorted()
    #expect(accuracy.runs == 101 && accuracy.unit == .percent)
    #expect(accuracy.median.isNear(sorted[50]) && accuracy.ninetieth.isNear(sorted[90]))
    let hits = zip(values, estimates).count { $1.low <= $0 && $0 <= $1.high }
    #expect(accuracy.coverage.isNear(Double(hits) / 101))
    #expect(!accuracy.isExact && accuracy.bestRuns == 6)
  }

  @Test("Runs that stopped, lack the response or have no estimate do not count")
  func leftOut() {
    let runs = [
      run(.downtime, 2e6), run(.downtime, 3e6, stopped: true), run(.downtime, nil),
      run(.downtime, 4e6),
    ]
    let estimates = [
      estimate(.downtime, 2e6, 1e6, 3e6), estimate(.downtime, 9e6, 0, 1), nil, nil,
    ]
    let accuracy = Accuracy(response: .downtime, on: runs, estimates: estimates)
    #expect(accuracy.runs == 1 && accuracy.median == 0 && accuracy.coverage == 1)
    #expect(accuracy.isExact)
    let none = Accuracy(response: .downtime, on: [], estimates: [])
    #expect(none.runs == 0 && none.ninetieth == 0 && none.coverage == 0 && !none.isExact)
  }

  @Test("The best twentieth is taken of each group, where more is better from the top")
  func best() {
    // Of 40 runs in each of two groups the best two; only they are hit.
    for response in [Response.goodputRetained, .teardownTime] {
      let isShare = response == .goodputRetained
      let runs = (0..<80).map { index in
        let size = Double(index / 2) / (isShare ? 40 : 1e-6)
        return run(response, isShare ? 1 - size : size, index % 2)
      }
      let estimates = runs.enumerated().map { index, run in
        let value = run.value(of: response) ?? 0
        return estimate(response, value, index < 4 ? value : value + 1, value + 2)
      }
      let accuracy = Accuracy(response: response, on: runs, estimates: estimates)
      #expect(accuracy.bestRuns == 4 && accuracy.coverageOfBest == 1, "\(response)")
      #expect(accuracy.coverage.isNear(0.05))
    }
  }

  @Test("Times err in percent of at least a microsecond, shares in points, counts in shares tried")
  func units() {
    func error(_ response: Response, _ predicted: Double, _ value: Double, tried: Int = 1) -> Double
    {
      Observation(features: vector([:]), values: responses([:]), connects: tried)
        .error(of: response, predicted: predicted, value: value)
    }
    #expect(error(.teardownTime, 110e6, 100e6).isNear(10))
    #expect(error(.teardownTime, 90e6, 100e6).isNear(10))
    #expect(error(.longestHold, 500, 0).isNear(50))
    #expect(error(.goodputRetained, 0.95, 0.97).isNear(2))
    #expect(error(.iopsRetained, 0, 0) == 0)
    #expect(error(.connectsFailed, 30, 10, tried: 400).isNear(5))
    #expect(error(.connectsFailed, 3, 1, tried: 0).isNear(200))
    #expect(Accuracy.ErrorUnit.percent.symbol == "%" && Accuracy.ErrorUnit.points.symbol == "pt")
  }

  @Test("A quantile is an element, the last at one, zero of none")
  func quantile() {
    #expect(Accuracy.quantile([], 0.5) == 0)
    for level in [0, 0.5, 0.999, 1] { #expect(Accuracy.quantile([7], level) == 7) }
    let values = (0..<10).map { Double($0) }
    #expect(Accuracy.quantile(values, 0) == 0 && Accuracy.quantile(values, 0.5) == 5)
    #expect(Accuracy.quantile(values, 0.9) == 9 && Accuracy.quantile(values, 1) == 9)
  }

  @Test("What misses a target is named with its distance, and a target that is met says nothing")
  func targets() {
    for response in Response.allCases {
      let target = AccuracyTarget(for: response)
      #expect(target.median > 0 && target.ninetieth >= 3 * target.median)
    }
    let runs = (0..<100).map { run(.teardownTime, 1e9 + Double($0)) }
    func misses(_ error: Double, covered: Int) -> [String] {
      let estimates = runs.enumerated().map { index, run in
        let value = run.value(of: .teardownTime) ?? 0
        let low = index < covered ? value : value + 1
        return estimate(.teardownTime, value * (1 + error), low, value + 2)
      }
      let accuracy = Accuracy(response: .teardownTime, on: runs, estimates: estimates)
      return AccuracyTarget(for: .teardownTime).misses(accuracy)
    }
    #expect(misses(0.01, covered: 90).isEmpty)
    #expect(misses(0.035, covered: 90) == ["median by 1.5 %"])
    #expect(misses(0.08, covered: 90) == ["median by 6 %", "p90 by 2 %"])
    #expect(misses(0.01, covered: 80) == ["coverage by -7 pt"])
    #expect(misses(0.01, covered: 97) == ["coverage by 4 pt"])
  }

  @Test("The table's columns are aligned, and each row has its response's numbers")
  func table() {
    let rows = Response.allCases.enumerated().map { index, response in
      let runs = (0...index).map { _ in run(response, response.unit == .share ? 0.5 : 1e6) }
      return Accuracy(
        response: response,
        on: runs,
        estimates: runs.map { _ in
          estimate(response, response.unit == .share ? 0.5 : 1e6, 0, 1e9)
        }
      )
    }
    let lines = Accuracy.table(rows)
    #expect(lines.count == rows.count + 1)
    #expect(Set(lines.map(\.count)).count == 1, "every line is as wide")
    for (line, row) in zip(lines.dropFirst(), rows) {
      #expect(line.hasPrefix(row.response.rawValue) && line.contains(" \(row.runs) "))
      #expect(line.contains("100 %") && line.hasSuffix("100 % of \(row.bestRuns)"))
    }
    #expect(Accuracy.table([]).count == 1)
  }
}
