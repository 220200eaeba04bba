// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
import Policies
import Profiles
package import Quantities

/// What one CLEAR ioctl costs.
package struct ClearCost: Hashable, Sendable {
  /// How long it holds mmu_lock for write at a stretch.
  package var hold: Nanoseconds
  /// All of it: holds, splits and the flush that ends it.
  package var whole: Nanoseconds
  /// Pages it covers.
  package var pages: Int64

  /// Creates the cost of one ioctl.
  package init(hold: Nanoseconds, whole: Nanoseconds, pages: Int64) {
    self.hold = hold
    self.whole = whole
    self.pages = pages
  }
}

/// What dirty logging costs a guest, counted by PageTables and priced by the host.
package struct LoggingCosts {
  /// Switching logging on by write-protecting the whole slot.
  package var enable: ClearCost
  /// One CLEAR ioctl.
  package var clear: ClearCost
  /// The events of protecting the whole slot once, in CLEAR ranges or at enable.
  package var counts: EventCounts
  /// Chunks of the slot's protection, for the machine.
  package var plan: WorkPlan
  /// Whether the slot's flush is one of the whole VMID.
  package var flushesVMID: Bool
}

extension BatchedOperation {
  /// Counts and prices switching logging on, and clearing range by range.
  package func loggingCosts() throws(OperationError) -> LoggingCosts {
    let range = memoryRange
    let piece = min(policy.clearRange ?? range.size, range.size)
    let rules = try rules()
    let tables = try layOut()
    do throws(PageTableError) {
      var enabled = tables
      let enable = try enabled.writeProtect(slot: range, rules)
      let clear = try clearing(tables, piece, rules)
      let epilogue = setup.host.price(enable.epilogue, share)
      let flush = epilogue.whole
      let ioctls = range.size.divided(roundedUpBy: piece)
      let start = setup.host.price(enable.total, share).whole
      let flushStep = epilogue.step(holdsLock: false, yieldsBetween: false)
      let steps = [callStep, clear.step, flushStep]
      return LoggingCosts(
        enable: ClearCost(hold: start - flush, whole: start, pages: 1),
        clear: ClearCost(
          hold: clear.step.dropsBetween ? clear.step.unit : clear.step.work,
          whole: clear.step.work + flush,
          pages: max(1, piece.divided(roundedUpBy: setup.host.granule.page))
        ),
        counts: (clear.counts + enable.epilogue) * ioctls,
        plan: WorkPlan([WorkGroup(steps + [WorkStep(.yield, unit: .zero)], repeats: ioctls)]),
        flushesVMID: enable.epilogue.vmidFlushes > 0
      )
    } catch {
      throw .pageTables(error)
    }
  }

  /// The locked part of one CLEAR ioctl over `piece`, all bits set.
  ///
  /// It is counted exactly over at most a gibibyte of the guest and scaled to the piece: pieces
  /// of one layout are alike.
  private func clearing(
    _ tables: StageTwo,
    _ piece: ByteCount,
    _ rules: StageTwoRules
  ) throws(PageTableError) -> (step: WorkStep, counts: EventCounts) {
    var cleared = tables
    let slot = memoryRange
    let size = min(piece, min(.gibibytes(1), slot.size))
    let last = (slot.end - slot.start - size).divided(roundedDownBy: size)
    let isHuge = setup.workload.memory.hugeBlockShare >= 0.5
    let first = (size * (isHuge ? 0 : last)).divided(roundedDownBy: setup.host.granule.page)
    let count = size.divided(roundedDownBy: setup.host.granule.page)
    var split: SplitPlan?
    if policy.eagerSplit > .zero {
      split = try SplitPlan(
        chunk: policy.eagerSplit,
        granule: setup.host.granule,
        release: rules.release
      )
    }
    let dirty = DirtyPages(first..<(first + count))
    let train = try cleared.harvest(dirty, of: slot, rules, plan: &split)
    var counts = train.total
    counts += train.epilogue * -1
    let scale = max(1, piece.divided(roundedDownBy: size))
    let drops = counts.lockDrops * scale
    let price = setup.host.price(counts, share)
    let time = price.whole * scale
    var step = price.step(holdsLock: true, yieldsBetween: false)
    step.unit = time
    step.flushes *= scale
    if drops > 0 {
      step.units = drops + 1
      step.unit = Nanoseconds(rawValue: max(1, time.rawValue / step.units))
      step.flushes = max(min(1, step.flushes), step.flushes / step.units)
      step.dropsBetween = true
    }
    return (step, counts * scale)
  }
}
