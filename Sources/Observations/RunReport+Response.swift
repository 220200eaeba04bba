// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// One number of a run that a policy is judged by.
package enum Response: String, Hashable, Sendable, CaseIterable, Codable {
  /// The whole operation, host-side freeing included; a migration's is `migrationTime`.
  case teardownTime = "teardown_time_ns"
  /// The stage-2 part of the operation; a migration's is `writeProtectTotal`.
  case stageTwoTime = "stage2_time_ns"
  /// The longest hold of mmu_lock for write.
  case longestHold = "longest_hold_ns"
  /// All write-protect calls together.
  case writeProtectTotal = "write_protect_total_ns"
  /// The 99th percentile of one write-protect call.
  case writeProtectP99 = "write_protect_call_p99_ns"
  /// The longest wait of a vCPU for mmu_lock, or, where the host unmaps memory of a running guest, from
  /// a fault to the page.
  case worstStall = "worst_vcpu_stall_ns"
  /// TCP goodput during the stage-2 part, or from its beginning on for 200 ms where it is shorter,
  /// over the goodput before it; at most 1.
  case goodputRetained = "goodput_retained_share"
  /// The 99th percentile of request latency.
  case requestP99 = "request_p99_ns"
  /// Storage requests per second over the same time over those before it; at most 1.
  case iopsRetained = "iops_retained_share"
  /// Connections that failed or took longer than a second.
  case connectsFailed = "connects_failed_count"
  /// The whole migration.
  case migrationTime = "migration_time_ns"
  /// The time the guest stood still.
  case downtime = "downtime_ns"
  /// The share of its vCPUs' time that a running guest loses to a migration or to unmaps: faults,
  /// waits for mmu_lock or for the end of a notifier call, refilled TLBs.
  case guestLost = "guest_lost_share"

  /// What a response is measured in.
  package enum Unit: String, Hashable, Sendable, Codable {
    /// Time in nanoseconds.
    case nanoseconds = "ns"
    /// A share, 1 being all of it.
    case share
    /// A number of things.
    case count
  }

  /// Which way is better.
  package enum Direction: String, Hashable, Sendable, Codable {
    /// Less is better.
    case lower
    /// More is better.
    case higher
  }

  /// The unit of the response's value.
  package var unit: Unit {
    switch self {
    case .goodputRetained, .iopsRetained, .guestLost: .share
    case .connectsFailed: .count
    default: .nanoseconds
    }
  }

  /// Whether it says what vCPUs lose, not how long the host's work takes or what IO keeps.
  package var isOfGuest: Bool { self == .worstStall || self == .guestLost }

  /// Which way the response is better.
  package var direction: Direction {
    switch self {
    case .goodputRetained, .iopsRetained: .higher
    default: .lower
    }
  }
}

extension RunReport {
  /// The value of a response in its unit, or nil where the run has none.
  package func value(of response: Response) -> Double? {
    switch response {
    case .teardownTime: migration == nil ? operation.whole.inNanoseconds : nil
    case .stageTwoTime: migration == nil ? operation.stageTwo.inNanoseconds : nil
    case .longestHold: locks?.holds.max?.inNanoseconds
    case .writeProtectTotal: writeProtect?.total.inNanoseconds
    case .writeProtectP99: timesACall ? writeProtect?.callP99?.inNanoseconds : nil
    case .worstStall: (writeProtect?.worstStall ?? guest?.worstStall)?.inNanoseconds
    case .goodputRetained: network.flatMap { $0.baseline.rawValue > 0 ? $0.retained : nil }
    case .requestP99: requests.flatMap { $0.count > 0 ? $0.p99?.inNanoseconds : nil }
    case .iopsRetained: storage.flatMap { $0.baseline > 0 ? $0.retained : nil }
    case .connectsFailed: connects.map { Double($0.failed + $0.slow) }
    case .migrationTime: migration?.time.inNanoseconds
    case .downtime: migration?.downtime.inNanoseconds
    case .guestLost: migration.map { 1 - $0.guestSpeed } ?? guest?.lost
    }
  }
}

extension RunReport {
  /// Whether some write-protect call was timed; a report that does not say so timed one.
  private var timesACall: Bool { writeProtect?.timedCalls != 0 }

  /// How many samples a percentile of the run is taken from, or what a share is a share of; nil for
  /// responses that are neither, and where the run has no such part.
  package func samples(of response: Response) -> Int64? {
    switch response {
    case .requestP99: requests?.count
    case .writeProtectP99: writeProtect.flatMap { $0.timedCalls ?? ($0.callP99 == nil ? 0 : nil) }
    case .iopsRetained: storage.map { $0.baseline > 0 ? 1 : 0 }
    case .goodputRetained: network.map { $0.baseline.rawValue > 0 ? 1 : 0 }
    default: nil
    }
  }

  /// The responses that the run was to have and of which it saw no sample: none, not zero.
  package var unsampled: [Response] { Response.allCases.filter { samples(of: $0) == 0 } }

  /// Whether a percentile of the run has too few samples to be anything but their largest.
  package func isLargest(_ response: Response) -> Bool {
    guard let needed = response.samplesNeeded, let count = samples(of: response) else {
      return false
    }
    return count > 0 && count < needed
  }
}

extension Response {
  /// Samples from which on a percentile may lie below the largest of them: 100 for a 99th; nil for
  /// a response that is no percentile.
  package var samplesNeeded: Int64? {
    switch self {
    case .requestP99, .writeProtectP99: 100
    default: nil
    }
  }

  /// One sample and several, in words: `call`, `calls`.
  package func sampleNoun(_ count: Int64) -> String {
    let noun =
      switch self {
      case .writeProtectP99: "timed call"
      case .requestP99: "request"
      default: "sample"
      }
    return count == 1 ? noun : noun + "s"
  }
}

extension Nanoseconds {
  /// The length as a floating-point number of nanoseconds, for models and statistics.
  fileprivate var inNanoseconds: Double { Double(rawValue) }
}
