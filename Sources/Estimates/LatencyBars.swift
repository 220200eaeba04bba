// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

/// A histogram of latencies in bars of a twenty-fourth of an octave, from a microsecond up.
struct LatencyBars: Sendable {
  /// Thirty octaves: up to a thousand seconds.
  static let count = 720

  var isOn = false
  private var bars = [Double](repeating: 0, count: count)
  private var count = 0.0

  /// Adds `weight` latencies spread evenly between two values, in nanoseconds.
  mutating func add(_ low: Double, _ high: Double, weight: Double) {
    guard isOn else { return }
    count += weight
    let parts = max(1, min(48, LatencyScale.parts(in: max(high, 1_000) / max(low, 1_000))))
    let (length, share) = (high - low, weight / Double(parts))
    let edges = LatencyScale.edges
    var bar = LatencyScale.bar(of: low + 0.5 * length / Double(parts))
    var sum = bars[bar]
    for part in 0..<parts {
      let latency = low + (Double(part) + 0.5) * length / Double(parts)
      if latency >= edges[bar + 1] {
        bars[bar] = sum
        repeat { bar += 1 } while latency >= edges[bar + 1]
        sum = bars[bar]
      }
      sum += share
    }
    bars[bar] = sum
  }

  /// Adds others, all of them together worth `weight`.
  mutating func merge(_ other: LatencyBars, weight: Double) {
    guard other.count > 0 else { return }
    for bar in bars.indices { bars[bar] += other.bars[bar] * weight / other.count }
    count += weight
  }

  /// The latency that a share of all stay under; zero where there are none.
  func quantile(_ share: Double) -> Double {
    guard count > 0 else { return 0 }
    var below = 0.0
    for (bar, weight) in bars.enumerated() {
      if below + weight >= share * count, weight > 0 {
        let part = (share * count - below) / weight
        return 1_000 * exp2((Double(bar) + part) / 24)
      }
      below += weight
    }
    return 0
  }
}

/// Bars of a twenty-fourth of an octave, found by comparing instead of by logarithms: an estimate
/// asks for tens of thousands.
enum LatencyScale {
  /// The least latency of each bar in nanoseconds, by `24 log2(latency / 1000)`; the last bar has
  /// no end.
  static let edges = leasts(unit: 1_000) + [.infinity]
  /// The same for ratios of latencies.
  private static let ratios = leasts(unit: 1) + [.infinity]

  /// The bar of a latency; what lies below or beyond all is in the first or the last.
  static func bar(of latency: Double) -> Int { place(of: latency, unit: 1_000, in: edges) }

  /// How many bars a ratio of latencies spans, rounded down.
  static func parts(in ratio: Double) -> Int { place(of: ratio, unit: 1, in: ratios) }

  /// The last edge that a value reaches.
  ///
  /// On each octave the logarithm lies above its chord, by a twelfth at most: the chord's edge is
  /// reached, and the one to find is among the next three.
  private static func place(of value: Double, unit: Double, in edges: [Double]) -> Int {
    let ratio = value / unit
    guard ratio > 1 else { return 0 }
    // What the ratio's bits say of it: the octave, and how far into it.
    let octave = min(Int(ratio.bitPattern >> 52) - 1_023, LatencyBars.count / 24 - 1)
    let part = Double(ratio.bitPattern & 0xF_FFFF_FFFF_FFFF) / 0x10_0000_0000_0000
    let chord = 24 * octave + Int(24 * part)
    var place = value >= edges[chord] ? chord : max(0, chord - 1)
    while value >= edges[place + 1] { place += 1 }
    return place
  }

  /// The least value of each bar, to the last bit of what the logarithm says.
  private static func leasts(unit: Double) -> [Double] {
    (0..<LatencyBars.count).map { bar in
      func reaches(_ value: Double) -> Bool { Int(24 * log2(max(value, unit) / unit)) >= bar }
      var (low, high) = (unit, unit * exp2(Double(bar + 1) / 24))
      guard !reaches(low) else { return low }
      while low.nextUp < high {
        let middle = low + (high - low) / 2
        if reaches(middle) { high = middle } else { low = middle }
      }
      return high
    }
  }
}
