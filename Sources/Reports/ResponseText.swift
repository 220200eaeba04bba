// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Profiles
import Quantities

extension Response {
  /// The response in a word or two, as answers write it.
  package var title: String {
    switch self {
    case .teardownTime: "teardown"
    case .stageTwoTime: "stage 2"
    case .longestHold: "longest hold"
    case .writeProtectTotal: "write-protect"
    case .writeProtectP99: "write-protect p99"
    case .worstStall: "worst vCPU stall"
    case .goodputRetained: "TCP keeps"
    case .requestP99: "requests p99"
    case .iopsRetained: "storage keeps"
    case .connectsFailed: "failed connects"
    case .migrationTime: "migration"
    case .downtime: "downtime"
    case .guestLost: "guest loses"
    }
  }

  /// A value of the response with its unit, such as `97 %` or `76.4 s`.
  package func text(_ value: Double) -> String {
    guard value.isFinite else { return "-" }
    switch unit {
    case .nanoseconds: return time(nanoseconds: value)
    case .share: return percent(value)
    case .count: return significant(value, digits: 3)
    }
  }

  /// A value as `text` writes it with three digits, or with more where more are needed.
  func text(_ value: Double, digits: Int) -> String {
    guard digits > 3, value.isFinite else { return text(value) }
    switch unit {
    case .nanoseconds: return time(nanoseconds: value, digits: digits)
    case .share: return significant(value * 100, digits: digits) + " %"
    case .count: return significant(value, digits: digits)
    }
  }

  /// A value beside a limit as `exactText`, or that there is no sample of it.
  package func exactText(_ value: Double?) -> String {
    value.map { (known: Double) in exactText(known) } ?? "no sample"
  }

  /// A value beside a limit: as `text`, but with the digits that show on which side it lies.
  package func exactText(_ value: Double) -> String {
    guard value.isFinite, unit == .share else { return text(value) }
    return significant(value * 100, digits: 3) + " %"
  }

  /// A value with its interval, such as `97 % [96-98]` or `76.4 s [75.9-77 s]`.
  package func text(_ value: Double, low: Double, high: Double) -> String {
    guard low < high, low.isFinite, high.isFinite else { return text(value) }
    switch unit {
    case .share:
      let ends = [low, high].map { wholePercent($0) }
      return "\(text(value)) [\(ends[0])-\(ends[1])]"
    case .nanoseconds, .count:
      let (from, to) = (text(low), text(high))
      return from == to ? text(value) : "\(text(value)) [\(Self.range(from, to))]"
    }
  }

  /// Two texts with a unit each as one range; equal units are written once.
  private static func range(_ low: String, _ high: String) -> String {
    let (from, to) = (low.split(separator: " "), high.split(separator: " "))
    guard from.count == 2, to.count == 2, from[1] == to[1] else { return "\(low) - \(high)" }
    return "\(from[0])-\(high)"
  }
}
