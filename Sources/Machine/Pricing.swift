// SPDX-License-Identifier: GPL-3.0-or-later

public import PageTables
public import Profiles
public import Quantities

/// What stage-2 work costs the CPU that does it, and for how long of it interrupts wait.
public struct StageTwoPrice: Hashable, Sendable {
  /// Walking: entries, tables, cache lines.
  public var walk = Nanoseconds.zero
  /// Invalidation: TLBI, DSB, the switch to guest context and what others make it wait.
  public var invalidation = Nanoseconds.zero
  /// Flush primitives, in each of which interrupts are off from the switch to guest context to the
  /// switch back.
  public var flushes: Int64 = 0

  /// All of it.
  public var whole: Nanoseconds { walk + invalidation }

  /// A unit of stage-2 work that costs this much.
  public func step(units: Int64 = 1, holdsLock: Bool, yieldsBetween: Bool) -> WorkStep {
    var step = WorkStep(
      .stageTwo,
      unit: whole,
      units: units,
      holdsLock: holdsLock,
      yieldsBetween: yieldsBetween
    )
    step.flushes = flushes
    step.flush = flushes > 0 ? invalidation / flushes : .zero
    return step
  }
}

extension HostProfile {
  /// What the events of stage-2 work cost the CPU that walks, beside others that invalidate.
  public func price(_ counts: EventCounts, _ share: FabricShare = FabricShare()) -> StageTwoPrice {
    var price = StageTwoPrice()
    price.walk = walk(counts)
    let local = tlbi.ipaFlushLocal * counts.ipaFlushesLocal
    let broadcast =
      tlbi.ipaFlush * counts.ipaFlushes
      + tlbi.rangeFlush * counts.rangeFlushes
      + tlbi.rangeOperation * counts.tlbiRIPAS2E1IS
      + tlbi.vmidFlush * counts.vmidFlushes
    let stretch = tlbi.stretch(
      walk: Double((price.walk + local).rawValue),
      invalidation: Double(broadcast.rawValue),
      flushes: counts.broadcastFlushes,
      share
    )
    let stretched = Int64((Double(broadcast.rawValue) * stretch).rounded())
    price.invalidation = local + (stretch == 1 ? broadcast : Nanoseconds(rawValue: stretched))
    price.flushes = counts.broadcastFlushes + counts.ipaFlushesLocal
    return price
  }

  /// The part of the price that is walking: entries, tables, cache lines.
  private func walk(_ counts: EventCounts) -> Nanoseconds {
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
}
