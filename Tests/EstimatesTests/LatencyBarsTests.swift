// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Randomness
import TestSupport
import Testing

@testable import Estimates

/// Bars that are found by comparing, against bars found by a logarithm for each part.
@Suite struct LatencyBarsTests {
  /// The same histogram, a logarithm at a time.
  private struct Naive {
    var bars = [Double](repeating: 0, count: 720)
    var count = 0.0

    static func bar(_ latency: Double) -> Int {
      min(719, Int(24 * log2(max(latency, 1_000) / 1_000)))
    }

    mutating func add(_ low: Double, _ high: Double, weight: Double) {
      let ratio = max(high, 1_000) / max(low, 1_000)
      let parts = max(1, min(48, Int(24 * log2(ratio))))
      for part in 0..<parts {
        let latency = low + (Double(part) + 0.5) * (high - low) / Double(parts)
        bars[Self.bar(latency)] += weight / Double(parts)
      }
      count += weight
    }

    func quantile(_ share: Double) -> Double {
      guard count > 0 else { return 0 }
      var below = 0.0
      for (bar, weight) in bars.enumerated() {
        if below + weight >= share * count, weight > 0 {
          return 1_000 * exp2((Double(bar) + (share * count - below) / weight) / 24)
        }
        below += weight
      }
      return 0
    }
  }

  @Test(arguments: Property.seeds(60))
  func quantilesHaveTheSameBits(seed: UInt64) {
    var random = Seed(seed).stream("latencies")
    var (fast, naive) = (LatencyBars(), Naive())
    fast.isOn = true
    for _ in 0..<200 {
      let low = exp2(random.uniform() * 36)
      let length = random.uniform() < 0.2 ? -random.uniform() * low : low * random.uniform() * 40
      let weight = random.uniform() * 100
      fast.add(low, low + length, weight: weight)
      naive.add(low, low + length, weight: weight)
      for share in [0.001, 0.5, 0.99, 1] {
        #expect(fast.quantile(share) == naive.quantile(share), "S2TUNE_SEED=\(seed)")
      }
    }
  }

  /// Where a bar begins, to the bit, and on both sides of it.
  @Test func edgesAreThoseOfTheLogarithm() {
    for (bar, edge) in LatencyScale.edges.enumerated().dropLast() {
      for step in -40...40 {
        let latency = edge + Double(step) * edge.ulp
        #expect(LatencyScale.bar(of: latency) == Naive.bar(latency), "bar \(bar), step \(step)")
      }
    }
    for octave in 0..<29 {
      for part in 0...240 {
        let ratio = exp2(Double(octave) + Double(part) / 240)
        #expect(LatencyScale.parts(in: ratio) == Int(24 * log2(ratio)), "ratio \(ratio)")
      }
    }
  }

  @Test func whatIsOutOfRangeLiesInTheFirstAndLastBar() {
    #expect(LatencyScale.bar(of: -5) == 0 && LatencyScale.bar(of: 0) == 0)
    #expect(LatencyScale.bar(of: 999) == 0 && LatencyScale.bar(of: 1_000) == 0)
    #expect(LatencyScale.bar(of: 1e15) == 719 && LatencyScale.bar(of: 1e300) == 719)
  }
}
