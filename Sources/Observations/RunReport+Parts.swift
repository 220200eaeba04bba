// SPDX-License-Identifier: GPL-3.0-or-later

package import Quantities

/// A distribution of times, as far as a report needs it.
///
/// A percentile is the least time that so many of the times do not exceed: of fewer times than it
/// needs, the longest; of none, nil.
package struct LatencySummary: Hashable, Sendable, Codable {
  /// How many times were recorded.
  package var count: Int64 = 0
  /// The median; nil of no time.
  package var p50: Nanoseconds?
  /// The 99th percentile, which is the longest of fewer than 100 times; nil of no time.
  package var p99: Nanoseconds?
  /// The 99.9th percentile, which is the longest of fewer than 1000 times; nil of no time.
  package var p999: Nanoseconds?
  /// The longest; nil of no time.
  package var max: Nanoseconds?
  /// The mean; nil of no time, and in reports of versions that did not say.
  package var mean: Nanoseconds?

  /// A distribution without values.
  package init() {}

  enum CodingKeys: String, CodingKey {
    case count
    case p50 = "p50_ns"
    case p99 = "p99_ns"
    case p999 = "p99_9_ns"
    case max = "max_ns"
    case mean = "mean_ns"
  }
}

/// One bar of a histogram of times.
package struct HistogramBar: Hashable, Sendable, Codable {
  /// The longest time that falls into the bar.
  package var upper: Nanoseconds
  /// How many fell into it.
  package var count: Int64

  /// Creates a bar.
  package init(upper: Nanoseconds, count: Int64) {
    self.upper = upper
    self.count = count
  }

  enum CodingKeys: String, CodingKey {
    case upper = "up_to_ns"
    case count
  }
}

/// How mmu_lock was held for write by the operation, and where it could have been yielded.
///
/// A hold ends where the lock is really dropped. A break point whose condition does not hold
/// drops nothing, so a hold may span many chunks; `longestChunk` is what cannot be broken at all.
package struct LockHolds: Hashable, Sendable, Codable {
  /// The distribution of holds.
  package var holds = LatencySummary()
  /// The holds by powers of two of a microsecond.
  package var histogram: [HistogramBar] = []
  /// The longest chunk, interrupts in it included.
  package var longestChunk = Nanoseconds.zero
  /// Break points the operation passed.
  package var breakPoints: Int64 = 0
  /// Break points at which the lock was really dropped.
  package var breaksTaken: Int64 = 0

  /// No hold at all.
  package init() {}

  enum CodingKeys: String, CodingKey {
    case holds, histogram
    case longestChunk = "longest_chunk_ns"
    case breakPoints = "break_points"
    case breaksTaken = "breaks_taken"
  }
}

/// What write-protecting the guest cost.
package struct WriteProtectTimes: Hashable, Sendable, Codable {
  /// All calls together.
  package var total = Nanoseconds.zero
  /// The 99th percentile of one call (one log enable, one CLEAR range); nil where none was timed.
  package var callP99: Nanoseconds?
  /// Calls that `callP99` is taken from; nil in reports of versions that did not say.
  package var timedCalls: Int64?
  /// The longest a vCPU waited for the lock.
  package var worstStall = Nanoseconds.zero
  /// Calls made.
  package var calls: Int64 = 0

  /// Nothing was protected.
  package init() {}

  enum CodingKeys: String, CodingKey {
    case total = "total_ns"
    case callP99 = "call_p99_ns"
    case timedCalls = "timed_calls"
    case worstStall = "worst_vcpu_stall_ns"
    case calls
  }
}

/// Packets that were lost, by the place where they were.
package struct PacketDrops: Hashable, Sendable, Codable {
  /// No free descriptor in the receive ring.
  package var ring: Int64 = 0
  /// No space in the receiving socket.
  package var socket: Int64 = 0

  /// Nothing was lost.
  package init() {}
}

/// What the network load of the CPU saw.
package struct NetworkOutcome: Hashable, Sendable, Codable {
  /// Goodput that the readers took before the operation.
  package var baseline = BitRate.zero
  /// Goodput that the readers took from the operation's start to the end of its stage-2 part.
  package var during = BitRate.zero
  /// Goodput from the operation's start to the end of everything.
  package var duringWhole = BitRate.zero
  /// `during` over `baseline`; 1 is nothing lost.
  package var retained = 1.0
  /// The length of one entry of `goodput`.
  package var bucket = Nanoseconds.zero
  /// Bytes taken by the readers in each bucket from the start of the run.
  package var goodput: [Int64] = []
  /// The longest time between two reads while the operation ran.
  package var largestGap = Nanoseconds.zero
  /// The longest time without a softirq run while the operation ran.
  package var longestWithoutSoftirq = Nanoseconds.zero
  /// Datagrams handed to their sockets, and packets lost by place.
  package var drops = PacketDrops()
  /// Segments sent again.
  package var retransmits: Int64 = 0
  /// Retransmission timeouts, spurious ones included.
  package var timeouts: Int64 = 0
  /// Datagrams that reached their socket.
  package var datagrams: Int64 = 0
  /// Interrupts of the queue.
  package var interrupts: Int64 = 0
  /// NAPI polls.
  package var polls: Int64 = 0
  /// Times ksoftirqd was woken.
  package var ksoftirqdWakes: Int64 = 0
  /// Softirq runs at interrupt exit that began while ksoftirqd was runnable, during the operation.
  package var softirqsBesideThread: Int64?
  /// Packets polled from the first chunk to the end of the stage-2 part.
  package var packetsInside: Int64?
  /// Packets that the ring refused in the same time.
  package var dropsInside: Int64?
  /// From the operation's start to the first wake of ksoftirqd; nil if it was never woken.
  package var firstKsoftirqdWake: Nanoseconds?

  /// A network without traffic.
  package init() {}

  enum CodingKeys: String, CodingKey {
    case baseline = "baseline_bits_per_s"
    case during = "during_bits_per_s"
    case duringWhole = "during_whole_bits_per_s"
    case retained = "retained_share"
    case bucket = "bucket_ns"
    case goodput = "goodput_bytes"
    case largestGap = "largest_read_gap_ns"
    case longestWithoutSoftirq = "longest_without_softirq_ns"
    case drops, retransmits, timeouts, datagrams, interrupts, polls
    case ksoftirqdWakes = "ksoftirqd_wakes"
    case softirqsBesideThread = "softirqs_beside_ksoftirqd"
    case packetsInside = "packets_inside"
    case dropsInside = "ring_drops_inside"
    case firstKsoftirqdWake = "first_ksoftirqd_wake_ns"
  }
}

/// Hard interrupts that came while a TLB primitive had them off, and waited for its end.
package struct MaskedInterrupts: Hashable, Sendable, Codable {
  /// How many.
  package var interrupts: Int64 = 0
  /// How long they waited together.
  package var wait = Nanoseconds.zero
  /// The longest wait.
  package var longestWait = Nanoseconds.zero

  /// None waited.
  package init() {}

  enum CodingKeys: String, CodingKey {
    case interrupts
    case wait = "wait_ns"
    case longestWait = "longest_wait_ns"
  }
}

/// How concurrent teardowns slow each other down through the fabric that carries invalidations.
package struct NeighbourOutcome: Hashable, Sendable, Codable {
  /// Teardowns of other VMs at the same time.
  package var teardowns: Int
  /// CPU time of this operation's stage-2 work without them.
  package var alone: Nanoseconds
  /// CPU time of the same work beside them.
  package var beside: Nanoseconds
  /// CPU time of each other teardown's stage-2 work without this one, if it is alike.
  package var othersBefore: Nanoseconds

  /// Creates an outcome.
  package init(teardowns: Int, alone: Nanoseconds, beside: Nanoseconds, othersBefore: Nanoseconds) {
    self.teardowns = teardowns
    self.alone = alone
    self.beside = beside
    self.othersBefore = othersBefore
  }

  /// What each of the other VMs pays because this operation runs beside its own.
  package var paidByEach: Nanoseconds { beside - othersBefore }

  enum CodingKeys: String, CodingKey {
    case teardowns
    case alone = "stage2_cpu_alone_ns"
    case beside = "stage2_cpu_beside_ns"
    case othersBefore = "others_stage2_cpu_without_this_ns"
  }
}

/// How new connections fared.
package struct ConnectOutcome: Hashable, Sendable, Codable {
  /// Connections begun while the operation ran.
  package var attempted: Int64 = 0
  /// Connections that were not open after the client's patience.
  package var failed: Int64 = 0
  /// Connections that took longer than a second, the failed ones not counted.
  package var slow: Int64 = 0
  /// Times to establish.
  package var latency = LatencySummary()

  /// No connections.
  package init() {}

  enum CodingKeys: String, CodingKey {
    case attempted, failed
    case slow = "over_1_s"
    case latency
  }
}

/// What the storage load saw.
package struct StorageOutcome: Hashable, Sendable, Codable {
  /// Requests per second before the operation.
  package var baseline = 0.0
  /// Requests per second during the stage-2 part.
  package var during = 0.0
  /// `during` over `baseline`.
  package var retained = 1.0
  /// Latencies during the operation, reaping included.
  package var latency = LatencySummary()

  /// No storage load.
  package init() {}

  enum CodingKeys: String, CodingKey {
    case baseline = "baseline_iops"
    case during = "during_iops"
    case retained = "retained_share"
    case latency
  }
}

/// One pre-copy round of a migration.
package struct MigrationRound: Hashable, Sendable, Codable {
  /// Pages sent.
  package var pages: Int64
  /// How long the round took.
  package var time: Nanoseconds

  /// Creates a round.
  package init(pages: Int64, time: Nanoseconds) {
    self.pages = pages
    self.time = time
  }

  enum CodingKeys: String, CodingKey {
    case pages
    case time = "time_ns"
  }
}

/// How a live migration went.
package struct MigrationOutcome: Hashable, Sendable, Codable {
  /// From log start until the guest runs on the other side.
  package var time = Nanoseconds.zero
  /// How long the guest stood still.
  package var downtime = Nanoseconds.zero
  /// Whether the downtime limit was met before the rounds ran out.
  package var converged = false
  /// The rounds, the stop round last.
  package var rounds: [MigrationRound] = []
  /// The guest's speed during the migration, as a share of its speed without it.
  package var guestSpeed = 1.0

  /// A migration that did not happen.
  package init() {}

  enum CodingKeys: String, CodingKey {
    case time = "time_ns"
    case downtime = "downtime_ns"
    case converged, rounds
    case guestSpeed = "guest_speed_share"
  }
}

/// What guest faults saw while the operation ran.
package struct FaultOutcome: Hashable, Sendable, Codable {
  /// Faults taken, retries included.
  package var faults: Int64 = 0
  /// Faults that had to be taken again.
  package var retries: Int64 = 0
  /// Notifier calls made on the way: copy-on-write of the zero page.
  package var notifierCalls: Int64 = 0
  /// Times from exit to re-entry with the page mapped.
  package var latency = LatencySummary()

  /// No faults.
  package init() {}

  enum CodingKeys: String, CodingKey {
    case faults, retries
    case notifierCalls = "notifier_calls"
    case latency
  }
}

/// What a running guest loses while the host unmaps its memory; its faults are in `FaultOutcome`.
package struct GuestOutcome: Hashable, Sendable, Codable {
  /// Notifier calls of the whole operation.
  package var calls: Int64 = 0
  /// The share of the time in which a notifier call was in progress, 0 to 1: faults are turned back.
  package var turningBack = 0.0
  /// Time of all faults from exit to the mapped page, over all vCPUs.
  package var faultTime = Nanoseconds.zero
  /// The longest of them; zero where nothing was touched again.
  package var worstStall = Nanoseconds.zero
  /// Flushes after which each vCPU has entries of its TLB to walk for again.
  package var refills: Int64 = 0
  /// The share of each vCPU's time that refills take, 0 to 1.
  package var refilling = 0.0
  /// The share of its vCPUs' time that the guest loses to faults and refills, 0 to 1.
  package var lost = 0.0

  /// A guest that loses nothing.
  package init() {}

  enum CodingKeys: String, CodingKey {
    case calls = "notifier_calls"
    case turningBack = "turning_back_share"
    case faultTime = "fault_time_ns"
    case worstStall = "worst_vcpu_stall_ns"
    case refills = "tlb_refill_count"
    case refilling = "refill_share"
    case lost = "lost_share"
  }
}

/// Where the time of the CPU under study went.
package struct CPUTimes: Hashable, Sendable, Codable {
  /// Hard interrupts, ticks included.
  package var hardInterrupt = Nanoseconds.zero
  /// Softirqs at interrupt exit.
  package var softirq = Nanoseconds.zero
  /// Softirqs in ksoftirqd or in a NAPI thread.
  package var ksoftirqd = Nanoseconds.zero
  /// Stage-2 work of the walker.
  package var stageTwo = Nanoseconds.zero
  /// The walker's other work: host-side freeing, system calls.
  package var hostSide = Nanoseconds.zero
  /// Socket readers.
  package var reader = Nanoseconds.zero
  /// Storage tasks.
  package var storage = Nanoseconds.zero
  /// Other tasks.
  package var competitors = Nanoseconds.zero
  /// Context switches.
  package var switching = Nanoseconds.zero
  /// Nothing to do.
  package var idle = Nanoseconds.zero

  /// No time at all.
  package init() {}

  enum CodingKeys: String, CodingKey {
    case hardInterrupt = "hard_irq_ns"
    case softirq = "softirq_ns"
    case ksoftirqd = "softirq_thread_ns"
    case stageTwo = "stage2_ns"
    case hostSide = "host_side_ns"
    case reader = "reader_ns"
    case storage = "storage_ns"
    case competitors = "competitors_ns"
    case switching = "switching_ns"
    case idle = "idle_ns"
  }

  /// All contexts together: the time that passed.
  package var total: Nanoseconds {
    let interrupts = hardInterrupt + softirq + ksoftirqd
    let tasks = stageTwo + hostSide + reader + storage + competitors
    return interrupts + tasks + switching + idle
  }
}
