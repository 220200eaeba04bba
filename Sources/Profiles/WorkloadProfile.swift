// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
package import Policies
package import Quantities

/// What the guest's memory looks like.
package struct GuestMemory: Hashable, Sendable {
  /// Guest memory.
  package var size = ByteCount.zero
  /// The first guest physical address of the memory.
  package var base = GuestAddress(rawValue: 0x4000_0000)
  /// The width of the IPA space in bits, 32 to 52.
  package var ipaBits = 40
  /// vCPUs.
  package var vcpus = 1
  /// The share of the memory mapped by level-2 blocks (2 MiB with 4K), 0 to 1.
  package var blockShare = 0.0
  /// The share of the memory mapped by level-1 blocks (1 GiB; 4K granule only), 0 to 1.
  package var hugeBlockShare = 0.0
  /// The share of the memory that was touched and so is mapped at all, 0 to 1.
  package var touchedShare = 1.0
  /// The huge pages of hugetlb memory; nil where nothing is said.
  package var hugetlb: ByteCount?

  /// Memory of no size; the loader fills in what a profile says.
  package init() {}

  /// The huge pages in which the host gives the memory back, nil where it has pages of the granule.
  ///
  /// Level-1 blocks exist with hugetlb pages of 1 GiB alone, so a share of them says it too.
  package func hugetlbPage(_ granule: Granule) -> ByteCount? {
    hugetlb ?? (hugeBlockShare > 0 && granule == .size4K ? granule.largestBlock : nil)
  }
}

/// What the host does to the guest's stage 2.
package enum StageTwoOperation: String, Hashable, Sendable, CaseIterable, Codable {
  /// The guest's memory is given back, by the workload's teardown path.
  case teardown
  /// Dirty logging is switched on for the whole memory.
  case logEnable = "log-enable"
  /// A live migration: log start, pre-copy rounds, stop.
  case migration
  /// vCPUs access every page of their part of a write-protected memory once, as a rule to write.
  case dirty
  /// vCPUs touch their own parts of the memory for the first time.
  case populate
  /// Guest threads touch memory for the first time.
  case mapCreate = "map-create"
  /// One vCPU, a task of the CPU that takes the interrupts, touches memory for the first time.
  case map
  /// The host reclaims the memory page by page or folio by folio.
  case reclaim
}

/// Where a task sits relative to the CPU that walks.
package enum TaskPlacement: String, Hashable, Sendable, CaseIterable, Codable {
  /// On the walking CPU.
  case sameCPU = "same"
  /// On another CPU.
  case elsewhere
  /// Where the scheduler puts it: on the walking CPU until it would wait there for another task,
  /// then on an idle one.
  case unpinned
}

/// Congestion control of the simulated TCP sender.
package enum CongestionControl: String, Hashable, Sendable, CaseIterable, Codable {
  /// CUBIC (RFC 9438).
  case cubic
  /// Reno (RFC 5681).
  case reno
}

/// Which way bulk data flows.
package enum FlowDirection: String, Hashable, Sendable, CaseIterable, Codable {
  /// To the CPU, whose reader takes it.
  case receive
  /// From the CPU, whose writer fills the socket and whose queue takes the acknowledgements.
  case send
}

/// The network traffic of the CPU under study.
package struct NetworkLoad: Hashable, Sendable {
  /// Bulk TCP flows whose queue interrupts this CPU; zero for none.
  package var flows = 1
  /// Whether the CPU receives the bulk flows or sends them.
  package var direction = FlowDirection.receive
  /// What the senders offer in total.
  package var offered = BitRate.zero
  /// Bytes of a frame on the wire, headers included.
  package var frame = ByteCount.bytes(9001)
  /// Round-trip time without queueing.
  package var roundTrip = Nanoseconds.microseconds(100)
  /// The receive window of a flow.
  package var window = ByteCount.mebibytes(6)
  /// The sender's congestion control.
  package var congestion = CongestionControl.cubic
  /// Where the socket's reader runs, or the writer of what is sent.
  package var reader = TaskPlacement.sameCPU
  /// Open-loop UDP packets per second, on top of the flows.
  package var datagrams = 0
  /// Mean time between bursts in which the datagrams come; zero where they come one by one.
  package var burst = Nanoseconds.zero
  /// Payload of a datagram.
  package var datagramSize = ByteCount.bytes(1000)
  /// What the socket of datagrams holds until they are read; zero for no end.
  package var socketBuffer = ByteCount.zero
  /// New connections per second (each a SYN, with retry after one second).
  package var connects = 0
  /// Requests per second of a request/response client.
  package var requests = 0

  /// One flow that offers nothing; the loader fills in what a profile says.
  package init() {}
}

/// The storage traffic of the CPU under study.
package struct StorageLoad: Hashable, Sendable {
  /// Requests kept in flight (closed loop); zero for no load.
  package var queueDepth = 0
  /// Where the waiting task runs.
  package var task = TaskPlacement.sameCPU

  /// No storage load.
  package init() {}
}

/// What a live migration moves and what the guest does meanwhile.
package struct MigrationLoad: Hashable, Sendable {
  /// The link's rate.
  package var link = BitRate.gigabits(10)
  /// Distinct pages the guest dirties per second while unhindered.
  package var dirtyPagesPerSecond = 0
  /// The memory those pages lie in.
  package var workingSet = ByteCount.zero
  /// The downtime at which the VMM stops the guest.
  package var downtimeLimit = Nanoseconds.milliseconds(300)
  /// Rounds after which the VMM gives up.
  package var maximumRounds = 30
  /// Whether logging starts with all bits set (manual protect and initially-all-set).
  package var initiallyAllSet = true

  /// A guest that dirties nothing.
  package init() {}
}

/// Why a host unmaps memory of a guest that runs.
package enum UnmapCause: String, Hashable, Sendable, CaseIterable, Codable {
  /// The host needs the memory elsewhere.
  case reclaim
  /// Automatic NUMA balancing takes access away to see who uses the memory.
  case numaBalancing = "numa-balancing"
  /// The guest reports free pages, and the VMM gives them back.
  case pageReporting = "page-reporting"
  /// A balloon is inflated, or memory is unplugged.
  case balloon
}

/// How the host takes memory from a guest that runs, notifier call by notifier call, and what the
/// guest touches again; read by `reclaim`.
package struct UnmapLoad: Hashable, Sendable {
  /// Bytes that each call covers; nil for a leaf each.
  package var range: ByteCount?
  /// Bytes from the start of one call's range to that of the next; nil for one after the other.
  package var stride: ByteCount?
  /// Calls a second; nil for one after the other without a pause.
  package var rate: Int?
  /// Why the host unmaps; nil for `reclaim`.
  package var cause: UnmapCause?
  /// The share of the pages or blocks that lost their mapping and that vCPUs touch again, 0 to 1;
  /// nil for `assumedTouch`.
  package var touch: Double?

  /// What is touched again where nothing is said: a tenth (assumed; reclaim picks cold memory).
  package static let assumedTouch = 0.1

  /// A leaf a call, back to back.
  package init() {}

  /// Whether calls cover ranges of their own, not a leaf each.
  package var hasRanges: Bool { range != nil || stride != nil }
  /// Whether the host gives the memory back; a change of protection alone does not.
  package var givesBack: Bool { cause != .numaBalancing }
  /// The share that is touched again, 0 to 1.
  package var touchedAgain: Double { touch ?? Self.assumedTouch }
}

/// A workload: a guest, what is done to it, and the IO that shares the CPU.
package struct WorkloadProfile: Hashable, Sendable {
  /// The profile's name, such as `container-churn`.
  package var name: String
  /// The guest's memory.
  package var memory = GuestMemory()
  /// What is done to it.
  package var operation = StageTwoOperation.teardown
  /// Through which path a teardown runs.
  package var teardownPath = TeardownPath.munmap
  /// The share of the accesses of `dirty` that write, 0 to 1.
  package var writeShare = 1.0
  /// Network traffic on the CPU.
  package var network = NetworkLoad()
  /// Storage traffic on the CPU.
  package var storage = StorageLoad()
  /// Migration parameters, used by that operation.
  package var migration = MigrationLoad()
  /// How `reclaim` takes memory from the running guest.
  package var unmap = UnmapLoad()
  /// Other teardowns that run on the host at the same time.
  package var neighbours = 0
  /// Operations of this kind an hour on the host, each on a CPU of its own; zero says nothing.
  package var operationsPerHour = 0
  /// Other CPU-bound tasks on the walking CPU.
  package var competitors = 0
  /// What an answer must keep where the user asks for nothing else.
  package var serviceLevels: [ServiceLevel] = []

  /// Creates a workload of this name with nothing in it.
  package init(name: String) { self.name = name }
}
