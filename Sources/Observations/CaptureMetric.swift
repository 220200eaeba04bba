// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// One number of a run by which the simulator is held against recordings of real kernels; no policy
/// is judged by it.
package enum CaptureMetric: String, Hashable, Sendable, CaseIterable, Codable {
  /// The longest time between two reads of the socket while the operation ran.
  case largestGap = "largest_read_gap_ns"
  /// The longest time without a softirq run while the operation ran.
  case longestWithoutSoftirq = "longest_without_softirq_ns"
  /// From the operation's start to the first wake of ksoftirqd, or to its end without one.
  case firstKsoftirqdWake = "first_ksoftirqd_wake_ns"
  /// Softirq runs at interrupt exit that began while ksoftirqd was runnable.
  case softirqsBesideThread = "softirqs_beside_ksoftirqd_count"
  /// Packets polled in the stage-2 part.
  case packetsInside = "packets_inside_count"
  /// Packets polled a second in the stage-2 part.
  case packetRateInside = "packets_inside_per_s"
  /// Packets that the receive ring refused in the stage-2 part.
  case ringDrops = "ring_drops_inside_count"
  /// Goodput over the whole operation over the goodput before it.
  case goodputWhole = "goodput_whole_share"

  /// The chance that one operation runs on the CPU of a given flow.
  case flowHitChance = "flow_hit_chance_share"

  /// What the metric is measured in.
  package var unit: Response.Unit {
    switch self {
    case .largestGap, .longestWithoutSoftirq, .firstKsoftirqdWake: .nanoseconds
    case .softirqsBesideThread, .packetsInside, .packetRateInside, .ringDrops: .count
    case .goodputWhole, .flowHitChance: .share
    }
  }
}

extension RunReport {
  /// The value of a metric of recordings in its unit, or nil where the run has none.
  package func value(of metric: CaptureMetric) -> Double? {
    if metric == .flowHitChance { return fleet?.flowChance }
    guard let network else { return nil }
    switch metric {
    case .largestGap: return Double(network.largestGap.rawValue)
    case .longestWithoutSoftirq: return Double(network.longestWithoutSoftirq.rawValue)
    case .firstKsoftirqdWake:
      return Double((network.firstKsoftirqdWake ?? operation.whole).rawValue)
    case .softirqsBesideThread: return network.softirqsBesideThread.map { Double($0) }
    case .packetsInside: return network.packetsInside.map { Double($0) }
    case .packetRateInside:
      let time = operation.stageTwo.inSeconds
      return network.packetsInside.flatMap { time > 0 ? Double($0) / time : nil }
    case .flowHitChance: return fleet?.flowChance
    case .ringDrops: return network.dropsInside.map { Double($0) }
    case .goodputWhole:
      let before = Double(network.baseline.rawValue)
      return before > 0 ? Double(network.duringWhole.rawValue) / before : nil
    }
  }
}
