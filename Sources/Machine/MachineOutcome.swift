// SPDX-License-Identifier: GPL-3.0-or-later

package import Operations
package import Observations
package import Events
import Profiles
package import Quantities

/// What one step of the plan took, over all its rounds.
package struct StepOutcome: Hashable, Sendable {
  /// What the step does.
  package var kind: WorkKind
  /// Wall time from begin to end, summed over the rounds.
  package var wall = Nanoseconds.zero
  /// CPU time the walker itself spent on it.
  package var work = Nanoseconds.zero
  /// Bytes that readers took while it ran.
  package var bytes: Int64 = 0
  /// Storage requests that completed while it ran.
  package var requests: Int64 = 0
  /// Rounds begun.
  package var rounds: Int64 = 0
}

/// Everything a run of the machine measured.
package struct MachineOutcome: Sendable {
  /// Why the run ended.
  package var stop = StopReason.completed
  /// What most events of a run that stopped at its limit were, and which values drive them.
  package var stopCause: String?
  /// When the operation began.
  package var began = Instant.start
  /// When the last stage-2 step ended; the stop time if it was cut short.
  package var stageTwoEnded = Instant.start
  /// When the operation ended; the stop time if it was cut short.
  package var ended = Instant.start
  /// When the run stopped.
  package var stopped = Instant.start
  /// What each step took, by group and step.
  package var steps: [[StepOutcome]] = []
  /// Bytes taken by readers during the baseline.
  package var baselineBytes: Int64 = 0
  /// Bytes taken by readers within `MachineInput.leastJudged` of the operation's beginning.
  package var leastBytes: Int64 = 0
  /// Storage requests done within `MachineInput.leastJudged` of the operation's beginning.
  package var leastRequests: Int64 = 0
  /// The length of the baseline.
  package var baseline = Nanoseconds.zero
  /// Bytes taken between `began` and `stageTwoEnded`.
  package var stageTwoBytes: Int64 = 0
  /// Bytes taken between `began` and `ended`.
  package var operationBytes: Int64 = 0
  /// Datagrams that reached their sockets between the first chunk and `stageTwoEnded`.
  package var stageTwoDatagrams: Int64 = 0
  /// TCP segments that the stack took between the first chunk and `stageTwoEnded`.
  package var stageTwoSegments: Int64 = 0
  /// Packets that the ring refused between the first chunk and `stageTwoEnded`.
  package var stageTwoDrops: Int64 = 0
  /// Storage requests done during the baseline.
  package var baselineRequests: Int64 = 0
  /// Storage requests done between `began` and `stageTwoEnded`.
  package var stageTwoRequests: Int64 = 0
  /// The network's counters; rates and shares are left to the caller.
  package var network = NetworkOutcome()
  /// Holds of mmu_lock.
  package var locks = LockHolds()
  /// The longest stretch of the walk without a point at which the CPU could be given to another task.
  package var withoutReschedule = Nanoseconds.zero
  /// Request latencies.
  package var requests = LatencySummary()
  /// Connection attempts.
  package var connects = ConnectOutcome()
  /// Storage latencies.
  package var storage = LatencySummary()
  /// Interrupts that waited for the end of a TLB primitive.
  package var masked = MaskedInterrupts()
  /// Calls that are timed: log start and CLEAR ioctls, from entry to exit.
  package var calls = LatencySummary()
  /// All of them together.
  package var callTime = Nanoseconds.zero
  /// What a running guest saw of notifier calls; nil without one.
  package var guest: GuestMeasured?
  /// The source of the walker's work as the run has left it.
  package var source: (any WorkSource)?
  /// Where the CPU's time went.
  package var cpu = CPUTimes()
  /// Context switches.
  package var switches: Int64 = 0
  /// Events executed.
  package var events: Int64 = 0
  /// The digest of all of them.
  package var digest: UInt64 = 0
  /// The trace, if one was asked for.
  package var trace = Trace(limit: 0)
}

extension MachineOutcome {
  /// The CPU time that the walker spent on steps of a kind.
  package func work(_ kind: WorkKind) -> Nanoseconds {
    steps.reduce(.zero) { sum, group in
      group.reduce(sum) { $1.kind == kind ? $0 + $1.work : $0 }
    }
  }
}
