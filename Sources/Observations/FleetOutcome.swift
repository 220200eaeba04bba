// SPDX-License-Identifier: GPL-3.0-or-later

package import Quantities

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

/// What operations that come and go on all CPUs of a host mean to one flow.
///
/// An operation runs on any CPU alike, and a flow's queue interrupts one of them.
package struct FleetOutcome: Hashable, Sendable, Codable {
  /// The chance that one operation runs where a given flow is received.
  package var flowChance: Double
  /// The chance that it runs where any queue interrupts.
  package var queueChance: Double
  /// How long the flow is hit if it is.
  package var duration: Nanoseconds
  /// The share of its time that a flow spends hit.
  package var timeShare: Double
  /// The chance that a flow of an hour is hit at least once (operations come at random).
  package var hourChance: Double

  /// The view of a host with so many CPUs and queues on which `rate` operations start an hour, each
  /// of this length.
  package init(cpus: Int, queues: Int, operationsPerHour rate: Int, duration: Nanoseconds) {
    let hits = Double(rate) / Double(max(1, cpus))
    flowChance = 1 / Double(max(1, cpus))
    queueChance = Double(min(queues, cpus)) / Double(max(1, cpus))
    self.duration = duration
    timeShare = min(1, hits * duration.inSeconds / 3_600)
    hourChance = 1 - exp(-hits)
  }

  enum CodingKeys: String, CodingKey {
    case flowChance = "flow_hit_chance"
    case queueChance = "queue_hit_chance"
    case duration = "hit_ns"
    case timeShare = "hit_time_share"
    case hourChance = "hit_in_an_hour_chance"
  }
}
