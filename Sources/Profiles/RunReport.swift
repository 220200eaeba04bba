// SPDX-License-Identifier: GPL-3.0-or-later

public import PageTables
public import Quantities

/// What one run of the machine measured, or what counters of real hardware would say instead.
///
/// The JSON form is versioned; its keys are snake case and carry their unit. A part is nil where
/// the workload has nothing to fill it.
public struct RunReport: Hashable, Sendable, Codable {
  /// The version of the JSON form that this code writes and reads.
  public static let schemaVersion = 1

  /// The version of the form this report was written in.
  public var schema = Self.schemaVersion
  /// What was run.
  public var identity: RunIdentity
  /// Why the run ended.
  public var stop = StopReason.completed
  /// How much of the run was simulated event by event.
  public var fidelity = Fidelity.exact
  /// Simulated time from the first event to the last, warm-up included.
  public var simulated = Nanoseconds.zero
  /// Events the run executed.
  public var events: Int64 = 0
  /// The digest of the run's trace; equal for equal (scenario, policy, seed).
  public var digest: UInt64 = 0
  /// How long the operation took.
  public var operation = OperationTimes()
  /// Every hold of mmu_lock for write by the operation.
  public var locks: LockHolds?
  /// What write-protecting cost, and whom it stalled.
  public var writeProtect: WriteProtectTimes?
  /// What the TCP flows and datagrams of the CPU saw.
  public var network: NetworkOutcome?
  /// Latencies of the request/response client.
  public var requests: LatencySummary?
  /// New connections.
  public var connects: ConnectOutcome?
  /// What the storage load saw.
  public var storage: StorageOutcome?
  /// How a live migration went.
  public var migration: MigrationOutcome?
  /// What guest faults saw.
  public var faults: FaultOutcome?
  /// What concurrent teardowns of other VMs cost, and what they pay; nil without any.
  public var neighbours: NeighbourOutcome?
  /// What the operation means to the flows of a host on which it happens again and again.
  public var fleet: FleetOutcome?
  /// Hard interrupts that waited for a TLB primitive; nil in reports of versions that did not say.
  public var masked: MaskedInterrupts?
  /// Where the CPU's time went.
  public var cpu = CPUTimes()
  /// The stage-2 events of the whole operation.
  public var counts = EventCounts.zero

  /// Creates an empty report of a run.
  public init(identity: RunIdentity) { self.identity = identity }

  enum CodingKeys: String, CodingKey {
    case schema = "schema_version"
    case identity, stop, fidelity
    case simulated = "simulated_ns"
    case events = "event_count"
    case digest = "trace_digest"
    case operation, locks
    case writeProtect = "write_protect"
    case network, requests, connects, storage, migration, faults, neighbours, fleet, cpu
    case masked = "masked_interrupts"
    case counts = "stage2_counts"
  }
}

/// What a run was a run of.
public struct RunIdentity: Hashable, Sendable, Codable {
  /// The host profile's name.
  public var host: String
  /// The kernel profile's name.
  public var kernel: String
  /// The workload profile's name.
  public var workload: String
  /// The policy in one line.
  public var policy: String
  /// The seed of all chance in the run.
  public var seed: UInt64

  /// Creates the identity of a run.
  public init(host: String, kernel: String, workload: String, policy: String, seed: UInt64) {
    self.host = host
    self.kernel = kernel
    self.workload = workload
    self.policy = policy
    self.seed = seed
  }
}

/// Why a run ended; a run that met a limit reports what it knew then.
public enum StopReason: String, Hashable, Sendable, Codable {
  /// The operation came to its end.
  case completed
  /// The limit of simulated time was reached first.
  case timeLimit = "time_limit"
  /// The limit of executed events was reached first.
  case eventLimit = "event_limit"
}

/// How a run was simulated.
public enum Fidelity: String, Hashable, Sendable, Codable {
  /// Every event, from the operation's start to its end.
  case exact
  /// A window of the operation, scaled to the whole.
  case window
  /// Exact, with steady state skipped by batch means.
  case fast
}

/// How long the operation took on the clock, everything that shared the CPU included.
public struct OperationTimes: Hashable, Sendable, Codable {
  /// Of the whole, the stage-2 steps with what interrupted them; what lies between does not count.
  public var stageTwo = Nanoseconds.zero
  /// From the start to the end of everything, host-side freeing included.
  public var whole = Nanoseconds.zero
  /// CPU time that stage-2 work alone took.
  public var stageTwoCPU = Nanoseconds.zero
  /// The share of the operation's work that was simulated: 1, or less in a window or at a limit.
  public var simulatedShare = 1.0
  /// The half-width of the error bound of a scaled time, as a share of it; zero when exact.
  public var errorBound = 0.0

  /// An operation that took no time.
  public init() {}

  enum CodingKeys: String, CodingKey {
    case stageTwo = "stage2_ns"
    case whole = "whole_ns"
    case stageTwoCPU = "stage2_cpu_ns"
    case simulatedShare = "simulated_share"
    case errorBound = "error_bound_share"
  }
}
