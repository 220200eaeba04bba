// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
package import Quantities

/// What one run of the machine measured, or what counters of real hardware would say instead.
///
/// The JSON form is versioned; its keys are snake case and carry their unit. A part is nil where
/// the workload has nothing to fill it.
package struct RunReport: Hashable, Sendable, Codable {
  /// The version of the JSON form that this code writes and reads.
  package static let schemaVersion = 1

  /// The version of the form this report was written in.
  package var schema = Self.schemaVersion
  /// What was run.
  package var identity: RunIdentity
  /// Why the run ended.
  package var stop = StopReason.completed
  /// What most of a run that stopped at its limit was made of, and which values drive that; nil where
  /// the operation came to its end.
  package var stopCause: String?
  /// How much of the run was simulated event by event.
  package var fidelity = Fidelity.exact
  /// Simulated time from the first event to the last, warm-up included.
  package var simulated = Nanoseconds.zero
  /// Events the run executed.
  package var events: Int64 = 0
  /// The digest of the run's trace; equal for equal (scenario, policy, seed).
  package var digest: UInt64 = 0
  /// How long the operation took.
  package var operation = OperationTimes()
  /// Every hold of mmu_lock for write by the operation.
  package var locks: LockHolds?
  /// What the kernel's watchdogs would have seen; nil for storms of faults.
  package var watchdogs: Watchdogs?
  /// What write-protecting cost, and whom it stalled.
  package var writeProtect: WriteProtectTimes?
  /// What the TCP flows and datagrams of the CPU saw.
  package var network: NetworkOutcome?
  /// Latencies of the request/response client.
  package var requests: LatencySummary?
  /// New connections.
  package var connects: ConnectOutcome?
  /// What the storage load saw.
  package var storage: StorageOutcome?
  /// How a live migration went.
  package var migration: MigrationOutcome?
  /// What guest faults saw.
  package var faults: FaultOutcome?
  /// What a running guest loses to unmaps; nil where nothing is unmapped under a running guest.
  package var guest: GuestOutcome?
  /// What concurrent teardowns of other VMs cost, and what they pay; nil without any.
  package var neighbours: NeighbourOutcome?
  /// What the operation means to the flows of a host on which it happens again and again.
  package var fleet: FleetOutcome?
  /// Hard interrupts that waited for a TLB primitive; nil in reports of versions that did not say.
  package var masked: MaskedInterrupts?
  /// Where the CPU's time went.
  package var cpu = CPUTimes()
  /// The stage-2 events of the whole operation.
  package var counts = EventCounts.zero

  /// Creates an empty report of a run.
  package init(identity: RunIdentity) { self.identity = identity }

  enum CodingKeys: String, CodingKey {
    case schema = "schema_version"
    case identity, stop, fidelity
    case stopCause = "stop_cause"
    case simulated = "simulated_ns"
    case events = "event_count"
    case digest = "trace_digest"
    case operation, locks, watchdogs
    case writeProtect = "write_protect"
    case network, requests, connects, storage, migration, faults, guest, neighbours, fleet, cpu
    case masked = "masked_interrupts"
    case counts = "stage2_counts"
  }
}

/// What a run was a run of.
package struct RunIdentity: Hashable, Sendable, Codable {
  /// The host profile's name.
  package var host: String
  /// The kernel profile's name.
  package var kernel: String
  /// The workload profile's name.
  package var workload: String
  /// The policy in one line.
  package var policy: String
  /// The seed of all chance in the run.
  package var seed: UInt64

  /// Creates the identity of a run.
  package init(host: String, kernel: String, workload: String, policy: String, seed: UInt64) {
    self.host = host
    self.kernel = kernel
    self.workload = workload
    self.policy = policy
    self.seed = seed
  }
}

/// Why a run ended; a run that met a limit reports what it knew then.
package enum StopReason: String, Hashable, Sendable, Codable {
  /// The operation came to its end.
  case completed
  /// The limit of simulated time was reached first.
  case timeLimit = "time_limit"
  /// The limit of executed events was reached first.
  case eventLimit = "event_limit"
}

/// How a run was simulated.
package enum Fidelity: String, Hashable, Sendable, Codable {
  /// Every event, from the operation's start to its end.
  case exact
  /// A window of the operation, scaled to the whole.
  case window
  /// Exact, with steady state skipped by batch means.
  case fast
}

/// How long the operation took on the clock, everything that shared the CPU included.
package struct OperationTimes: Hashable, Sendable, Codable {
  /// Of the whole, the stage-2 steps with what interrupted them; what lies between does not count.
  package var stageTwo = Nanoseconds.zero
  /// From the start to the end of everything, host-side freeing included.
  package var whole = Nanoseconds.zero
  /// CPU time that stage-2 work alone took.
  package var stageTwoCPU = Nanoseconds.zero
  /// The share of the operation's work that was simulated: 1, or less in a window or at a limit.
  package var simulatedShare = 1.0
  /// The half-width of the error bound of a scaled time, as a share of it; zero when exact.
  package var errorBound = 0.0

  /// An operation that took no time.
  package init() {}

  enum CodingKeys: String, CodingKey {
    case stageTwo = "stage2_ns"
    case whole = "whole_ns"
    case stageTwoCPU = "stage2_cpu_ns"
    case simulatedShare = "simulated_share"
    case errorBound = "error_bound_share"
  }
}
