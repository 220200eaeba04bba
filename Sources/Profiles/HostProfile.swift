// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
package import Quantities

/// A host: its CPUs and what the events of the model cost on them.
///
/// Where each value comes from is kept beside it by the loader (`Provenance`).
package struct HostProfile: Hashable, Sendable {
  /// The profile's name, such as `graviton3`.
  package var name: String
  /// Physical CPUs, at least one.
  package var cpus: Int
  /// The page size.
  package var granule: Granule
  /// Architectural features and errata.
  package var features: CPUFeatures
  /// What stage-2 work costs.
  package var stage2: StageTwoCosts
  /// What invalidation costs.
  package var tlbi: InvalidationCosts
  /// What guest faults cost.
  package var fault: FaultCosts
  /// What the host's own freeing costs.
  package var hostFree: HostFreeCosts
  /// What interrupts and scheduling cost.
  package var cpu: ProcessorCosts
  /// The network adapter and what its packets cost.
  package var nic: NetworkAdapter
  /// The storage device.
  package var storage: StorageDevice

  /// Creates a host from all its parts.
  package init(
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
package struct StageTwoCosts: Hashable, Sendable {
  /// One valid leaf cleared by unmap, its put_page included.
  package var leafCleared = UnitCost.zero
  /// One valid leaf write-protected or relaxed.
  package var leafProtected = UnitCost.zero
  /// One valid leaf dropped by destroy.
  package var leafDestroyed = UnitCost.zero
  /// One visit of an invalid entry.
  package var invalidVisit = UnitCost.zero
  /// One callback on a table entry.
  package var tableVisit = UnitCost.zero
  /// One table page freed.
  package var tableFreed = UnitCost.zero
  /// One walker call: entry, root lookup, return.
  package var walkerCall = UnitCost.zero
  /// One entry written by an off-line build of a split.
  package var entryBuilt = UnitCost.zero
  /// One table page allocated.
  package var tableAllocated = UnitCost.zero
  /// One word of a dirty bitmap scanned or copied.
  package var bitmapWord = UnitCost.zero
  /// One cache line cleaned to the point of coherency (hosts without FWB).
  package var cacheLineCleaned = UnitCost.zero

  // Prices by operation, for hosts that were measured so finely; unset, the ones above stand.

  /// One valid leaf above the last level cleared by unmap; unset, as any leaf.
  package var blockCleared: UnitCost?
  /// One valid leaf above the last level write-protected; unset, as any leaf.
  package var blockProtected: UnitCost?
  /// One valid leaf above the last level dropped by destroy; unset, as any leaf.
  package var blockDestroyed: UnitCost?
  /// One valid leaf that write-protect finds protected; unset, nothing.
  package var leafRevisited: UnitCost?
  /// One visit of an invalid entry by write-protect; unset, as by any walk.
  package var invalidProtected: UnitCost?
  /// One visit of an invalid entry by destroy; unset, as by any walk.
  package var invalidDestroyed: UnitCost?
  /// One table that write-protect walks through; unset, nothing.
  package var tableProtected: UnitCost?
  /// One table page freed by destroy; unset, as by unmap.
  package var tableDestroyed: UnitCost?
  /// One call of write-protect; unset, as any call of the walker.
  package var protectCall: UnitCost?
  /// One call of destroy; unset, as any call of the walker.
  package var destroyCall: UnitCost?
  /// One entry that a split looks at; unset, nothing.
  package var splitVisit: UnitCost?
  /// One call of a split; unset, as any call of the walker.
  package var splitCall: UnitCost?

  /// Everything free; the loader fills in what a profile says.
  package init() {}
}

/// What TLB invalidation costs: the issuing CPU, and everybody else.
package struct InvalidationCosts: Hashable, Sendable {
  /// One broadcast flush of an IPA by the only invalidator: both TLBIs and DSBs.
  package var ipaFlush = UnitCost.zero
  /// One local flush of an IPA.
  package var ipaFlushLocal = UnitCost.zero
  /// One range flush, without its range operations.
  package var rangeFlush = UnitCost.zero
  /// One range operation of a range flush.
  package var rangeOperation = UnitCost.zero
  /// One scale of the encoding that a range flush passes without an operation; unset, nothing.
  package var rangeScale: UnitCost?
  /// One flush of the whole VMID.
  package var vmidFlush = UnitCost.zero
  /// One TLBI and its DSB that the erratum REPEAT_TLBI_SYNC makes the kernel issue again.
  package var repeatedSync = UnitCost.zero
  /// The share of a broadcast flush during which the fabric carries no other, 0 to 1.
  package var occupancy = 0.0
  /// What each further CPU on which the VM has run adds to a broadcast flush, as a share of it.
  package var reach = 0.0
  /// What each vCPU pays to refill its TLB after a VMID flush while it runs.
  package var vmidRefill = UnitCost.zero

  /// Everything free; the loader fills in what a profile says.
  package init() {}
}

/// What a guest fault costs the vCPU that takes it.
package struct FaultCosts: Hashable, Sendable {
  /// Exit, memslot lookup, GUP and return, without the time under mmu_lock.
  package var outsideLock = UnitCost.zero
  /// The time under mmu_lock of mapping or relaxing one page.
  package var insideLock = UnitCost.zero
  /// Time until a fault that lost a race, or met an invalidation in progress, faults again.
  package var retry = UnitCost.zero
  /// Host page allocation and clearing of one 4 KiB page on first touch.
  package var pageAllocation = UnitCost.zero
  /// Clearing one MiB of a huge page at the host's first fault on it.
  package var hugeMebibyte = UnitCost.zero
  /// The share of clearing a huge page in which the memory clears no other, 0 to 1.
  package var memoryOccupancy = 0.0
  /// One transfer of a lock's cache line from the CPU that had it last.
  package var lineTransfer = UnitCost.zero

  /// Everything free; the loader fills in what a profile says.
  package init() {}
}

/// What the host's own zapping and freeing of pages costs: preemptible task time.
package struct HostFreeCosts: Hashable, Sendable {
  /// One page of the base size zapped and freed.
  package var page = UnitCost.zero
  /// One 2 MiB huge page zapped and freed.
  package var hugePage = UnitCost.zero
  /// Splitting the host's own mapping of a 2 MiB huge page, with its flush, where only a part of it
  /// is given back.
  package var hugeSplit = UnitCost.zero
  /// One notifier pair or ioctl: entry, SRCU, both ends.
  package var call = UnitCost.zero
  /// What a memslot delete takes from the end of its SRCU grace period to its first chunk; nothing
  /// yields in it.
  package var slotDelete = UnitCost.zero
  /// How many pages are zapped between two voluntary yields (cond_resched).
  package var pagesPerYield = 512

  /// Everything free; the loader fills in what a profile says.
  package init() {}
}

/// What interrupts, softirqs and switches cost a CPU.
package struct ProcessorCosts: Hashable, Sendable {
  /// One context switch.
  package var contextSwitch = UnitCost.zero
  /// One hard interrupt, entry to exit.
  package var hardInterrupt = UnitCost.zero
  /// One timer tick.
  package var tick = UnitCost.zero
  /// One softirq run, without its polls.
  package var softirqEntry = UnitCost.zero
  /// One wakeup of a task.
  package var wakeup = UnitCost.zero
  /// How much later than asked a sleep ends at most: the timer slack of ordinary tasks.
  package var timerSlack = Nanoseconds.zero
  /// One tick in so many raises a softirq of its own: a timer has expired, or RCU wants to know.
  package var ticksPerSoftirq = 16

  /// Everything free; the loader fills in what a profile says.
  package init() {}
}

/// A network adapter and what its traffic costs the CPU.
package struct NetworkAdapter: Hashable, Sendable {
  /// Line rate of the port, or of one flow where the provider limits flows.
  package var rate = BitRate.zero
  /// Receive descriptors of one queue.
  package var ring = 1024
  /// Bytes one descriptor holds; a frame takes as many as it needs.
  package var bufferSize = ByteCount.kibibytes(4)
  /// Interrupt moderation: the least time between two interrupts of a queue.
  package var moderation = Nanoseconds.zero
  /// Queues over all ports.
  package var queues = 1
  /// One NAPI poll, without its packets.
  package var poll = UnitCost.zero
  /// One packet through the driver and the stack, in softirq.
  package var packet = UnitCost.zero
  /// One kilobyte (1024 bytes) copied to the socket's reader, in the reader's task.
  package var readerKilobyte = UnitCost.zero
  /// One read system call of the reader.
  package var readerCall = UnitCost.zero

  /// An adapter without traffic costs; the loader fills in what a profile says.
  package init() {}
}

/// A storage device and what its completions cost the CPU.
package struct StorageDevice: Hashable, Sendable {
  /// Service time of one request.
  package var latency = Nanoseconds.microseconds(80)
  /// Requests the device serves at once.
  package var parallelism = 64
  /// One completion in hard interrupt context.
  package var completion = UnitCost.zero
  /// One submission and reap in the task.
  package var submission = UnitCost.zero

  /// A device with a stated latency; the loader fills in what a profile says.
  package init() {}
}
