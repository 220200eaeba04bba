// SPDX-License-Identifier: GPL-3.0-or-later

import Dispatch
import Synchronization

/// Runs that are made without a store.
package enum RunBatch {
  /// What comes of points, in their order; the same for any number of workers.
  package static func outcomes(
    of points: [DesignPoint],
    workers: Int,
    _ run: @escaping LocalExecutor.Run
  ) -> [RunOutcome] {
    let next = Mutex(0)
    let results = Mutex([RunOutcome?](repeating: nil, count: points.count))
    DispatchQueue.concurrentPerform(iterations: min(max(1, workers), max(1, points.count))) { _ in
      while true {
        let index = next.withLock { next in
          defer { next += 1 }
          return next
        }
        guard index < points.count else { return }
        let outcome = run(points[index])
        results.withLock { $0[index] = outcome }
      }
    }
    return results.withLock { $0.compactMap { $0 } }
  }
}
