// SPDX-License-Identifier: GPL-3.0-or-later

import Dispatch
import Synchronization

/// Makes runs on threads of this process.
package struct LocalExecutor: RunExecutor {
  /// Makes one run.
  package typealias Run = @Sendable (DesignPoint) -> RunOutcome

  /// Runs made at the same time, at least one.
  package let workers: Int
  private let run: Run

  /// Creates an executor; `run` makes one run, on any thread.
  package init(workers: Int, run: @escaping Run) {
    (self.workers, self.run) = (max(1, workers), run)
  }

  /// Runs that are taken at once for each worker: few enough that the last ones are shared out.
  private static let batch = 4

  /// What the threads of an executor share.
  private struct Shared {
    var points: [DesignPoint] = []
    var failure: CampaignError?
    var isDone = false
  }

  package func execute(_ work: CampaignWork) throws(CampaignError) {
    repeat { try makeAll(work) } while try work.waitForMore()
  }

  /// Makes runs until none is left that nobody has.
  private func makeAll(_ work: CampaignWork) throws(CampaignError) {
    while let suspect = try work.takeSuspect() { try work.keep([run(suspect)]) }
    let shared = Mutex(Shared())
    DispatchQueue.concurrentPerform(iterations: workers) { _ in
      while let point = next(shared, work) {
        let outcome = run(point)
        do throws(CampaignError) {
          try work.keep([outcome])
        } catch {
          shared.withLock { $0.failure = $0.failure ?? error }
        }
      }
    }
    if let failure = shared.withLock({ $0.failure }) { throw failure }
  }

  /// The next point that nobody has, in the order of the design.
  private func next(_ shared: borrowing Mutex<Shared>, _ work: CampaignWork) -> DesignPoint? {
    shared.withLock { shared in
      guard shared.failure == nil, !work.isOver else { return nil }
      if shared.points.isEmpty, !shared.isDone {
        do throws(CampaignError) {
          shared.points = try work.take(Self.batch * workers).reversed()
          shared.isDone = shared.points.isEmpty
        } catch {
          shared.failure = error
        }
      }
      return shared.points.popLast()
    }
  }
}
