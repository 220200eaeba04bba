// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Profiles
import Quantities

/// New connections: a SYN each, sent again after 1, 3 and 7 seconds while it is refused.
struct ConnectAttempts: Sendable {
  /// One connection that a client tries to open.
  struct Attempt: Sendable {
    var began: Instant
    /// SYNs sent so far, less one.
    var retries: Int64
    /// When the next SYN leaves.
    var due: Instant
    /// How many attempts had been refused before.
    var serial: Int64 = 0
  }

  /// Attempts that wait equally long, so that the oldest is due first.
  private struct Waiting: Sendable {
    private var attempts: [Attempt] = []
    private var start = 0

    var first: Attempt? { start < attempts.count ? attempts[start] : nil }
    var all: ArraySlice<Attempt> { attempts[start...] }

    mutating func append(_ attempt: Attempt) { attempts.append(attempt) }

    mutating func removeFirst() {
      start += 1
      guard start > 1_024, start > attempts.count / 2 else { return }
      attempts.removeSubrange(..<start)
      start = 0
    }
  }

  /// SYN retries after which a client gives up: 3, after 15 seconds in all.
  static let patience: Int64 = 3

  /// When the next new connection is begun; the caller moves it on once it has been taken.
  var nextNew = Instant.start
  private var lastNew = Instant.start
  /// Who waits, by the number of SYNs sent again.
  private var waiting = Array(repeating: Waiting(), count: Int(patience))
  private var refusals: Int64 = 0
  private var inRing = Ring<ReceiveQueue.Tracked>(
    capacity: 65_536,
    filler: ReceiveQueue.Tracked(admitted: 0, began: .start)
  )
  private(set) var attempted: Int64 = 0
  private(set) var failed: Int64 = 0
  private(set) var slow: Int64 = 0
  private var latencies = Latencies()

  /// When the next SYN leaves.
  var nextTime: Instant { waiting.reduce(nextNew) { min($0, $1.first?.due ?? $0) } }

  /// Takes an attempt whose SYN leaves now, new or repeated; nil when none does.
  mutating func due(at now: Instant, operationBegan: Bool) -> Attempt? {
    // Of those that are due, the one that was refused first.
    var oldest: (place: Int, attempt: Attempt)?
    for place in waiting.indices {
      guard let attempt = waiting[place].first, attempt.due <= now else { continue }
      if let found = oldest, found.attempt.serial < attempt.serial { continue }
      oldest = (place, attempt)
    }
    if let oldest {
      waiting[oldest.place].removeFirst()
      return oldest.attempt
    }
    guard nextNew <= now, lastNew < now else { return nil }
    lastNew = now
    if operationBegan { attempted += 1 }
    return Attempt(began: now, retries: 0, due: now)
  }

  /// The SYN entered the ring.
  mutating func entered(_ attempt: Attempt, admitted: Int64) {
    guard !inRing.isFull else { return }
    inRing.append(ReceiveQueue.Tracked(admitted: admitted, began: attempt.began))
  }

  /// The ring was full: the client will try again, or give up.
  mutating func refused(_ attempt: Attempt, at now: Instant) {
    guard attempt.retries < Self.patience else {
      failed += 1
      return
    }
    var next = attempt
    next.due = now + .seconds(Int64(1) << attempt.retries)
    next.retries += 1
    next.serial = refusals
    refusals += 1
    waiting[Int(attempt.retries)].append(next)
  }

  /// When the oldest attempt began that has been polled from the ring; nil when none has.
  mutating func processed(upTo polled: Int64) -> Instant? {
    guard !inRing.isEmpty, inRing.first.admitted <= polled else { return nil }
    let began = inRing.first.began
    inRing.removeFirst()
    return began
  }

  /// A connection is open.
  mutating func record(_ latency: Nanoseconds, counts: Bool) {
    guard counts else { return }
    latencies.record(latency)
    if latency > .seconds(1) { slow += 1 }
  }

  /// What a report says; whoever is still waiting at the end after a second counts as failed.
  mutating func outcome(at now: Instant, since began: Instant) -> ConnectOutcome {
    var outcome = ConnectOutcome()
    var unanswered = waiting.reduce(0) { sum, queue in
      sum + queue.all.count { $0.began >= began && now - $0.began > .seconds(1) }
    }
    while !inRing.isEmpty {
      let start = inRing.first.began
      inRing.removeFirst()
      if start >= began, now - start > .seconds(1) { unanswered += 1 }
    }
    outcome.attempted = attempted
    outcome.failed = failed + Int64(unanswered)
    outcome.slow = slow
    outcome.latency = latencies.summary
    return outcome
  }
}
