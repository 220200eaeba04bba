// SPDX-License-Identifier: GPL-3.0-or-later

import Events
import Observations
import Operations
import Profiles
import Quantities

/// How a machine's traces are to be read: what the numbers in a record stand for.
package enum MachineTrace {
  /// The tracks, by number.
  package static let tracks = TraceTrack.allCases.map { "\($0)" }
  /// What happened, by number.
  package static let names = TraceName.allCases.map { "\($0)" }
  /// What a record's value counts, by the number of its name.
  package static let units = TraceName.allCases.map(\.unit)
}

/// The tracks of a trace: one a context.
enum TraceTrack: Int, CaseIterable {
  case walker, lock, hardInterrupt, softirq, ksoftirqd, reader, ring
}

/// The names in a trace.
enum TraceName: Int, CaseIterable {
  case stageTwo, hostSide, hold, poll, read, tick, interrupt, drop, wake

  var unit: String {
    switch self {
    case .poll, .drop: "packets"
    case .read: "bytes"
    default: "count"
    }
  }
}

extension Machine {
  /// Keeps a span or mark for the viewer, if a trace was asked for.
  mutating func record(
    _ track: TraceTrack,
    name: TraceName,
    start: Instant? = nil,
    length: Nanoseconds = .zero,
    value: Int64 = 0
  ) {
    guard outcome.trace.isOn else { return }
    outcome.trace.add(
      TraceRecord(
        track: track.rawValue,
        name: name.rawValue,
        start: start ?? now,
        length: length,
        value: value
      )
    )
  }

  /// Closes all books at the end of the run.
  mutating func finish() {
    account()
    if walker.hasBegun, outcome.ended == .start { cutShort() }
    outcome.stopped = now
    outcome.stageTwoBytes += stageTwoMarkBytes
    outcome.stageTwoRequests += stageTwoMarkRequests
    outcome.stageTwoDatagrams += stageTwoMarkDatagrams
    outcome.stageTwoSegments += stageTwoMarkSegments
    outcome.stageTwoDrops += stageTwoMarkDrops
    outcome.network.dropsInside = outcome.stageTwoDrops
    outcome.network.packetsInside = outcome.stageTwoDatagrams + outcome.stageTwoSegments
    outcome.network.softirqsBesideThread = outcome.network.softirqsBesideThread ?? 0
    outcome.locks.holds = walker.holds.summary
    outcome.locks.histogram = walker.holds.histogramBars
    outcome.locks.longestChunk = walker.longestChunk
    // Where the kernel preempts, only what is done under the lock keeps others out.
    if walker.holds.count > 0 || !model.preemptsKernel {
      outcome.withoutReschedule = max(walker.longestChunk, walker.longestUnbroken)
    }
    outcome.locks.breakPoints = walker.breakPoints
    outcome.locks.breaksTaken = walker.breaksTaken
    outcome.calls = walker.calls.summary
    outcome.callTime = walker.callTime
    outcome.source = source
    outcome.guest = guest?.finished()
    outcome.requests = requestLatencies.summary
    outcome.storage = storageLatencies.summary
    outcome.connects = connects.outcome(at: now, since: outcome.began)
    outcome.network.bucket = input.bucket
    outcome.network.drops.ring = queue.drops
    outcome.network.retransmits = queue.flow.retransmits
    outcome.network.timeouts = queue.sends ? queue.sender.timeouts : queue.flow.timeouts
    outcome.events = events.taken
    outcome.digest = digest.value
  }

  /// The operation did not come to its end: what is known up to here counts.
  private mutating func cutShort() {
    if scheduler.current == CPUTask.walker, hard == nil, !isSoftirqActive { suspendTask() }
    outcome.ended = now
    outcome.operationBytes += bytes
    noteGap()
    noteSoftirqGap()
    guard !walker.isDone else { return }
    if walker.step.kind == .stageTwo { markStageTwo() }
    if let began = walker.holdBegan { walker.holds.record(now - began) }
    if walker.step.kind == .stageTwo, walker.progress > .zero {
      walker.longestChunk = max(walker.longestChunk, walker.progress + walker.stolen)
    }
    bookStep()
  }
}
