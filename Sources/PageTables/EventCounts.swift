// SPDX-License-Identifier: GPL-3.0-or-later

/// How often each event of a stage-2 operation happened; every field is a count of events.
///
/// The first group has the names of the captures' columns, `kernel-counts.csv`.
public struct EventCounts: Hashable, Sendable {
  /// Calls of the walker's entry.
  public var walkCalls: Int64 = 0
  /// Tables that the walker looped over.
  public var tableLoops: Int64 = 0
  /// Calls of the unmap entry: chunks.
  public var unmapCalls: Int64 = 0
  /// Calls of the write-protect entry.
  public var wrprotectCalls: Int64 = 0
  /// Calls of the split entry: steps.
  public var splitCalls: Int64 = 0
  /// Calls of the whole-tree destroy.
  public var destroyCalls: Int64 = 0
  /// Calls of the destroy of one range (6.19 and later).
  public var destroyRangeCalls: Int64 = 0
  /// Calls of the map entry.
  public var mapCalls: Int64 = 0
  /// Calls of the permission relaxation.
  public var relaxCalls: Int64 = 0
  /// LEAF and POST callbacks of the unmap walker.
  public var unmapVisits: Int64 = 0
  /// LEAF callbacks of the attribute walker (write-protect, relax).
  public var attrVisits: Int64 = 0
  /// LEAF and POST callbacks of the free walker (destroy).
  public var freeVisits: Int64 = 0
  /// PRE, LEAF and (up to 6.1) POST callbacks of the map walker.
  public var mapVisits: Int64 = 0
  /// References dropped on table pages.
  public var putPage: Int64 = 0
  /// Broadcast flushes of one IPA.
  public var ipaFlushes: Int64 = 0
  /// Local (non-shareable) flushes of one IPA, from 6.5.
  public var ipaFlushesLocal: Int64 = 0
  /// Calls of the range-flush helper, whatever they become.
  public var rangeFlushRequests: Int64 = 0
  /// Range flushes issued to the hypervisor code.
  public var rangeFlushes: Int64 = 0
  /// Flushes of the whole VMID.
  public var vmidFlushes: Int64 = 0
  /// Calls of the conditional lock break between chunks.
  public var breakPoints: Int64 = 0
  /// Stage-2 aborts the guest took.
  public var guestAborts: Int64 = 0
  /// Executed TLBI IPAS2E1IS.
  public var tlbiIPAS2E1IS: Int64 = 0
  /// Executed TLBI RIPAS2E1IS.
  public var tlbiRIPAS2E1IS: Int64 = 0
  /// Executed TLBI IPAS2E1 (local).
  public var tlbiIPAS2E1: Int64 = 0
  /// Executed TLBI VMALLE1IS.
  public var tlbiVMALLE1IS: Int64 = 0
  /// Executed TLBI VMALLE1 (local).
  public var tlbiVMALLE1: Int64 = 0
  /// Executed TLBI VMALLS12E1IS.
  public var tlbiVMALLS12E1IS: Int64 = 0
  /// DSB ISH inside stage-2 code.
  public var dsbISH: Int64 = 0
  /// DSB ISHST inside stage-2 code.
  public var dsbISHST: Int64 = 0
  /// ISB inside stage-2 code.
  public var isb: Int64 = 0
  /// DC CIVAC instructions: one a cache line cleaned.
  public var dcCIVAC: Int64 = 0

  // What the captures do not count and costs depend on.

  /// Valid leaves that were cleared.
  public var leavesCleared: Int64 = 0
  /// Valid leaves that were write-protected or relaxed.
  public var leavesProtected: Int64 = 0
  /// Valid leaves that destroy dropped, without clearing them.
  public var leavesDestroyed: Int64 = 0
  /// Leaf visits that found an invalid entry.
  public var invalidVisits: Int64 = 0
  /// Callbacks on table entries (PRE or POST).
  public var tableVisits: Int64 = 0
  /// Table pages freed.
  public var tablesFreed: Int64 = 0
  /// Table pages allocated.
  public var tablesAllocated: Int64 = 0
  /// Entries written by off-line builds of a split.
  public var entriesBuilt: Int64 = 0
  /// Of the valid leaves that were cleared or destroyed, those above the last level.
  public var blocksCleared: Int64 = 0
  /// Of the leaves that were protected or relaxed, those above the last level.
  public var blocksProtected: Int64 = 0
  /// Of the attribute walker's callbacks on valid leaves, those above the last level.
  public var blockVisits: Int64 = 0
  /// Scales that the encoding of range flushes passed without an instruction.
  public var scalesSkipped: Int64 = 0
  /// LEAF callbacks of the split walker.
  public var splitVisits: Int64 = 0
  /// Times the lock was dropped unconditionally (cache top-up of a split).
  public var lockDrops: Int64 = 0

  /// DSB NSH of local flushes.
  public var dsbNSH: Int64 = 0
  /// DSB NSHST of local flushes.
  public var dsbNSHST: Int64 = 0
  /// TLBI VALE2IS executed at the end of a flush for the erratum REPEAT_TLBI_SYNC; where a kernel
  /// repeats every instruction instead, the repeats are in their own columns.
  public var tlbiRepeated: Int64 = 0
  /// TLBI and DSB pairs that the erratum REPEAT_TLBI_SYNC adds: one a broadcast flush, or one an
  /// instruction where the release repeats every one.
  public var repeatedSyncs: Int64 = 0
  /// Calls into EL2 (nVHE): one a flush.
  public var hypercalls: Int64 = 0

  // Parts of the above by operation, for hosts that price them apart.

  /// Of `blocksCleared`, those that destroy dropped.
  public var blocksDestroyed: Int64 = 0
  /// Valid leaves that write-protect found protected.
  public var leavesRevisited: Int64 = 0
  /// Of `invalidVisits`, those of write-protect.
  public var invalidProtected: Int64 = 0
  /// Of `invalidVisits`, those of destroy.
  public var invalidDestroyed: Int64 = 0
  /// Tables below the root that write-protect walked through; it calls back on none.
  public var tablesProtected: Int64 = 0
  /// Of `tablesFreed`, those that destroy freed.
  public var tablesDestroyed: Int64 = 0

  /// Nothing happened.
  public init() {}

  /// Nothing happened.
  public static let zero = Self()

  /// Flush calls that all CPUs hear of: of an IPA, of a range, of the whole VMID.
  public var broadcastFlushes: Int64 { ipaFlushes + rangeFlushes + vmidFlushes }
}

extension EventCounts {
  /// The sum of two counts, field by field.
  public static func + (left: Self, right: Self) -> Self {
    var sum = left
    sum += right
    return sum
  }

  /// Adds field by field in place.
  public static func += (left: inout Self, right: Self) {
    left.walkCalls += right.walkCalls
    left.tableLoops += right.tableLoops
    left.unmapCalls += right.unmapCalls
    left.wrprotectCalls += right.wrprotectCalls
    left.splitCalls += right.splitCalls
    left.destroyCalls += right.destroyCalls
    left.destroyRangeCalls += right.destroyRangeCalls
    left.mapCalls += right.mapCalls
    left.relaxCalls += right.relaxCalls
    left.unmapVisits += right.unmapVisits
    left.attrVisits += right.attrVisits
    left.freeVisits += right.freeVisits
    left.mapVisits += right.mapVisits
    left.putPage += right.putPage
    left.ipaFlushes += right.ipaFlushes
    left.ipaFlushesLocal += right.ipaFlushesLocal
    left.rangeFlushRequests += right.rangeFlushRequests
    left.rangeFlushes += right.rangeFlushes
    left.vmidFlushes += right.vmidFlushes
    left.breakPoints += right.breakPoints
    left.guestAborts += right.guestAborts
    left.tlbiIPAS2E1IS += right.tlbiIPAS2E1IS
    left.tlbiRIPAS2E1IS += right.tlbiRIPAS2E1IS
    left.tlbiIPAS2E1 += right.tlbiIPAS2E1
    left.tlbiVMALLE1IS += right.tlbiVMALLE1IS
    left.tlbiVMALLE1 += right.tlbiVMALLE1
    left.tlbiVMALLS12E1IS += right.tlbiVMALLS12E1IS
    left.dsbISH += right.dsbISH
    left.dsbISHST += right.dsbISHST
    left.isb += right.isb
    left.dcCIVAC += right.dcCIVAC
    left.leavesCleared += right.leavesCleared
    left.leavesProtected += right.leavesProtected
    left.leavesDestroyed += right.leavesDestroyed
    left.invalidVisits += right.invalidVisits
    left.tableVisits += right.tableVisits
    left.tablesFreed += right.tablesFreed
    left.tablesAllocated += right.tablesAllocated
    left.entriesBuilt += right.entriesBuilt
    left.blocksCleared += right.blocksCleared
    left.blocksProtected += right.blocksProtected
    left.blockVisits += right.blockVisits
    left.scalesSkipped += right.scalesSkipped
    left.splitVisits += right.splitVisits
    left.lockDrops += right.lockDrops
    left.dsbNSH += right.dsbNSH
    left.dsbNSHST += right.dsbNSHST
    left.tlbiRepeated += right.tlbiRepeated
    left.repeatedSyncs += right.repeatedSyncs
    left.hypercalls += right.hypercalls
    left.blocksDestroyed += right.blocksDestroyed
    left.leavesRevisited += right.leavesRevisited
    left.invalidProtected += right.invalidProtected
    left.invalidDestroyed += right.invalidDestroyed
    left.tablesProtected += right.tablesProtected
    left.tablesDestroyed += right.tablesDestroyed
  }

  /// Every field repeated a whole number of times.
  public static func * (left: Self, count: Int64) -> Self {
    var product = Self()
    product.walkCalls = left.walkCalls * count
    product.tableLoops = left.tableLoops * count
    product.unmapCalls = left.unmapCalls * count
    product.wrprotectCalls = left.wrprotectCalls * count
    product.splitCalls = left.splitCalls * count
    product.destroyCalls = left.destroyCalls * count
    product.destroyRangeCalls = left.destroyRangeCalls * count
    product.mapCalls = left.mapCalls * count
    product.relaxCalls = left.relaxCalls * count
    product.unmapVisits = left.unmapVisits * count
    product.attrVisits = left.attrVisits * count
    product.freeVisits = left.freeVisits * count
    product.mapVisits = left.mapVisits * count
    product.putPage = left.putPage * count
    product.ipaFlushes = left.ipaFlushes * count
    product.ipaFlushesLocal = left.ipaFlushesLocal * count
    product.rangeFlushRequests = left.rangeFlushRequests * count
    product.rangeFlushes = left.rangeFlushes * count
    product.vmidFlushes = left.vmidFlushes * count
    product.breakPoints = left.breakPoints * count
    product.guestAborts = left.guestAborts * count
    product.tlbiIPAS2E1IS = left.tlbiIPAS2E1IS * count
    product.tlbiRIPAS2E1IS = left.tlbiRIPAS2E1IS * count
    product.tlbiIPAS2E1 = left.tlbiIPAS2E1 * count
    product.tlbiVMALLE1IS = left.tlbiVMALLE1IS * count
    product.tlbiVMALLE1 = left.tlbiVMALLE1 * count
    product.tlbiVMALLS12E1IS = left.tlbiVMALLS12E1IS * count
    product.dsbISH = left.dsbISH * count
    product.dsbISHST = left.dsbISHST * count
    product.isb = left.isb * count
    product.dcCIVAC = left.dcCIVAC * count
    product.leavesCleared = left.leavesCleared * count
    product.leavesProtected = left.leavesProtected * count
    product.leavesDestroyed = left.leavesDestroyed * count
    product.invalidVisits = left.invalidVisits * count
    product.tableVisits = left.tableVisits * count
    product.tablesFreed = left.tablesFreed * count
    product.tablesAllocated = left.tablesAllocated * count
    product.entriesBuilt = left.entriesBuilt * count
    product.blocksCleared = left.blocksCleared * count
    product.blocksProtected = left.blocksProtected * count
    product.blockVisits = left.blockVisits * count
    product.scalesSkipped = left.scalesSkipped * count
    product.splitVisits = left.splitVisits * count
    product.lockDrops = left.lockDrops * count
    product.dsbNSH = left.dsbNSH * count
    product.dsbNSHST = left.dsbNSHST * count
    product.tlbiRepeated = left.tlbiRepeated * count
    product.repeatedSyncs = left.repeatedSyncs * count
    product.hypercalls = left.hypercalls * count
    product.blocksDestroyed = left.blocksDestroyed * count
    product.leavesRevisited = left.leavesRevisited * count
    product.invalidProtected = left.invalidProtected * count
    product.invalidDestroyed = left.invalidDestroyed * count
    product.tablesProtected = left.tablesProtected * count
    product.tablesDestroyed = left.tablesDestroyed * count
    return product
  }
}
