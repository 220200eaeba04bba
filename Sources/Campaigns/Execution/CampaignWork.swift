// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Operations
import Synchronization

/// What makes runs: on this machine, or by way of a cluster.
package protocol RunExecutor {
  /// Takes batches of runs until none is left, and hands over what came of each.
  func execute(_ work: CampaignWork) throws(CampaignError)
}

/// The runs of a design that are still to be made, for one executor.
///
/// Runs are taken in the order of the design and belong to this process until they are kept or it dies; another
/// process at the same store takes others. Safe to use from any thread.
package final class CampaignWork: Sendable {
  /// The store.
  package let store: RunDatabase
  /// The design.
  package let design: StoredDesign
  /// The points of the design, in its order.
  package let points: [DesignPoint]
  /// How much of its operation a run simulates.
  package let extent: CampaignExtent
  private let owner: Int64
  private let end: ContinuousClock.Instant?
  private let progress: @Sendable () -> Void
  private let cursor = Mutex(-1)

  /// Begins to work on a design.
  ///
  /// Nothing more is taken after `limit`; nil is as long as it takes. `progress` is called after runs were kept.
  package init(
    _ design: StoredDesign,
    points: [DesignPoint],
    extent: CampaignExtent,
    in store: RunDatabase,
    limit: Duration? = nil,
    progress: @escaping @Sendable () -> Void = {}
  ) throws(CampaignError) {
    self.store = store
    self.design = design
    self.points = points
    self.extent = extent
    self.progress = progress
    end = limit.map { ContinuousClock.now + $0 }
    owner = try store.enter(for: design.name)
  }

  /// Whether the time is up.
  package var isOver: Bool { end.map { ContinuousClock.now >= $0 } ?? false }

  /// Takes at most so many runs; none where none is left that nobody else is making, or the time is up.
  package func take(_ count: Int) throws(CampaignError) -> [DesignPoint] {
    if isOver { return [] }
    let begin = cursor.withLock { $0 }
    var places = try store.claim(count, of: design, after: begin, for: owner)
    if places.isEmpty {
      // What a process gave back that has died lies behind.
      _ = try store.reap()
      cursor.withLock { $0 = -1 }
      places = try store.claim(count, of: design, after: -1, for: owner)
    }
    if let last = places.last { cursor.withLock { $0 = max($0, last) } }
    return try points(at: places)
  }

  /// Takes a run over which a process has died: nothing else is to be made beside it, so that a second death says whose
  /// fault it was.
  package func takeSuspect() throws(CampaignError) -> DesignPoint? {
    if isOver { return nil }
    guard let place = try store.claimSuspect(of: design, for: owner) else { return nil }
    return try points(at: [place])[0]
  }

  private func points(at places: [Int]) throws(CampaignError) -> [DesignPoint] {
    var found: [DesignPoint] = []
    for place in places {
      guard points.indices.contains(place) else {
        throw .run(index: place, reason: "the design has no such run")
      }
      found.append(points[place])
    }
    return found
  }

  /// Waits until there is something to take again, or nothing will be: another process that is making the last runs may
  /// die over them.
  package func waitForMore() throws(CampaignError) -> Bool {
    var pause = 0.02
    while !isOver, try store.tally(of: design)[.waiting] > 0 {
      _ = try store.reap()
      if try store.isFree(design) { return true }
      Thread.sleep(forTimeInterval: pause)
      pause = min(1, pause * 1.5)
    }
    return false
  }

  /// Keeps what came of runs; when this returns, it survives the process.
  package func keep(_ outcomes: [RunOutcome]) throws(CampaignError) {
    guard !outcomes.isEmpty else { return }
    try store.keep(outcomes, of: design, for: owner)
    progress()
  }

  /// Ends the work: what was taken and not kept waits again.
  package func finish() throws(CampaignError) { try store.leave(owner) }
}

extension RunDatabase {
  /// Makes what is left of a design, and gives back what could not be.
  package func run(
    _ design: StoredDesign,
    points: [DesignPoint],
    extent: CampaignExtent,
    by executor: some RunExecutor,
    limit: Duration? = nil,
    progress: @escaping @Sendable () -> Void = {}
  ) throws(CampaignError) {
    let work = try CampaignWork(
      design,
      points: points,
      extent: extent,
      in: self,
      limit: limit,
      progress: progress
    )
    do throws(CampaignError) {
      try executor.execute(work)
    } catch {
      try? work.finish()
      throw error
    }
    try work.finish()
  }
}
