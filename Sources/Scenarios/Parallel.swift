// SPDX-License-Identifier: GPL-3.0-or-later

import Dispatch
import Synchronization

/// What so many tasks return, in their order; each worker takes the next one that nobody has.
package func inParallel<Value: Sendable>(
  _ count: Int,
  workers: Int,
  _ task: @Sendable (Int) -> Value
) -> [Value] {
  let results = Mutex([Value?](repeating: nil, count: count))
  let next = Mutex(0)
  DispatchQueue.concurrentPerform(iterations: min(workers, count)) { _ in
    while true {
      let index = next.withLock { next in
        defer { next += 1 }
        return next
      }
      guard index < count else { return }
      let value = task(index)
      results.withLock { $0[index] = value }
    }
  }
  return results.withLock { $0.compactMap { $0 } }
}
