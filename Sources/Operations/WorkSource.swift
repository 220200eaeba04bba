// SPDX-License-Identifier: GPL-3.0-or-later

package import Quantities

/// What decides only while the operation runs what is done next: a VMM between two rounds.
package protocol WorkSource: Sendable {
  /// Decides what follows.
  ///
  /// - Parameter measured: What the groups given last came to; nothing before the first ones.
  /// - Returns: The groups that follow, or nil at the end.
  mutating func next(after measured: MeasuredWork) -> [WorkGroup]?
}

/// What a stretch of the walker's work came to.
package struct MeasuredWork: Hashable, Sendable {
  /// From its start to its end.
  package var wall = Nanoseconds.zero
  /// Of it, how long mmu_lock was held for write.
  package var held = Nanoseconds.zero

  /// Work that took no time.
  package init(wall: Nanoseconds = .zero, held: Nanoseconds = .zero) {
    (self.wall, self.held) = (wall, held)
  }
}
