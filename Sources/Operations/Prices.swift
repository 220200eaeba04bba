// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
package import Profiles
package import Quantities

/// What a priced event belongs to.
package enum PriceKind: Hashable, Sendable {
  /// Leaves cleared, protected or dropped.
  case leaf
  /// Visits of entries that hold nothing.
  case invalid
  /// Table visits, tables freed or allocated, entries built, walker calls.
  case table
  /// Cache lines cleaned.
  case cache
  /// Flushes that only this CPU hears of.
  case localFlush
  /// Broadcast flushes of an IPA.
  case ipaFlush
  /// Broadcast flushes of a range.
  case rangeFlush
  /// Broadcast flushes of the VMID.
  case vmidFlush
  /// TLBI and DSB pairs that an erratum repeats.
  case repeatedSync

  /// Whether all CPUs hear of it, so that others that flush make it wait.
  package var isBroadcast: Bool {
    switch self {
    case .ipaFlush, .rangeFlush, .vmidFlush, .repeatedSync: true
    default: false
    }
  }
}

extension HostProfile {
  /// The one list of what stage-2 events cost: every event that has a price, once.
  ///
  /// What `EventCounts` counts beside these is free; `PriceTests` says why, field by field.
  @inline(__always)
  func forEachPrice(
    of counts: EventCounts,
    _ body: (_ kind: PriceKind, _ cost: UnitCost, _ count: Int64) -> Void
  ) {
    // What an operation has a price of its own for comes off what all share.
    var shared = SharedEvents(counts)
    if let cost = stage2.blockCleared {
      body(.leaf, cost, shared.take(counts.blocksCleared - counts.blocksDestroyed, \.cleared))
    }
    if let cost = stage2.blockProtected {
      body(.leaf, cost, shared.take(counts.blocksProtected, \.protected))
    }
    if let cost = stage2.blockDestroyed {
      body(.leaf, cost, shared.take(counts.blocksDestroyed, \.destroyed))
    }
    if let cost = stage2.leafRevisited { body(.leaf, cost, counts.leavesRevisited) }
    if let cost = stage2.invalidProtected {
      body(.invalid, cost, shared.take(counts.invalidProtected, \.invalid))
    }
    if let cost = stage2.invalidDestroyed {
      body(.invalid, cost, shared.take(counts.invalidDestroyed, \.invalid))
    }
    if let cost = stage2.tableProtected { body(.table, cost, counts.tablesProtected) }
    if let cost = stage2.tableDestroyed {
      body(.table, cost, shared.take(counts.tablesDestroyed, \.tablesFreed))
    }
    if let cost = stage2.protectCall {
      body(.table, cost, shared.take(counts.wrprotectCalls, \.calls))
    }
    if let cost = stage2.destroyCall {
      body(
        .table,
        cost,
        shared.take(counts.destroyCalls + counts.destroyRangeCalls, \.calls)
      )
    }
    if let cost = stage2.splitVisit { body(.leaf, cost, counts.splitVisits) }
    if let cost = stage2.splitCall {
      body(.table, cost, shared.take(counts.splitCalls, \.calls))
    }
    body(.leaf, stage2.leafCleared, shared.cleared)
    body(.leaf, stage2.leafProtected, shared.protected)
    body(.leaf, stage2.leafDestroyed, shared.destroyed)
    body(.invalid, stage2.invalidVisit, shared.invalid)
    body(.table, stage2.tableVisit, counts.tableVisits)
    body(.table, stage2.tableFreed, shared.tablesFreed)
    body(.table, stage2.walkerCall, shared.calls)
    body(.table, stage2.entryBuilt, counts.entriesBuilt)
    body(.table, stage2.tableAllocated, counts.tablesAllocated)
    body(.cache, stage2.cacheLineCleaned, counts.dcCIVAC)
    body(.localFlush, tlbi.ipaFlushLocal, counts.ipaFlushesLocal)
    body(.ipaFlush, tlbi.ipaFlush, counts.ipaFlushes)
    body(.rangeFlush, tlbi.rangeFlush, counts.rangeFlushes)
    body(.rangeFlush, tlbi.rangeOperation, counts.tlbiRIPAS2E1IS)
    if let cost = tlbi.rangeScale { body(.rangeFlush, cost, counts.scalesSkipped) }
    body(.vmidFlush, tlbi.vmidFlush, counts.vmidFlushes)
    body(.repeatedSync, tlbi.repeatedSync, counts.repeatedSyncs)
  }
}

/// Events that several operations share a price of, less those that have their own.
private struct SharedEvents {
  var cleared: Int64
  var protected: Int64
  var destroyed: Int64
  var invalid: Int64
  var tablesFreed: Int64
  var calls: Int64

  init(_ counts: EventCounts) {
    cleared = counts.leavesCleared
    protected = counts.leavesProtected
    destroyed = counts.leavesDestroyed
    invalid = counts.invalidVisits
    tablesFreed = counts.tablesFreed
    calls =
      counts.unmapCalls + counts.wrprotectCalls + counts.splitCalls + counts.destroyCalls
      + counts.destroyRangeCalls
  }

  /// Takes events out of a shared count.
  mutating func take(_ count: Int64, _ field: WritableKeyPath<Self, Int64>) -> Int64 {
    self[keyPath: field] -= count
    return count
  }
}

/// What stage-2 work costs the CPU that does it, in whole nanoseconds, and for how long of it
/// interrupts wait.
package struct StageTwoPrice: Hashable, Sendable {
  /// Walking: entries, tables, cache lines.
  package var walk = Nanoseconds.zero
  /// Invalidation: TLBI, DSB, the switch to guest context and what others make it wait.
  package var invalidation = Nanoseconds.zero
  /// Flush primitives, in each of which interrupts are off from the switch to guest context to the
  /// switch back.
  package var flushes: Int64 = 0

  /// All of it.
  package var whole: Nanoseconds { walk + invalidation }

  /// A unit of stage-2 work that costs this much.
  package func step(units: Int64 = 1, holdsLock: Bool, yieldsBetween: Bool) -> WorkStep {
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
  package func price(
    _ counts: EventCounts,
    _ share: FabricShare = FabricShare()
  ) -> StageTwoPrice {
    var price = StageTwoPrice()
    var (local, broadcast) = (Nanoseconds.zero, Nanoseconds.zero)
    forEachPrice(of: counts) { kind, cost, count in
      if kind.isBroadcast {
        broadcast += cost * count
      } else if kind == .localFlush {
        local += cost * count
      } else {
        price.walk += cost * count
      }
    }
    let stretch = tlbi.stretch(
      walk: Double((price.walk + local).rawValue),
      invalidation: Double(broadcast.rawValue),
      flushes: counts.broadcastFlushes,
      share
    )
    let stretched = Int64(saturating: Double(broadcast.rawValue) * stretch)
    price.invalidation = local + (stretch == 1 ? broadcast : Nanoseconds(rawValue: stretched))
    price.flushes = counts.broadcastFlushes + counts.ipaFlushesLocal
    return price
  }
}

/// The same prices by kind, in nanoseconds and without rounding: what features are made of.
package struct WorkBreakdown: Hashable, Sendable {
  package private(set) var leaf = 0.0
  package private(set) var invalid = 0.0
  package private(set) var table = 0.0
  package private(set) var ipaFlush = 0.0
  package private(set) var rangeFlush = 0.0
  package private(set) var vmidFlush = 0.0
  package private(set) var cache = 0.0

  /// All kinds together.
  package var total: Double { leaf + invalid + table + ipaFlush + rangeFlush + vmidFlush + cache }

  /// Prices counts on a host, beside others that invalidate.
  package init(_ counts: EventCounts, on host: HostProfile, _ share: FabricShare) {
    var local = 0.0
    host.forEachPrice(of: counts) { kind, cost, count in
      let price = cost.priced(count)
      switch kind {
      case .leaf: leaf += price
      case .invalid: invalid += price
      case .table: table += price
      case .cache: cache += price
      case .localFlush: local += price
      case .ipaFlush, .repeatedSync: ipaFlush += price
      case .rangeFlush: rangeFlush += price
      case .vmidFlush: vmidFlush += price
      }
    }
    let stretch = host.tlbi.stretch(
      walk: leaf + invalid + table + cache + local,
      invalidation: ipaFlush + rangeFlush + vmidFlush,
      flushes: counts.broadcastFlushes,
      share
    )
    ipaFlush = ipaFlush * stretch + local
    rangeFlush *= stretch
    vmidFlush *= stretch
  }
}

extension UnitCost {
  /// The cost of `count` events in nanoseconds, without rounding.
  package func priced(_ count: Int64) -> Double { inNanoseconds * Double(count) }
}
