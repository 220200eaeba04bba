// SPDX-License-Identifier: GPL-3.0-or-later

import Events
import Quantities

extension Digest {
  /// Adds one event of a run: its instant, its kind and a value of its own.
  @inline(__always)
  mutating func add(_ time: Instant, _ kind: Int, _ detail: Int64 = 0) {
    add(UInt64(bitPattern: time.rawValue))
    add(UInt64(truncatingIfNeeded: kind) << 48 ^ UInt64(bitPattern: detail))
  }
}
