// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Quantities
import Testing

@testable import Machine

/// Recorded times and their percentiles.
@Suite struct LatenciesTests {
  @Test func noTimeHasNoPercentile() {
    let summary = Latencies().summary
    #expect(summary.count == 0)
    for value in [summary.p50, summary.p99, summary.p999, summary.max] { #expect(value == nil) }
  }

  /// The naive percentile: the least time that so many of the sorted times do not exceed.
  @Test(arguments: [1, 2, 60, 99, 100, 101, 1000])
  func percentilesAreThoseOfASortedList(count: Int) throws {
    var latencies = Latencies()
    let times = (1...count).map { Int64($0) * 1000 }
    for time in times { latencies.record(.nanoseconds(time)) }
    let summary = latencies.summary
    for (found, share) in [(summary.p50, 0.5), (summary.p99, 0.99), (summary.p999, 0.999)] {
      let rank = max(1, Int((share * Double(count)).rounded(.up)))
      let value = Double(try #require(found).rawValue)
      #expect(abs(value / Double(times[rank - 1]) - 1) < 0.002, "\(share) of \(count)")
    }
    if count < 100 { #expect(summary.p99 == summary.max) }
  }
}
