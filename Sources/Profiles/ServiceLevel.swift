// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations
package import Quantities

/// What a user notices and a policy changes; the names of the service levels one may ask for.
package enum Metric: String, Hashable, Sendable, CaseIterable, Codable {
  /// Share of the TCP flow's undisturbed goodput that is left while the operation runs, 0 to 1.
  case ioGoodput = "io.goodput"
  /// 99th percentile of the request latency.
  case requestP99 = "request.p99"
  /// Share of undisturbed storage requests per second that is left, 0 to 1.
  case storageIOPS = "storage.iops"
  /// New connections that fail or take over a second, as a number of connections.
  case connectsFailed = "connects.failed"
  /// Time of the whole teardown.
  case teardownTime = "teardown.time"
  /// Longest time mmu_lock is held for write.
  case longestHold = "hold.max"
  /// Time of all write-protection.
  case protectTotal = "wp.total"
  /// 99th percentile of the time of one write-protecting call.
  case protectP99 = "wp.p99"
  /// Longest time one vCPU stood still for write-protection, or for a page that was unmapped.
  case protectStall = "wp.stall"
  /// Time of a whole live migration.
  case migrationTime = "migration.time"
  /// Time the guest stood still at the end of a live migration.
  case migrationDowntime = "migration.downtime"
  /// Share of its vCPUs' time that the running guest loses to a migration or to unmaps, 0 to 1.
  case guestLost = "guest.lost"

  /// Whether more is better.
  package var moreIsBetter: Bool { self == .ioGoodput || self == .storageIOPS }

}

/// A bound that an answer must keep, such as `io.goodput>=0.95` or `teardown.time<=1.2x`.
package struct ServiceLevel: Hashable, Sendable, CustomStringConvertible {
  /// A bound's value.
  package enum Bound: Hashable, Sendable {
    /// A share between 0 and 1, for the metrics that are shares.
    case share(Double)
    /// A time, for the metrics that are times.
    case time(Nanoseconds)
    /// A number of things, for the metrics that are counts.
    case count(Int)
    /// So many times the metric under the host's present policy.
    case relative(Double)
  }

  /// What is bounded.
  package let metric: Metric
  /// The bound: from below where more is better, from above otherwise.
  package let bound: Bound

  /// Creates a bound.
  package init(_ metric: Metric, _ bound: Bound) {
    self.metric = metric
    self.bound = bound
  }

  /// The forms that a bound may have, for messages.
  package static func legal(_ metric: Metric) -> String {
    let relation = metric.moreIsBetter ? ">=" : "<="
    let value =
      switch metric.response.unit {
      case .share: "0.95 (a share from 0 to 1, also as 95%)"
      case .nanoseconds: "2ms (a time)"
      case .count: "0 (a number)"
      }
    return "\(metric.rawValue)\(relation)\(value) or \(metric.rawValue)\(relation)1.2x"
  }

  /// Bounds of a metric at the ends of what is legal.
  static func ends(_ metric: Metric) -> [String] {
    let values =
      switch metric.response.unit {
      case .share: ["0", "1"]
      case .nanoseconds: ["0ns", Nanoseconds.max.written]
      case .count: ["0", "\(Int.max)"]
      }
    return (values + ["0.001x", "1e300x"]).map { (metric.moreIsBetter ? ">=" : "<=") + $0 }
  }

  /// Reads a bound such as `io.goodput>=0.95`; throws a sentence with what is legal.
  package init(parsing text: String) throws(QuantityError) {
    guard let relation = text.firstIndex(where: { $0 == "<" || $0 == ">" }),
      let metric = Metric(rawValue: String(text[..<relation]).filter { $0 != " " })
    else {
      let names = Metric.allCases.map(\.rawValue)
      let name = text.prefix { !"<>= ".contains($0) }
      let legal = "METRIC>=VALUE or METRIC<=VALUE for one of \(names.joined(separator: ", "))"
      throw QuantityError(text: text, legal: legal + didYouMean(String(name), among: names))
    }
    try self.init(metric, parsing: String(text[relation...]))
  }

  /// Reads the bound of a metric, such as `>=0.95`, `<=2ms` or `<=1.2x`.
  package init(_ metric: Metric, parsing text: String) throws(QuantityError) {
    let refusal = QuantityError(text: text, legal: Self.legal(metric))
    guard text.hasPrefix(metric.moreIsBetter ? ">=" : "<=") else { throw refusal }
    let value = String(text.dropFirst(2).drop { $0 == " " })
    self.metric = metric
    if value.hasSuffix("x"), let factor = Double(value.dropLast()), factor.isFinite, factor > 0 {
      bound = .relative(factor)
      return
    }
    switch metric.response.unit {
    case .share:
      guard let share = fraction(value), (0...1).contains(share) else { throw refusal }
      bound = .share(share)
    case .nanoseconds:
      guard let time = try? Nanoseconds(parsing: value) else { throw refusal }
      bound = .time(time)
    case .count:
      guard let count = Int(value), count >= 0 else { throw refusal }
      bound = .count(count)
    }
  }

  /// The bound after the metric's name, such as `>=0.95`.
  package var boundText: String {
    let relation = metric.moreIsBetter ? ">=" : "<="
    switch bound {
    case .share(let share): return relation + significant(share, digits: 15)
    case .time(let time): return relation + time.written
    case .count(let count): return relation + String(count)
    case .relative(let factor): return relation + significant(factor, digits: 15) + "x"
    }
  }

  /// The bound as it can be read back.
  package var description: String { metric.rawValue + boundText }
}

extension Metric {
  /// The response of a run that the metric bounds.
  package var response: Response {
    switch self {
    case .ioGoodput: .goodputRetained
    case .requestP99: .requestP99
    case .storageIOPS: .iopsRetained
    case .connectsFailed: .connectsFailed
    case .teardownTime: .teardownTime
    case .longestHold: .longestHold
    case .protectTotal: .writeProtectTotal
    case .protectP99: .writeProtectP99
    case .protectStall: .worstStall
    case .migrationTime: .migrationTime
    case .migrationDowntime: .downtime
    case .guestLost: .guestLost
    }
  }
}

extension ServiceLevel {
  /// The number that a response, in its own unit, must not pass.
  ///
  /// The unit is nanoseconds, a share or a number. A relative bound is taken of `baseline`, the response under the host's present policy; without
  /// it there is no limit to state, and the result is nil.
  package func limit(baseline: Double?) -> Double? {
    switch bound {
    case .share(let share): share
    case .time(let time): Double(time.rawValue)
    case .count(let count): Double(count)
    case .relative(let factor): baseline.map { $0 * factor }
    }
  }
}
