// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

/// How one kernel release does its stage-2 work: plain data, one value a release.
///
/// `ReleaseRules.rules(for:)` builds it from the rows of `ReleaseTable`.
public struct ReleaseRules: Hashable, Sendable {
  /// What protects the tables.
  public enum Lock: Hashable, Sendable {
    /// A spinlock (up to 5.17).
    case spin
    /// A reader-writer lock (from 5.18).
    case readWrite
  }

  /// Which guest faults take the lock for read.
  public enum SharedFaults: Hashable, Sendable {
    /// None: every fault takes it exclusively.
    case none
    /// Page-sized write-permission faults while logging (5.18).
    case pageWritePermission
    /// All (6.2).
    case all
  }

  /// When a leaf cleared by unmap is invalidated.
  public enum LeafFlush: Hashable, Sendable {
    /// At once, one IPA flush each.
    case immediate
    /// At the end of the call with one range flush, where the CPU has TLBIRANGE and FWB.
    case deferredWithRange
  }

  /// When a table entry freed by unmap is invalidated.
  public enum TableFlush: Hashable, Sendable {
    /// At once, one IPA flush each; `hinted` where it carries the table's level, which is wrong.
    case immediate(hinted: Bool)
    /// Not by itself where leaves are deferred (6.6 to 6.8: the walk-cache bug).
    case withLeaves
  }

  /// The flush that ends a write-protect, and one that replaces a table by a block.
  public enum SpanFlush: Hashable, Sendable {
    /// The whole VMID.
    case vmid
    /// The range helper over the span.
    case range
  }

  /// The scheduler of fair tasks and its slice.
  public enum Scheduler: Hashable, Sendable {
    /// CFS with the period and minimum granularity of one CPU.
    case cfs(latency: Nanoseconds, granularity: Nanoseconds)
    /// EEVDF with the base slice of one CPU.
    case eevdf(baseSlice: Nanoseconds)
  }

  /// What a range operation returns when the tables vanished at a break point.
  public enum VanishedTable: Hashable, Sendable {
    /// EINVAL.
    case invalid
    /// Success, if at least one break point was passed.
    case toleratedAfterBreak
  }

  /// How the kernel decides whether contention alone breaks the lock.
  public enum ContentionBreak: Hashable, Sendable {
    /// By how it was built: every PREEMPT_DYNAMIC build counts as preemptible.
    case builtModel
    /// By the model it runs with (6.11 and stable).
    case runningModel
  }

  /// What MADV_DONTNEED does to a part of hugetlb memory.
  public enum HugetlbAdvice: Hashable, Sendable {
    /// It is refused on hugetlb memory altogether (up to 5.17).
    case refused
    /// The start has to be a whole huge page, the end is rounded up to one (5.18).
    case roundsUp
    /// The start has to be a whole huge page, the end is rounded down to one (6.1).
    case roundsDown
  }

  /// The release these rules were asked for.
  public internal(set) var release: KernelRelease
  /// How far one walker call goes.
  public internal(set) var chunk = ChunkRule.rootEntry
  /// What protects the tables.
  public internal(set) var lock = Lock.spin
  /// Which faults share the lock.
  public internal(set) var sharedFaults = SharedFaults.none
  /// When cleared leaves are invalidated.
  public internal(set) var leafFlush = LeafFlush.immediate
  /// When freed tables are invalidated.
  public internal(set) var tableFlush = TableFlush.immediate(hinted: true)
  /// What ends a write-protect of a slot.
  public internal(set) var slotFlush = SpanFlush.vmid
  /// What goes with a table that a block replaces.
  public internal(set) var blockFlush = SpanFlush.vmid
  /// How ranges become instructions; nil where the release has no range flush.
  public internal(set) var rangeEncoding: RangeEncoding?
  /// Whether a range flush passes "level unknown" as such; earlier it passed 0, which from 6.8
  /// on is a hint.
  public internal(set) var levelUnknownIsExplicit = true
  /// Whether the map walker is called back after each table as well (up to 6.1).
  public internal(set) var mapVisitsTablesAfter = true
  /// Whether a page mapped after a permission fault is cleaned too on a CPU without FWB (5.14).
  public internal(set) var cleansOnPermissionMap = false
  /// Whether every fault that maps cleans its leaf on a CPU without FWB, also where another vCPU
  /// has mapped it meanwhile; from 5.14 on only the fault that installs the entry does.
  public var cleansDuplicates: Bool { !cleansOnPermissionMap }
  /// Whether the walker looks at an entry again after a PRE callback (6.4).
  public internal(set) var rereadsAfterPre = false
  /// Whether a relaxed permission is flushed on this CPU alone (6.5).
  public internal(set) var relaxesLocally = false
  /// Whether blocks can be split eagerly (6.5).
  public internal(set) var eagerSplit = false
  /// Whether arm64 has the dirty ring (6.2).
  public internal(set) var dirtyRing = false
  /// Whether 4K and 16K tables can use 52-bit addresses (6.8).
  public internal(set) var largeAddresses = false
  /// Whether nested guests' shadow tables are swept along (6.11).
  public internal(set) var nestedShadows = false
  /// Whether debugfs has `stage2_page_tables` (6.12).
  public internal(set) var tableDump = false
  /// How destroy walks.
  public internal(set) var destroy = DestroyRule.singleWalk
  /// Whether softirqs stay away while ksoftirqd is runnable (up to 6.4).
  public internal(set) var softirqYieldsToKsoftirqd = true
  /// The scheduler.
  public internal(set) var scheduler = Scheduler.cfs(
    latency: .milliseconds(6),
    granularity: .microseconds(750)
  )
  /// How contention breaks the lock.
  public internal(set) var contentionBreak = ContentionBreak.builtModel
  /// What a vanished table means.
  public internal(set) var vanishedTable = VanishedTable.invalid
  /// Whether PREEMPT_NONE and PREEMPT_VOLUNTARY exist on arm64 (up to 6.x).
  public internal(set) var cooperativePreemption = true
  /// Whether PREEMPT_LAZY exists on arm64 (6.16).
  public internal(set) var lazyPreemption = false
  /// How REPEAT_TLBI_SYNC is worked around.
  public internal(set) var repeatedSync = RepeatedSync.everyInstruction
  /// Whether the nVHE flush starts with a full DSB ISH and ends with one more ISB.
  public internal(set) var fullEntryBarrierAtEL2 = false

  /// What MADV_DONTNEED does to a part of hugetlb memory.
  public internal(set) var hugetlbAdvice = HugetlbAdvice.refused

  init(release: KernelRelease) { self.release = release }

  /// The rules of a release; newer ones than the last row have the last row's.
  public static func rules(for release: KernelRelease) throws(PageTableError) -> Self {
    guard release >= ReleaseTable.oldest else {
      throw .unknownRelease(release, oldest: ReleaseTable.oldest)
    }
    var rules = Self(release: release)
    for row in ReleaseTable.rows where row.span.contains(release) { row.change(&rules) }
    return rules
  }
}
