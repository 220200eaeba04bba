// SPDX-License-Identifier: GPL-3.0-or-later

public import PageTables
public import Quantities

/// A host: its CPUs and what the events of the model cost on them.
///
/// Where each value comes from is kept beside it by the loader (`Provenance`).
public struct HostProfile: Hashable, Sendable {
  /// The profile's name, such as `graviton3`.
  public var name: String
  /// Physical CPUs, at least one.
  public var cpus: Int
  /// The page size.
  public var granule: Granule
  /// Architectural features and errata.
  public var features: CPUFeatures
  /// What stage-2 work costs.
  public var stage2: StageTwoCosts
  /// What invalidation costs.
  public var tlbi: InvalidationCosts
  /// What guest faults cost.
  public var fault: FaultCosts
  /// What the host's own freeing costs.
  public var hostFree: HostFreeCosts
  /// What interrupts and scheduling cost.
  public var cpu: ProcessorCosts
  /// The network adapter and what its packets cost.
  public var nic: NetworkAdapter
  /// The storage device.
  public var storage: StorageDevice

  /// Creates a host from all its parts.
  public init(
    name: String,
    cpus: Int,
    granule: Granule,
    features: CPUFeatures,
    stage2: StageTwoCosts,
    tlbi: InvalidationCosts,
    fault: FaultCosts,
    hostFree: HostFreeCosts,
    cpu: ProcessorCosts,
    nic: NetworkAdapter,
    storage: StorageDevice
  ) {
    self.name = name
    self.cpus = cpus
    self.granule = granule
    self.features = features
    self.stage2 = stage2
    self.tlbi = tlbi
    self.fault = fault
    self.hostFree = hostFree
    self.cpu = cpu
    self.nic = nic
    self.storage = storage
  }
}

/// What each event of a stage-2 walk costs the walking CPU, invalidation excluded.
public struct StageTwoCosts: Hashable, Sendable {
  /// One valid leaf cleared by unmap, its put_page included.
  public var leafCleared = UnitCost.zero
  /// One valid leaf write-protected or relaxed.
  public var leafProtected = UnitCost.zero
  /// One valid leaf dropped by destroy.
  public var leafDestroyed = UnitCost.zero
  /// One visit of an invalid entry.
  public var invalidVisit = UnitCost.zero
  /// One callback on a table entry.
  public var tableVisit = UnitCost.zero
  /// One table page freed.
  public var tableFreed = UnitCost.zero
  /// One walker call: entry, root lookup, return.
  public var walkerCall = UnitCost.zero
  /// One entry written by an off-line build of a split.
  public var entryBuilt = UnitCost.zero
  /// One table page allocated.
  public var tableAllocated = UnitCost.zero
  /// One cache line cleaned to the point of coherency (hosts without FWB).
  public var cacheLineCleaned = UnitCost.zero

  /// Everything free; the loader fills in what a profile says.
  public init() {}
}

/// What TLB invalidation costs: the issuing CPU, and everybody else.
public struct InvalidationCosts: Hashable, Sendable {
  /// One broadcast flush of an IPA by the only invalidator: both TLBIs and DSBs.
  public var ipaFlush = UnitCost.zero
  /// One local flush of an IPA.
  public var ipaFlushLocal = UnitCost.zero
  /// One range flush, without its range operations.
  public var rangeFlush = UnitCost.zero
  /// One range operation of a range flush.
  public var rangeOperation = UnitCost.zero
  /// One flush of the whole VMID.
  public var vmidFlush = UnitCost.zero
  /// The share of a broadcast flush during which the fabric carries no other, 0 to 1.
  public var occupancy = 0.0
  /// What each further CPU on which the VM has run adds to a broadcast flush, as a share of it.
  public var reach = 0.0
  /// What each vCPU pays to refill its TLB after a VMID flush while it runs.
  public var vmidRefill = UnitCost.zero

  /// Everything free; the loader fills in what a profile says.
  public init() {}
}

/// What a guest fault costs the vCPU that takes it.
public struct FaultCosts: Hashable, Sendable {
  /// Exit, memslot lookup, GUP and return, without the time under mmu_lock.
  public var outsideLock = UnitCost.zero
  /// The time under mmu_lock of mapping or relaxing one page.
  public var insideLock = UnitCost.zero
  /// Time until a fault that lost a race, or met an invalidation in progress, faults again.
  public var retry = UnitCost.zero
  /// Host page allocation and clearing of one 4 KiB page on first touch.
  public var pageAllocation = UnitCost.zero
  /// Clearing one MiB of a huge page at the host's first fault on it.
  public var hugeMebibyte = UnitCost.zero

  /// Everything free; the loader fills in what a profile says.
  public init() {}
}

/// What the host's own zapping and freeing of pages costs: preemptible task time.
public struct HostFreeCosts: Hashable, Sendable {
  /// One page of the base size zapped and freed.
  public var page = UnitCost.zero
  /// One 2 MiB huge page zapped and freed.
  public var hugePage = UnitCost.zero
  /// One notifier pair or ioctl: entry, SRCU, both ends.
  public var call = UnitCost.zero
  /// What a memslot delete takes from the end of its SRCU grace period to its first chunk; nothing
  /// yields in it.
  public var slotDelete = UnitCost.zero
  /// How many pages are zapped between two voluntary yields (cond_resched).
  public var pagesPerYield = 512

  /// Everything free; the loader fills in what a profile says.
  public init() {}
}

/// What interrupts, softirqs and switches cost a CPU.
public struct ProcessorCosts: Hashable, Sendable {
  /// One context switch.
  public var contextSwitch = UnitCost.zero
  /// One hard interrupt, entry to exit.
  public var hardInterrupt = UnitCost.zero
  /// One timer tick.
  public var tick = UnitCost.zero
  /// One softirq run, without its polls.
  public var softirqEntry = UnitCost.zero
  /// One wakeup of a task.
  public var wakeup = UnitCost.zero

  /// Everything free; the loader fills in what a profile says.
  public init() {}
}

/// A network adapter and what its traffic costs the CPU.
public struct NetworkAdapter: Hashable, Sendable {
  /// Line rate of the port, or of one flow where the provider limits flows.
  public var rate = BitRate.zero
  /// Receive descriptors of one queue.
  public var ring = 1024
  /// Bytes one descriptor holds; a frame takes as many as it needs.
  public var bufferSize = ByteCount.kibibytes(4)
  /// Interrupt moderation: the least time between two interrupts of a queue.
  public var moderation = Nanoseconds.zero
  /// Queues over all ports.
  public var queues = 1
  /// One NAPI poll, without its packets.
  public var poll = UnitCost.zero
  /// One packet through the driver and the stack, in softirq.
  public var packet = UnitCost.zero
  /// One kilobyte (1024 bytes) copied to the socket's reader, in the reader's task.
  public var readerKilobyte = UnitCost.zero
  /// One read system call of the reader.
  public var readerCall = UnitCost.zero

  /// An adapter without traffic costs; the loader fills in what a profile says.
  public init() {}
}

/// A storage device and what its completions cost the CPU.
public struct StorageDevice: Hashable, Sendable {
  /// Service time of one request.
  public var latency = Nanoseconds.microseconds(80)
  /// Requests the device serves at once.
  public var parallelism = 64
  /// One completion in hard interrupt context.
  public var completion = UnitCost.zero
  /// One submission and reap in the task.
  public var submission = UnitCost.zero

  /// A device with a stated latency; the loader fills in what a profile says.
  public init() {}
}
