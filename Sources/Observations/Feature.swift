// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

/// One number that the responses of a run depend on; its raw value names it with its unit.
///
/// The one definition that fitting and predicting share: `FeatureVector` computes all of them from
/// host, kernel, workload, policy and the exact event counts of the page tables.
package enum Feature: String, Hashable, Sendable, CaseIterable, Codable {
  // Work: exact event counts times the host's unit costs.

  /// Leaves cleared, protected or destroyed.
  case leafWork = "leaf_work_ns"
  /// Visits of entries that held nothing.
  case invalidWork = "invalid_visit_work_ns"
  /// Table visits, tables freed or allocated, entries built, walker calls.
  case tableWork = "table_work_ns"
  /// Flushes of one IPA, contention with neighbours included.
  case ipaFlushWork = "ipa_flush_work_ns"
  /// Range flushes and their operations.
  case rangeFlushWork = "range_flush_work_ns"
  /// Flushes of the whole VMID.
  case vmidFlushWork = "vmid_flush_work_ns"
  /// Cache lines cleaned on hosts without forced write-back.
  case cacheWork = "cache_clean_work_ns"
  /// The host's own zapping and freeing of pages.
  case hostFreeWork = "host_free_work_ns"
  /// Notifier pairs and ioctls.
  case callWork = "call_work_ns"

  /// Guest faults, one for each mapped page.
  case faultWork = "fault_work_ns"

  // How the work is cut.

  /// Chunks: calls of the walker.
  case chunks = "chunk_count"
  /// Break points between chunks.
  case breakPoints = "break_point_count"
  /// The longest chunk, on an idle CPU.
  case longestChunk = "longest_chunk_ns"
  /// The longest stretch of stage-2 work that nothing can interrupt by taking the lock: a chunk
  /// with break points, everything without.
  case longestStretch = "longest_unbreakable_ns"
  /// Stage-2 work of one call (slice, CLEAR range, memory slot).
  case callStretch = "longest_call_ns"
  /// Calls the operation is cut into by the VMM.
  case slices = "slice_count"
  /// The pause between two slices.
  case pause = "slice_pause_ns"

  /// All stage-2 work together.
  case stageTwoWork = "stage2_work_ns"
  /// All pauses between slices together.
  case pauseWork = "slice_pauses_ns"

  /// Whether the stage-2 work is done without mmu_lock: 0 or 1.
  case lockFree = "lock_free_flag"

  // What shares the CPU.

  /// Packets per second of the whole network load.
  case packetRate = "packets_per_s"
  /// Goodput offered.
  case offered = "offered_bits_per_s"
  /// CPU share of hard and soft interrupts on the walking CPU, unhindered.
  case softirqLoad = "softirq_load_share"
  /// CPU share of the tasks on the walking CPU (reader, storage), unhindered.
  case taskLoad = "task_load_share"
  /// Time in which the offered load fills the receive ring.
  case ringFill = "ring_fill_ns"
  /// Time in which the offered load fills the flow's window.
  case windowFill = "window_fill_ns"
  /// Round trip of a flow without queueing.
  case roundTrip = "round_trip_ns"
  /// Requests per second.
  case requestRate = "requests_per_s"
  /// New connections per second.
  case connectRate = "connects_per_s"
  /// Datagrams per second.
  case datagramRate = "datagrams_per_s"
  /// Storage requests in flight.
  case queueDepth = "storage_queue_depth"
  /// Other CPU-bound tasks on the walking CPU.
  case competitors = "competitor_count"
  /// Other teardowns at the same time.
  case neighbours = "neighbour_count"

  // The kernel's rules.

  /// Time between two ticks.
  case jiffy = "jiffy_ns"
  /// The scheduler's base slice on this host.
  case schedulerSlice = "scheduler_slice_ns"
  /// Whether inline softirqs stop while ksoftirqd is runnable (up to 6.4): 0 or 1.
  case oldSoftirqRule = "old_softirq_rule_flag"
  /// Whether the fair scheduler is EEVDF (from 6.6), not CFS: 0 or 1.
  case eevdf = "eevdf_flag"
  /// Whether the kernel preempts itself (FULL or LAZY): 0 or 1.
  case preemptible = "preemptible_flag"
  /// Whether fair wakeups wait for a tick (LAZY): 0 or 1.
  case lazy = "lazy_preemption_flag"
  /// Whether the network interrupt lands on the walking CPU: 0 or 1.
  case interruptHere = "irq_on_walker_flag"
  /// Whether NAPI polls in a thread: 0 or 1.
  case threadedNAPI = "threaded_napi_flag"
  /// Whether the socket's reader runs on the walking CPU: 0 or 1.
  case readerHere = "reader_on_walker_flag"
  /// Whether the storage task runs on the walking CPU: 0 or 1.
  case storageHere = "storage_on_walker_flag"
  /// Whether the congestion control is CUBIC, not Reno: 0 or 1.
  case cubic = "cubic_flag"
  /// Whether a time budget or feedback ends chunks early: 0 or 1.
  case controlled = "controlled_chunks_flag"

  // Guest and migration.

  /// vCPUs.
  case vcpus = "vcpu_count"
  /// Guest memory that is mapped.
  case mapped = "mapped_bytes"
  /// The migration link.
  case link = "link_bits_per_s"
  /// Pages dirtied per second while unhindered.
  case dirtyRate = "dirty_pages_per_s"
  /// The memory that is dirtied.
  case workingSet = "working_set_bytes"
  /// Time to send the whole memory once.
  case transfer = "transfer_ns"
  /// Time to send what the guest, unhindered, dirties while the whole memory is sent once.
  case dirtyTransfer = "dirty_transfer_ns"
  /// Whether faults take mmu_lock for read (6.2 and later): 0 or 1.
  case sharedFaults = "shared_faults_flag"
  /// Whether a fault relaxes permissions with a local flush: 0 or 1.
  case localRelax = "local_relax_flag"
  /// One write fault of a vCPU on a protected page.
  case faultCost = "dirty_fault_ns"
  /// The downtime the VMM accepts.
  case downtimeLimit = "downtime_limit_ns"

  // What a fluid in place of packets says: the structure of everything that shares a CPU.

  /// The stage-2 part of the operation while it shares its CPU.
  case fluidStageTwo = "fluid_stage2_ns"
  /// The whole operation while it shares its CPU.
  case fluidWhole = "fluid_operation_ns"
  /// The longest hold of mmu_lock with everything that interrupts it.
  case fluidHold = "fluid_longest_hold_ns"
  /// Goodput during the stage-2 part over that before it.
  case fluidGoodput = "fluid_goodput_share"
  /// Storage requests during the stage-2 part over those before it.
  case fluidIOPS = "fluid_iops_share"
  /// The 99th percentile of request latency.
  case fluidRequest = "fluid_request_p99_ns"
  /// A migration as rounds of sending against dirtying.
  case preCopyTime = "precopy_ns"
  /// The standstill at the end of those rounds.
  case preCopyDowntime = "precopy_downtime_ns"
  /// The share of its vCPUs' time that the guest loses until then.
  case preCopyLost = "precopy_guest_lost_share"
  /// All write-protect calls of those rounds.
  case preCopyProtecting = "precopy_protect_ns"

  /// How the feature enters a Gaussian process: shares and flags as they are, the rest by its
  /// logarithm over a unit below which differences do not matter.
  package var scale: FeatureScale {
    switch self {
    case .lockFree, .softirqLoad, .taskLoad, .oldSoftirqRule, .eevdf, .preemptible, .lazy,
      .interruptHere,
      .threadedNAPI, .readerHere, .storageHere, .cubic, .controlled, .sharedFaults, .localRelax:
      .linear
    case .fluidGoodput, .fluidIOPS: .odds(0.02)
    case .chunks, .breakPoints, .slices, .competitors, .neighbours, .queueDepth, .vcpus: .log(1)
    case .packetRate, .requestRate, .connectRate, .datagramRate, .dirtyRate: .log(10)
    case .offered, .link: .log(1e6)
    case .mapped, .workingSet: .log(1_048_576)
    default: .log(1_000)
    }
  }

  /// The feature's value on the scale of its transformation.
  package func transformed(_ value: Double) -> Double {
    switch scale {
    case .linear: value
    case .log(let unit): log(1 + value / unit)
    case .odds(let ends):
      log((min(max(value, 0), 1) + ends) / (1 - min(max(value, 0), 1) + ends))
    }
  }
}

/// How a feature is transformed before distances are taken in it.
package enum FeatureScale: Hashable, Sendable {
  /// As it is.
  case linear
  /// The logarithm of one plus the value in this unit.
  case log(Double)
  /// The logarithm of the odds of a share, softened by so much at both ends.
  case odds(Double)
}

extension Feature {
  /// A digest of all features and their scales: it changes when one is added, renamed or rescaled.
  package static let setDigest = Digest.of(
    allCases.map { "\($0.rawValue):\($0.scale)" }.joined(separator: ";")
  ).hexadecimal
}
