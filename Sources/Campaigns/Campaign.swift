// SPDX-License-Identifier: GPL-3.0-or-later

/// A design and how its runs are made.
///
/// Runs are independent, so they are made side by side; each is one synchronous call. What comes
/// back depends on the design alone, not on the number of workers or the order in which runs end.
package struct Campaign: Sendable {
  /// The points to run.
  package let points: [DesignPoint]
  /// Runs made at the same time, at least one.
  package var workers: Int

  /// Makes one run.
  package typealias Executor = @Sendable (DesignPoint) throws(CampaignError) -> RunRecord

  /// Creates a campaign over points.
  package init(points: [DesignPoint], workers: Int = 2) {
    self.points = points
    self.workers = max(1, workers)
  }

  /// Makes every run that the store does not have yet.
  ///
  /// - Parameters:
  ///   - store: Where runs are kept.
  ///   - progress: Called after each run with how many are done, and of how many.
  ///   - executor: Makes one run.
  /// - Throws: The first failure; what was done before it is in the store.
  package func run(
    into store: RunStore,
    progress: (Int, Int) -> Void = { _, _ in },
    executor: @escaping Executor
  ) async throws(CampaignError) {
    let missing = points.filter { !store.isDone($0.index) }
    var done = points.count - missing.count
    progress(done, points.count)
    // Batches keep the store on this task: no run is written by another.
    var start = missing.startIndex
    while start < missing.endIndex {
      let end = min(start + 8 * workers, missing.endIndex)
      for result in await Self.results(Array(missing[start..<end]), workers, executor) {
        try store.append(try result.get())
        done += 1
        progress(done, points.count)
      }
      start = end
    }
  }

  /// The results of some points, in their order.
  private static func results(
    _ points: [DesignPoint],
    _ workers: Int,
    _ executor: @escaping Executor
  ) async -> [Result<RunRecord, CampaignError>] {
    await withTaskGroup(of: (Int, Result<RunRecord, CampaignError>).self) { group in
      var next = 0
      func add() {
        guard next < points.count else { return }
        let (place, point) = (next, points[next])
        next += 1
        group.addTask {
          (place, Result { () throws(CampaignError) in try executor(point) })
        }
      }
      for _ in 0..<workers { add() }
      var results: [(Int, Result<RunRecord, CampaignError>)] = []
      while let result = await group.next() {
        results.append(result)
        add()
      }
      return results.sorted { $0.0 < $1.0 }.map(\.1)
    }
  }
}
