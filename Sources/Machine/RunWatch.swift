// SPDX-License-Identifier: GPL-3.0-or-later

import Synchronization

/// What somebody outside sees of a run while it goes on, and how they end it.
///
/// A run that nobody stops gives the same report with a watch as without.
package final class RunWatch: Sendable {
  private let stopped = Atomic(false)
  private let seenEvents = Atomic<Int64>(0)
  private let seenShare = Atomic<Int>(0)

  /// Events between two looks.
  static let stride: Int64 = 1 << 16

  /// Creates a watch over a run, or over several that are stopped together.
  package init() {}

  /// Ends the run at its next look; its report is then one of a limit of events.
  package func stop() { stopped.store(true, ordering: .relaxed) }

  /// Whether the run was told to end.
  package var isStopped: Bool { stopped.load(ordering: .relaxed) }

  /// Events of the run so far, zero before the first look.
  package var events: Int64 { seenEvents.load(ordering: .relaxed) }

  /// How much of the walker's work that was planned is done, in thousandths.
  package var permille: Int { seenShare.load(ordering: .relaxed) }

  /// Takes down how far the run is.
  func look(events: Int64, permille: Int) {
    seenEvents.store(events, ordering: .relaxed)
    seenShare.store(permille, ordering: .relaxed)
  }
}
