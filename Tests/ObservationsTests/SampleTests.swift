// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Quantities
import Testing

/// Percentiles of no sample, of one, and of fewer than they need.
@Suite struct SampleTests {
  private var blank: RunReport {
    RunReport(
      identity: RunIdentity(host: "h", kernel: "k", workload: "w", policy: "p", seed: 1)
    )
  }

  private func summary(_ count: Int64, _ time: Nanoseconds?) -> LatencySummary {
    var summary = LatencySummary()
    summary.count = count
    (summary.p50, summary.p99, summary.p999, summary.max) = (time, time, time, time)
    return summary
  }

  /// A run whose every response that can lack samples has so many.
  private func run(samples count: Int64) -> RunReport {
    let time: Nanoseconds? = count > 0 ? .milliseconds(3) : nil
    var report = blank
    report.requests = summary(count, time)
    var protect = WriteProtectTimes()
    (protect.callP99, protect.timedCalls) = (time, count)
    report.writeProtect = protect
    var (network, storage) = (NetworkOutcome(), StorageOutcome())
    if count > 0 { (network.baseline, storage.baseline) = (.gigabits(1), 10) }
    report.network = network
    report.storage = storage
    return report
  }

  @Test(arguments: [
    Response.requestP99, .writeProtectP99, .goodputRetained, .iopsRetained,
  ])
  func nothingSeenIsNoneAndNotZero(response: Response) {
    let empty = run(samples: 0)
    #expect(empty.value(of: response) == nil)
    #expect(empty.samples(of: response) == 0 && empty.unsampled.contains(response))
    #expect(run(samples: 1).value(of: response) != nil)
    #expect(!run(samples: 1).unsampled.contains(response))
    #expect(!blank.unsampled.contains(response), "a part that is not there lacks nothing")
  }

  /// Reports of versions before said zero of no time.
  @Test func zeroOfNoTimeIsNoneToo() {
    var report = blank
    report.requests = summary(0, .zero)
    #expect(report.value(of: .requestP99) == nil)
  }

  @Test(arguments: [Int64(1), 2, 99])
  func fewerThanAPercentileNeedsAreTheirLargest(count: Int64) {
    for response in Response.allCases where response.samplesNeeded != nil {
      #expect(run(samples: count).isLargest(response))
      #expect(!run(samples: 100).isLargest(response) && !run(samples: 0).isLargest(response))
    }
  }

  @Test func jsonLeavesOutWhatWasNotSeen() throws {
    let text = try JSON.text(run(samples: 0))
    for key in ["p50_ns", "p99_ns", "p99_9_ns", "\"max_ns", "call_p99_ns"] {
      #expect(!text.contains(key), "\(key)")
    }
    let report = run(samples: 4)
    let data = try JSON.data(report)
    #expect(try JSONDecoder().decode(RunReport.self, from: data) == report)
  }
}
