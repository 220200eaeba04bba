// SPDX-License-Identifier: GPL-3.0-or-later

package import Quantities

/// What every context of a run did in one stretch of it, in steps of equal length.
package struct Timeline: Hashable, Sendable, Codable {
  /// A context, or a place where packets are lost.
  package enum Lane: String, Hashable, Sendable, CaseIterable, Codable {
    /// The walker's own steps, what interrupts them included.
    case walker
    /// mmu_lock, held for write by the operation.
    case lock
    /// Hard interrupts of the walking CPU.
    case hardInterrupt = "hard_irq"
    /// NAPI polls in softirqs of the walking CPU.
    case softirq
    /// NAPI polls in ksoftirqd or in a NAPI thread.
    case softirqThread = "softirq_thread"
    /// Bytes that the socket's readers took.
    case reader
    /// Packets that the ring refused.
    case drops
  }

  /// One context.
  package struct Track: Hashable, Sendable, Codable {
    /// The context.
    package let lane: Lane
    /// For each step the share of it that the context took, 0 to 1; of the reader bytes, of drops
    /// packets.
    package let values: [Double]

    /// Creates a track.
    package init(lane: Lane, values: [Double]) { (self.lane, self.values) = (lane, values) }
  }

  /// Where the first step begins, counted from the operation's start; below zero before it.
  package let start: Nanoseconds
  /// The length of a step.
  package let step: Nanoseconds
  /// The contexts that the run has.
  package let tracks: [Track]

  /// Creates a timeline.
  package init(start: Nanoseconds, step: Nanoseconds, tracks: [Track]) {
    (self.start, self.step, self.tracks) = (start, step, tracks)
  }

  /// The values of a lane, nil where the run lacks it.
  package func values(of lane: Lane) -> [Double]? { tracks.first { $0.lane == lane }?.values }

  enum CodingKeys: String, CodingKey {
    case start = "start_ns"
    case step = "step_ns"
    case tracks
  }
}

/// A stretch of a run: where it begins, counted from the operation's start, and its equal steps.
package struct TimelineSpan: Hashable, Sendable {
  /// How long before the operation it begins.
  package let lead: Nanoseconds
  /// The length of a step, above zero.
  package let step: Nanoseconds
  /// How many steps.
  package let count: Int

  /// Creates a span of one step or more.
  package init(lead: Nanoseconds, step: Nanoseconds, count: Int) {
    precondition(step > .zero && count > 0, "a stretch has steps, and steps have a length")
    (self.lead, self.step, self.count) = (lead, step, count)
  }

  /// The length of the whole stretch.
  package var length: Nanoseconds { step * Int64(count) }
}
