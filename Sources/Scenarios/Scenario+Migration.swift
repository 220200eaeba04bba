// SPDX-License-Identifier: GPL-3.0-or-later

import Events
import Machine
import PageTables
import Policies
import Profiles
import Quantities
import Randomness

/// What dirty logging costs a guest, counted by PageTables and priced by the host.
struct LoggingCosts {
  /// Switching logging on by write-protecting the whole slot.
  var enable: Migration.Clear
  /// One CLEAR ioctl.
  var clear: Migration.Clear
  /// The events of protecting the whole slot once, in CLEAR ranges or at enable.
  var counts: EventCounts
  /// Chunks of the slot's protection, for the machine.
  var plan: WorkPlan
  /// Whether the slot's flush is one of the whole VMID.
  var flushesVMID: Bool
}

extension Scenario {
  /// A live migration, and beside it the IO that shares the CPU of the VMM's CLEAR calls.
  func migrate() throws(ScenarioError) -> (report: RunReport, trace: Trace) {
    let migration = workload.migration
    guard migration.link > .zero else {
      throw .value(
        name: "migration.link",
        given: "\(migration.link)",
        legal: "more than 0 bit/s"
      )
    }
    guard migration.maximumRounds > 0 else {
      throw .value(
        name: "migration.rounds",
        given: "\(migration.maximumRounds)",
        legal: "at least 1"
      )
    }
    let logging = try loggingCosts()
    let outcome = try preCopy(logging)
    var (report, trace) = try execute(
      Operation(plan: logging.plan, counts: logging.counts)
    )
    report.migration = outcome.migration
    report.writeProtect = outcome.writeProtect
    report.locks = outcome.locks
    report.faults = outcome.faults
    report.operation.stageTwo = outcome.writeProtect.total
    report.operation.whole = outcome.migration.time
    return (report, trace)
  }

  private func preCopy(_ logging: LoggingCosts) throws(ScenarioError) -> Migration.Outcome {
    let tables = try layOut()
    let pages = tables.mappedBytes.divided(roundedUpBy: host.granule.page)
    let relax = try relaxation(invalidators: max(1, workload.memory.vcpus), gap: dirtyGap)
    var run = Migration(
      load: workload.migration,
      pages: max(1, pages),
      page: host.granule.page,
      vcpus: max(1, workload.memory.vcpus),
      clear: logging.clear,
      fault: .seconds(rounding: relax.whole / 1e9)
    )
    if !workload.migration.initiallyAllSet { run.start = logging.enable }
    if !relax.isShared { run.exclusive = .seconds(rounding: (relax.inside + relax.flush) / 1e9) }
    if logging.flushesVMID, switches.has(.refill) { run.refill = host.tlbi.vmidRefill * 1 }
    run.firstFaults = firstFaults(tables)
    return run.run()
  }

  /// Faults a page costs when its block is broken by the first write: without eager split the
  /// rest of the block is unmapped, and a page read before it is written faults twice.
  private func firstFaults(_ tables: StageTwo) -> Double {
    guard policy.eagerSplit == .zero else { return 1 }
    let leaves = tables.leafCounts
    let sizes = (0...3).map {
      Double(leaves[$0]) * Double(host.granule.entrySize(level: $0).rawValue)
    }
    let blocks = sizes[1] + sizes[2]
    let all = blocks + sizes[3]
    return 1 + (all > 0 ? blocks / all : 0)
  }

  /// What a write to a protected page costs under the scenario's switches; `gap` as in
  /// `RelaxationCost`.
  func relaxation(invalidators: Int, gap: Double = 0) throws(ScenarioError) -> RelaxationCost {
    let shared = FabricShare(host, workload, invalidators: invalidators)
    return RelaxationCost(
      on: host,
      try rules().release,
      sharesLock: switches.has(.sharedFaults),
      switches.has(.fabric) ? shared : FabricShare(),
      gap: gap
    )
  }

  /// What each vCPU does between two writes to clean pages, in nanoseconds.
  private var dirtyGap: Double {
    let rate = Double(workload.migration.dirtyPagesPerSecond)
    return rate > 0 ? 1e9 * Double(max(1, workload.memory.vcpus)) / rate : 0
  }

  /// Counts and prices switching logging on, and clearing range by range.
  func loggingCosts() throws(ScenarioError) -> LoggingCosts {
    let range = memoryRange
    let piece = min(policy.clearRange ?? range.size, range.size)
    let rules = try rules()
    let tables = try layOut()
    do throws(PageTableError) {
      var enabled = tables
      let enable = try enabled.writeProtect(slot: range, rules)
      let clear = try clearing(tables, piece, rules)
      let epilogue = host.price(enable.epilogue, share)
      let flush = epilogue.whole
      let ioctls = range.size.divided(roundedUpBy: piece)
      let start = host.price(enable.total, share).whole
      let flushStep = epilogue.step(holdsLock: false, yieldsBetween: false)
      let steps = [callStep, clear.step, flushStep]
      return LoggingCosts(
        enable: Migration.Clear(hold: start - flush, whole: start, pages: 1),
        clear: Migration.Clear(
          hold: clear.step.dropsBetween ? clear.step.unit : clear.step.work,
          whole: clear.step.work + flush,
          pages: max(1, piece.divided(roundedUpBy: host.granule.page))
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
    let isHuge = workload.memory.hugeBlockShare >= 0.5
    let first = (size * (isHuge ? 0 : last)).divided(roundedDownBy: host.granule.page)
    let count = size.divided(roundedDownBy: host.granule.page)
    var split: SplitPlan?
    if policy.eagerSplit > .zero {
      split = try SplitPlan(
        chunk: policy.eagerSplit,
        granule: host.granule,
        release: rules.release
      )
    }
    let dirty = DirtyPages(first..<(first + count))
    let train = try cleared.harvest(dirty, of: slot, rules, plan: &split)
    var counts = train.total
    counts += train.epilogue * -1
    let scale = max(1, piece.divided(roundedDownBy: size))
    let drops = counts.lockDrops * scale
    let price = host.price(counts, share)
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
