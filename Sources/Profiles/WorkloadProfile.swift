// SPDX-License-Identifier: GPL-3.0-or-later

public import Policies
public import Quantities

/// What the guest's memory looks like.
public struct GuestMemory: Hashable, Sendable {
  /// Guest memory.
  public var size = ByteCount.zero
  /// The first guest physical address of the memory.
  public var base = GuestAddress(rawValue: 0x4000_0000)
  /// The width of the IPA space in bits, 32 to 52.
  public var ipaBits = 40
  /// vCPUs.
  public var vcpus = 1
  /// The share of the memory mapped by level-2 blocks (2 MiB with 4K), 0 to 1.
  public var blockShare = 0.0
  /// The share of the memory mapped by level-1 blocks (1 GiB; 4K granule only), 0 to 1.
  public var hugeBlockShare = 0.0
  /// The share of the memory that was touched and so is mapped at all, 0 to 1.
  public var touchedShare = 1.0

  /// Memory of no size; the loader fills in what a profile says.
  public init() {}
}

/// What the host does to the guest's stage 2.
public enum StageTwoOperation: String, Hashable, Sendable, CaseIterable, Codable {
  /// The guest's memory is given back, by the workload's teardown path.
  case teardown
  /// Dirty logging is switched on for the whole memory.
  case logEnable = "log-enable"
  /// A live migration: log start, pre-copy rounds, stop.
  case migration
  /// vCPUs write every page of their part of a write-protected memory once.
  case dirty
  /// Guest threads touch memory for the first time.
  case mapCreate = "map-create"
  /// One vCPU, a task of the CPU that takes the interrupts, touches memory for the first time.
  case map
  /// The host reclaims the memory page by page or folio by folio.
  case reclaim
}

/// Where a task sits relative to the CPU that walks.
public enum TaskPlacement: String, Hashable, Sendable, CaseIterable, Codable {
  /// On the walking CPU.
  case sameCPU = "same"
  /// On another CPU.
  case elsewhere
  /// Where the scheduler puts it: on the walking CPU until it would wait there for another task,
  /// then on an idle one.
  case free
}

/// Congestion control of the simulated TCP sender.
public enum CongestionControl: String, Hashable, Sendable, CaseIterable, Codable {
  /// CUBIC (RFC 9438).
  case cubic
  /// Reno (RFC 5681).
  case reno
}

/// Which way bulk data flows.
public enum FlowDirection: String, Hashable, Sendable, CaseIterable, Codable {
  /// To the CPU, whose reader takes it.
  case receive
  /// From the CPU, whose writer fills the socket and whose queue takes the acknowledgements.
  case send
}

/// The network traffic of the CPU under study.
public struct NetworkLoad: Hashable, Sendable {
  /// Bulk TCP flows whose queue interrupts this CPU; zero for none.
  public var flows = 1
  /// Whether the CPU receives the bulk flows or sends them.
  public var direction = FlowDirection.receive
  /// What the senders offer in total.
  public var offered = BitRate.zero
  /// Bytes of a frame on the wire, headers included.
  public var frame = ByteCount.bytes(9001)
  /// Round-trip time without queueing.
  public var roundTrip = Nanoseconds.microseconds(100)
  /// The receive window of a flow.
  public var window = ByteCount.mebibytes(6)
  /// The sender's congestion control.
  public var congestion = CongestionControl.cubic
  /// Where the socket's reader runs, or the writer of what is sent.
  public var reader = TaskPlacement.sameCPU
  /// Open-loop UDP packets per second, on top of the flows.
  public var datagrams = 0
  /// Mean time between bursts in which the datagrams come; zero where they come one by one.
  public var burst = Nanoseconds.zero
  /// Payload of a datagram.
  public var datagramSize = ByteCount.bytes(1000)
  /// What the socket of datagrams holds until they are read; zero for no end.
  public var socketBuffer = ByteCount.zero
  /// New connections per second (each a SYN, with retry after one second).
  public var connects = 0
  /// Requests per second of a request/response client.
  public var requests = 0

  /// One flow that offers nothing; the loader fills in what a profile says.
  public init() {}
}

/// The storage traffic of the CPU under study.
public struct StorageLoad: Hashable, Sendable {
  /// Requests kept in flight (closed loop); zero for no load.
  public var queueDepth = 0
  /// Where the waiting task runs.
  public var task = TaskPlacement.sameCPU

  /// No storage load.
  public init() {}
}

/// What a live migration moves and what the guest does meanwhile.
public struct MigrationLoad: Hashable, Sendable {
  /// The link's rate.
  public var link = BitRate.gigabits(10)
  /// Distinct pages the guest dirties per second while unhindered.
  public var dirtyPagesPerSecond = 0
  /// The memory those pages lie in.
  public var workingSet = ByteCount.zero
  /// The downtime at which the VMM stops the guest.
  public var downtimeLimit = Nanoseconds.milliseconds(300)
  /// Rounds after which the VMM gives up.
  public var maximumRounds = 30
  /// Whether logging starts with all bits set (manual protect and initially-all-set).
  public var initiallyAllSet = true

  /// A guest that dirties nothing.
  public init() {}
}

/// A workload: a guest, what is done to it, and the IO that shares the CPU.
public struct WorkloadProfile: Hashable, Sendable {
  /// The profile's name, such as `container-churn`.
  public var name: String
  /// The guest's memory.
  public var memory = GuestMemory()
  /// What is done to it.
  public var operation = StageTwoOperation.teardown
  /// Through which path a teardown runs.
  public var teardownPath = TeardownPath.munmap
  /// Network traffic on the CPU.
  public var network = NetworkLoad()
  /// Storage traffic on the CPU.
  public var storage = StorageLoad()
  /// Migration parameters, used by that operation.
  public var migration = MigrationLoad()
  /// Other teardowns that run on the host at the same time.
  public var neighbours = 0
  /// Operations of this kind an hour on the host, each on a CPU of its own; zero says nothing.
  public var operationsPerHour = 0
  /// Other CPU-bound tasks on the walking CPU.
  public var competitors = 0
  /// What an answer must keep where the user asks for nothing else.
  public var serviceLevels: [ServiceLevel] = []

  /// Creates a workload of this name with nothing in it.
  public init(name: String) { self.name = name }
}
