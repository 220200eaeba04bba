// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Quantities

extension HostProfile: Profile {
  /// The kind: host.
  package static let kind = ProfileKind.host

  /// A host of this name on which everything is free; a file fills in the rest.
  package init(blank name: String) {
    self.init(
      name: name,
      cpus: 1,
      granule: .size4K,
      features: CPUFeatures(),
      stage2: StageTwoCosts(),
      tlbi: InvalidationCosts(),
      fault: FaultCosts(),
      hostFree: HostFreeCosts(),
      cpu: ProcessorCosts(),
      nic: NetworkAdapter(),
      storage: StorageDevice()
    )
  }

  /// Every key of a host profile.
  package static let keys: [ProfileKey<HostProfile>] =
    machineKeys + walkKeys + operationKeys + invalidationKeys + faultKeys + processorKeys
    + deviceKeys

  private static var machineKeys: [ProfileKey<HostProfile>] {
    [
      .count("host.cpus", \.cpus, 1...4096, "physical CPUs"),
      .choice("host.granule", \.granule, "page size, which is the stage-2 granule"),
      .value(
        "host.features",
        \.features,
        "CPU features and errata; what is not listed is absent",
        legal: CPUFeatures.legalList,
        ends: ["none", CPUFeatures.words.map(\.name).joined(separator: ",")],
        beyond: ["sve"],
        parse: { try? CPUFeatures(listing: $0) },
        print: { $0.list }
      ),
    ]
  }

  private static var walkKeys: [ProfileKey<HostProfile>] {
    [
      .cost("stage2.leaf_cleared", \.stage2.leafCleared, "one valid leaf cleared by unmap"),
      .cost("stage2.leaf_protected", \.stage2.leafProtected, "one valid leaf write-protected"),
      .cost("stage2.leaf_destroyed", \.stage2.leafDestroyed, "one valid leaf dropped by destroy"),
      .cost("stage2.invalid_visit", \.stage2.invalidVisit, "one visit of an invalid entry"),
      .cost("stage2.table_visit", \.stage2.tableVisit, "one callback on a table entry"),
      .cost("stage2.table_freed", \.stage2.tableFreed, "one table page freed"),
      .cost("stage2.walker_call", \.stage2.walkerCall, "one call of the walker"),
      .cost("stage2.entry_built", \.stage2.entryBuilt, "one entry written by a split"),
      .cost("stage2.table_allocated", \.stage2.tableAllocated, "one table page allocated"),
      .cost(
        "stage2.bitmap_word",
        \.stage2.bitmapWord,
        "one word of a dirty bitmap scanned or copied"
      ),
      .cost(
        "stage2.cache_line_cleaned",
        \.stage2.cacheLineCleaned,
        "one cache line cleaned to the point of coherency (hosts without FWB)"
      ),
    ]
  }

  /// Prices by operation, which a calibrated host may have beside those of any operation.
  private static var operationKeys: [ProfileKey<HostProfile>] {
    [
      .optionalCost(
        "stage2.block_cleared",
        \.stage2.blockCleared,
        "one leaf above the last level cleared by unmap; unset, stage2.leaf_cleared"
      ),
      .optionalCost(
        "stage2.block_protected",
        \.stage2.blockProtected,
        "one leaf above the last level write-protected; unset, stage2.leaf_protected"
      ),
      .optionalCost(
        "stage2.block_destroyed",
        \.stage2.blockDestroyed,
        "one leaf above the last level dropped by destroy; unset, stage2.leaf_destroyed"
      ),
      .optionalCost(
        "stage2.leaf_revisited",
        \.stage2.leafRevisited,
        "one leaf that write-protect finds protected; unset, nothing"
      ),
      .optionalCost(
        "stage2.invalid_protected",
        \.stage2.invalidProtected,
        "one visit of an invalid entry by write-protect; unset, stage2.invalid_visit"
      ),
      .optionalCost(
        "stage2.invalid_destroyed",
        \.stage2.invalidDestroyed,
        "one visit of an invalid entry by destroy; unset, stage2.invalid_visit"
      ),
      .optionalCost(
        "stage2.table_protected",
        \.stage2.tableProtected,
        "one table that write-protect walks through; unset, nothing"
      ),
      .optionalCost(
        "stage2.table_destroyed",
        \.stage2.tableDestroyed,
        "one table page freed by destroy; unset, stage2.table_freed"
      ),
      .optionalCost(
        "stage2.protect_call",
        \.stage2.protectCall,
        "one call of write-protect; unset, stage2.walker_call"
      ),
      .optionalCost(
        "stage2.destroy_call",
        \.stage2.destroyCall,
        "one call of destroy; unset, stage2.walker_call"
      ),
      .optionalCost(
        "stage2.split_visit",
        \.stage2.splitVisit,
        "one entry that an eager split looks at; unset, nothing"
      ),
      .optionalCost(
        "stage2.split_call",
        \.stage2.splitCall,
        "one call of an eager split; unset, stage2.walker_call"
      ),
    ]
  }

  private static var invalidationKeys: [ProfileKey<HostProfile>] {
    [
      .cost("tlbi.ipa_flush", \.tlbi.ipaFlush, "one broadcast flush of an IPA"),
      .cost("tlbi.ipa_flush_local", \.tlbi.ipaFlushLocal, "one local flush of an IPA"),
      .cost("tlbi.range_flush", \.tlbi.rangeFlush, "one range flush without its operations"),
      .cost("tlbi.range_operation", \.tlbi.rangeOperation, "one operation of a range flush"),
      .optionalCost(
        "tlbi.range_scale",
        \.tlbi.rangeScale,
        "one scale of the encoding that a range flush passes; unset, nothing"
      ),
      .cost("tlbi.vmid_flush", \.tlbi.vmidFlush, "one flush of the whole VMID"),
      .cost(
        "tlbi.repeated_sync",
        \.tlbi.repeatedSync,
        "one TLBI and DSB that an erratum repeats"
      ),
      .share(
        "tlbi.occupancy",
        \.tlbi.occupancy,
        "share of a broadcast flush during which the fabric carries no other"
      ),
      .share(
        "tlbi.reach",
        \.tlbi.reach,
        "share that each further CPU on which the VM has run adds to a broadcast flush"
      ),
      .cost("tlbi.vmid_refill", \.tlbi.vmidRefill, "TLB refill of a vCPU after a VMID flush"),
    ]
  }

  private static var faultKeys: [ProfileKey<HostProfile>] {
    [
      .cost("fault.outside_lock", \.fault.outsideLock, "one fault without its time under mmu_lock"),
      .cost("fault.inside_lock", \.fault.insideLock, "one fault's time under mmu_lock"),
      .cost("fault.retry", \.fault.retry, "time until a fault that lost a race faults again"),
      .cost("fault.page_allocation", \.fault.pageAllocation, "allocating and clearing a page"),
      .cost("fault.huge_mebibyte", \.fault.hugeMebibyte, "clearing one MiB of a huge page"),
      .share(
        "fault.memory_occupancy",
        \.fault.memoryOccupancy,
        "share of clearing a huge page in which the memory clears no other"
      ),
      .cost(
        "fault.line_transfer",
        \.fault.lineTransfer,
        "one transfer of a lock's cache line between CPUs"
      ),
      .cost("host_free.page", \.hostFree.page, "one page zapped and freed by the host"),
      .cost("host_free.huge_page", \.hostFree.hugePage, "one 2 MiB page zapped and freed"),
      .cost(
        "host_free.huge_split",
        \.hostFree.hugeSplit,
        "one 2 MiB page of the host split because a part is given back"
      ),
      .cost("host_free.call", \.hostFree.call, "one notifier pair or ioctl"),
      .cost(
        "host_free.slot_delete",
        \.hostFree.slotDelete,
        "one memslot delete up to its first chunk"
      ),
      .count(
        "host_free.pages_per_yield",
        \.hostFree.pagesPerYield,
        1...1_048_576,
        "pages zapped between two voluntary yields"
      ),
    ]
  }

  private static var processorKeys: [ProfileKey<HostProfile>] {
    [
      .cost("cpu.context_switch", \.cpu.contextSwitch, "one context switch"),
      .cost("cpu.hard_interrupt", \.cpu.hardInterrupt, "one hard interrupt"),
      .cost("cpu.tick", \.cpu.tick, "one timer tick"),
      .cost("cpu.softirq_entry", \.cpu.softirqEntry, "one softirq run without its polls"),
      .cost("cpu.wakeup", \.cpu.wakeup, "one wakeup of a task"),
      .time(
        "cpu.timer_slack",
        \.cpu.timerSlack,
        upTo: .seconds(1),
        "how much later than asked a sleep ends"
      ),
      .count(
        "cpu.ticks_per_softirq",
        \.cpu.ticksPerSoftirq,
        1...1_000_000,
        "one tick in so many raises a softirq of its own"
      ),
    ]
  }

  private static var deviceKeys: [ProfileKey<HostProfile>] {
    [
      .rate(
        "nic.rate",
        \.nic.rate,
        from: .megabits(1),
        "line rate of the port, or of one flow where flows are limited"
      ),
      .count("nic.ring", \.nic.ring, 1...65_536, "receive descriptors of a queue"),
      .size(
        "nic.buffer",
        \.nic.bufferSize,
        .bytes(64)...(.mebibytes(1)),
        "bytes a descriptor holds"
      ),
      .time(
        "nic.moderation",
        \.nic.moderation,
        upTo: .seconds(1),
        "least time between two interrupts of a queue"
      ),
      .count("nic.queues", \.nic.queues, 1...4096, "queues over all ports"),
      .cost("nic.poll", \.nic.poll, "one NAPI poll without its packets"),
      .cost("nic.packet", \.nic.packet, "one packet in softirq"),
      .cost("nic.reader_kilobyte", \.nic.readerKilobyte, "1024 bytes copied to the reader"),
      .cost("nic.reader_call", \.nic.readerCall, "one read system call"),
      .time(
        "disk.latency",
        \.storage.latency,
        upTo: .seconds(60),
        "service time of one storage request"
      ),
      .count("disk.parallelism", \.storage.parallelism, 1...65_536, "requests served at once"),
      .cost("disk.completion", \.storage.completion, "one completion in hard interrupt context"),
      .cost("disk.submission", \.storage.submission, "one submission and reap in the task"),
    ]
  }

  /// Checks what no single value can show.
  package func check() throws(ProfileError) {
    guard nic.queues <= cpus else {
      throw .contradiction(
        name: name,
        problem: "nic.queues is \(nic.queues) and host.cpus is \(cpus); at most one queue a CPU is "
          + "legal"
      )
    }
    guard !features.largeAddresses || granule != .size64K else {
      throw .contradiction(
        name: name,
        problem: "lpa2 is a feature of 4K and 16K granules and host.granule is 64K"
      )
    }
  }
}
