// SPDX-License-Identifier: GPL-3.0-or-later

public import PageTables
public import Profiles
public import Quantities

extension HostProfile {
  /// What the events of stage-2 work cost the CPU that walks, as the only invalidator.
  ///
  /// `slowdown` is what concurrent invalidators add to each invalidation's completion: 1 is none.
  public func price(_ counts: EventCounts, slowdown: Double = 1) -> Nanoseconds {
    walk(counts) + invalidation(counts, slowdown: slowdown)
  }

  /// The part of the price that is walking: entries, tables, cache lines.
  func walk(_ counts: EventCounts) -> Nanoseconds {
    let destroyed = counts.freeVisits - counts.tableVisits - counts.invalidVisits
    let calls =
      counts.unmapCalls + counts.wrprotectCalls + counts.splitCalls + counts.destroyCalls
      + counts.destroyRangeCalls
    return stage2.leafCleared * counts.leavesCleared
      + stage2.leafProtected * counts.leavesProtected
      + stage2.leafDestroyed * max(0, counts.freeVisits > 0 ? destroyed : 0)
      + stage2.invalidVisit * counts.invalidVisits
      + stage2.tableVisit * counts.tableVisits
      + stage2.tableFreed * counts.tablesFreed
      + stage2.walkerCall * calls
      + stage2.entryBuilt * counts.entriesBuilt
      + stage2.tableAllocated * counts.tablesAllocated
      + stage2.cacheLineCleaned * counts.dcCIVAC
  }

  /// The part of the price that is invalidation: TLBI, DSB and the switch to guest context.
  func invalidation(_ counts: EventCounts, slowdown: Double) -> Nanoseconds {
    let time =
      tlbi.ipaFlush * counts.ipaFlushes
      + tlbi.ipaFlushLocal * counts.ipaFlushesLocal
      + tlbi.rangeFlush * counts.rangeFlushes
      + tlbi.rangeOperation * counts.tlbiRIPAS2E1IS
      + tlbi.vmidFlush * counts.vmidFlushes
    guard slowdown != 1 else { return time }
    return Nanoseconds(rawValue: Int64((Double(time.rawValue) * slowdown).rounded()))
  }
}
