// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Histogram
import Profiles
import Quantities

/// A recorder of times, to three significant digits (HdrHistogram).
struct Latencies: Sendable {
  /// Made when something is first recorded: it has 270 KB, and most runs record nothing of most kinds.
  private var histogram: Histogram<UInt64>?
  /// Counts by powers of two of a microsecond: under 1, under 2, under 4...
  private var bars = Array(repeating: Int64(0), count: 44)
  private(set) var count: Int64 = 0
  private(set) var max = Nanoseconds.zero
  private var sum = Nanoseconds.zero

  /// Records `count` equal times.
  mutating func record(_ time: Nanoseconds, count: Int64 = 1) {
    guard count > 0 else { return }
    self.count += count
    max = Swift.max(max, time)
    sum += time * count
    let value = UInt64(Swift.max(0, time.rawValue))
    if histogram == nil {
      histogram = Histogram(
        lowestDiscernibleValue: 1,
        highestTrackableValue: 3_600_000_000_000,
        numberOfSignificantValueDigits: .three
      )
    }
    histogram?.record(Swift.min(value, 3_600_000_000_000), count: UInt64(count))
    let micros = value / 1_000
    bars[Swift.min(bars.count - 1, 64 - micros.leadingZeroBitCount)] += count
  }

  /// What a report says of them.
  var summary: LatencySummary {
    var summary = LatencySummary()
    summary.count = count
    guard count > 0 else { return summary }
    summary.p50 = percentile(50)
    summary.p99 = percentile(99)
    summary.p999 = percentile(99.9)
    summary.max = max
    summary.mean = sum / count
    return summary
  }

  private func percentile(_ share: Double) -> Nanoseconds? {
    guard let histogram else { return nil }
    return Swift.min(max, Nanoseconds(rawValue: Int64(histogram.valueAtPercentile(share))))
  }

  /// The bars that are not empty.
  var histogramBars: [HistogramBar] {
    bars.enumerated().filter { $0.element > 0 }.map { power, count in
      HistogramBar(upper: .microseconds(Int64(1) << power), count: count)
    }
  }
}
