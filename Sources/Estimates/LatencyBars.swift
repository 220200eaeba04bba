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
    let (length, divisor, share) = (high - low, Double(parts), weight / Double(parts))
    var bars = bars.mutableSpan
    let scale = LatencyScale.latencies
    for part in 0..<parts {
      bars[scale.place(of: low + (Double(part) + 0.5) * length / divisor)] += share
    }
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

/// Bars of a twenty-fourth of an octave, found without logarithms: an estimate asks for tens of
/// thousands.
struct LatencyScale {
  /// Latencies in nanoseconds, from a microsecond up.
  static let latencies = LatencyScale(unit: 1_000)
  /// The least latency of each bar in nanoseconds, by `24 log2(latency / 1000)`; the last bar has
  /// no end.
  static var edges: [Double] { latencies.edges }
  /// The same for ratios of latencies.
  private static let ratios = LatencyScale(unit: 1)

  /// The bar of a latency; what lies below or beyond all is in the first or the last.
  static func bar(of latency: Double) -> Int { latencies.place(of: latency) }

  /// How many bars a ratio of latencies spans, rounded down.
  static func parts(in ratio: Double) -> Int { ratios.place(of: ratio) }

  private let edges: [Double]
  /// The bar that each slice begins in, a hundred and twenty-eighth of an octave long: less than a
  /// bar, so that at most one edge lies in it.
  private let bars: [Int]
  /// The number that the bits of a value in the first slice begin with.
  private let first: Int

  private init(unit: Double) {
    let edges = Self.leasts(unit: unit) + [.infinity]
    let first = Int(unit.bitPattern >> 52) << 7
    self.edges = edges
    self.first = first
    var bar = 0
    bars = (0..<(LatencyBars.count / 24 + 1) << 7).map { slice in
      let value = Double(bitPattern: UInt64(first + slice) << 45)
      while value >= edges[bar + 1] { bar += 1 }
      return bar
    }
  }

  /// The last edge that a value reaches: that of its slice, or the next.
  func place(of value: Double) -> Int {
    // The sign, the exponent and seven bits of the fraction.
    let slice = Int(Int64(bitPattern: value.bitPattern) &>> 45) &- first
    let bar = bars[min(max(slice, 0), bars.count - 1)]
    return value >= edges[bar &+ 1] ? bar &+ 1 : bar
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
