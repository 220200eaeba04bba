// SPDX-License-Identifier: GPL-3.0-or-later

public import Events
public import Profiles
public import Quantities

/// What one step of the plan took, over all its rounds.
public struct StepOutcome: Hashable, Sendable {
  /// What the step does.
  public var kind: WorkKind
  /// Wall time from begin to end, summed over the rounds.
  public var wall = Nanoseconds.zero
  /// CPU time the walker itself spent on it.
  public var work = Nanoseconds.zero
  /// Bytes that readers took while it ran.
  public var bytes: Int64 = 0
  /// Storage requests that completed while it ran.
  public var requests: Int64 = 0
  /// Rounds begun.
  public var rounds: Int64 = 0
}

/// Everything a run of the machine measured.
public struct MachineOutcome: Sendable {
  /// Why the run ended.
  public var stop = StopReason.completed
  /// When the operation began.
  public var began = Instant.start
  /// When the last stage-2 step ended; the stop time if it was cut short.
  public var stageTwoEnded = Instant.start
  /// When the operation ended; the stop time if it was cut short.
  public var ended = Instant.start
  /// When the run stopped.
  public var stopped = Instant.start
  /// What each step took, by group and step.
  public var steps: [[StepOutcome]] = []
  /// Bytes taken by readers during the baseline.
  public var baselineBytes: Int64 = 0
  /// The length of the baseline.
  public var baseline = Nanoseconds.zero
  /// Bytes taken between `began` and `stageTwoEnded`.
  public var stageTwoBytes: Int64 = 0
  /// Bytes taken between `began` and `ended`.
  public var operationBytes: Int64 = 0
  /// Datagrams that reached their sockets between the first chunk and `stageTwoEnded`.
  public var stageTwoDatagrams: Int64 = 0
  /// TCP segments that the stack took between the first chunk and `stageTwoEnded`.
  public var stageTwoSegments: Int64 = 0
  /// Packets that the ring refused between the first chunk and `stageTwoEnded`.
  public var stageTwoDrops: Int64 = 0
  /// Storage requests done during the baseline.
  public var baselineRequests: Int64 = 0
  /// Storage requests done between `began` and `stageTwoEnded`.
  public var stageTwoRequests: Int64 = 0
  /// The network's counters; rates and shares are left to the caller.
  public var network = NetworkOutcome()
  /// Holds of mmu_lock.
  public var locks = LockHolds()
  /// Request latencies.
  public var requests = LatencySummary()
  /// Connection attempts.
  public var connects = ConnectOutcome()
  /// Storage latencies.
  public var storage = LatencySummary()
  /// Interrupts that waited for the end of a TLB primitive.
  public var masked = MaskedInterrupts()
  /// Where the CPU's time went.
  public var cpu = CPUTimes()
  /// Context switches.
  public var switches: Int64 = 0
  /// Events executed.
  public var events: Int64 = 0
  /// The digest of all of them.
  public var digest: UInt64 = 0
  /// The trace, if one was asked for.
  public var trace = Trace(limit: 0)
}
