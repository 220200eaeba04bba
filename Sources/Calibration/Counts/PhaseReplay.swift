// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Quantities

/// A captured VM: how it was built, which decides what every phase of its life counts.
struct CapturedVM: Hashable, Sendable {
  let release: KernelRelease
  let features: CPUFeatures
  let ipaBits: Int
  let memory: ByteCount
  let granule: Granule
  let backing: HostBacking
  let rewrite: ByteCount

  init(_ row: CountsRow, features: CPUFeatures) {
    release = row.release
    self.features = features
    ipaBits = row.ipaBits
    memory = row.memory
    granule = row.granule
    backing = row.backing
    rewrite = row.rewrite
  }

  /// The level at which the host maps the memory; contiguous hugetlb sizes fall to the next
  /// smaller leaf.
  var hostLevel: Int {
    switch backing {
    case .pages: 3
    case .transparentHuge: 2
    case .hugetlb(let size):
      (granule.minimumBlockLevel...3).first { granule.entrySize(level: $0) <= size } ?? 3
    }
  }
}

/// Lives a captured VM's life again, phase by phase, on the model's tables.
///
/// The capture's program: a slot at 1 GiB that is touched whole, a page at 64 KiB with the loop
/// that touches, one vCPU. Which phases a life has, the file says; their order is that of
/// `CapturedStep.place`, and before a phase that needs memory the guest touches it again; while a
/// slot is logged it does not, and one that was deleted is back without a log.
struct PhaseReplay {
  private let vm: CapturedVM
  private let series: CapturedSeries
  private let rules: StageTwoRules
  private let slotRange: AddressRange
  private var slot: MemorySlot
  private var tables: StageTwo
  private var dirty = DirtyPages()
  private var isManual = false
  private var hasRun = false
  private var isDeleted = false
  private var plan: SplitPlan?
  /// The events of each phase that was lived.
  private(set) var counts: [CapturedPhase: EventCounts] = [:]

  /// The page with the guest's loop.
  private var loop: AddressRange {
    AddressRange(start: GuestAddress(rawValue: 0x10000), size: vm.granule.page)
  }

  /// Lives the phases of one series.
  init(
    _ vm: CapturedVM,
    _ series: CapturedSeries,
    phases: [CapturedPhase]
  ) throws(PageTableError) {
    self.vm = vm
    self.series = series
    rules = try StageTwoRules(vm.release, vm.features)
    slotRange = AddressRange(start: GuestAddress(rawValue: 1 << 30), size: vm.memory)
    tables = StageTwo(
      geometry: try StageTwoGeometry(granule: vm.granule, ipaBits: vm.ipaBits)
    )
    slot = MemorySlot(range: slotRange, hostLevel: vm.hostLevel)
    if let chunk = series.size, series.kind == .eagerSplit { plan = eagerSplit(chunk) }
    let steps = Self.life(of: series, phases.map(\.step))
    let isLogged = steps.contains(where: \.isLogging)
    if isLogged { _ = try touchAll() }
    for step in steps {
      if !isLogged || isDeleted, step.needsTouch { _ = try touchAll() }
      let events = try live(step)
      for phase in phases where phase.step == step { counts[phase] = events }
    }
  }

  /// The plan of a capability that was asked for; a kernel before 6.5, and one that is asked for a
  /// chunk that is no block, refuses it and protects as without.
  private func eagerSplit(_ chunk: ByteCount) -> SplitPlan? {
    try? SplitPlan(chunk: chunk, granule: vm.granule, release: rules.release)
  }

  // MARK: - Lives

  /// The steps of a life: those that the file has, and those that are known to lie between them.
  private static func life(of series: CapturedSeries, _ phases: [CapturedStep]) -> [CapturedStep] {
    var steps = Set(phases)
    switch series.kind {
    case .unmaps:
      steps.formUnion([
        .touch, .dontNeedAll, .dontNeedAllEmpty, .dontNeedSlices(.mebibytes(2)), .slotDelete,
        .slotAdd, .slotDeleteEmpty,
      ])
    case .logging:
      steps.formUnion([
        .logEnable, .getLogClean, .rewrite(1), .getLogDirty(1), .rewrite(2), .getLogDirty(2),
        .logDisable,
      ])
    case .manualLogging: steps.formUnion([.logEnableInitset, .getLog, .clearLogAll])
    case .eagerSplit:
      let isManual = steps.contains(.logEnableInitset) || steps.contains(.clearLogAll)
      steps.formUnion(
        isManual ? [.logEnableInitset] : [.logEnable, .rewrite(1), .getLogDirty(1), .logDisable]
      )
      if steps.contains(.destroyEmpty) { steps.insert(.dontNeedAll) }
    case .slices, .sparse:
      if steps.contains(where: \.isLogging) { steps.insert(.logEnable) }
      if steps.contains(.dontNeedAllEmpty) { steps.insert(.dontNeedAll) }
      if steps.contains(.slotDeleteEmpty) { steps.insert(.slotDelete) }
    }
    return steps.sorted { $0.place < $1.place }
  }

  private mutating func live(_ step: CapturedStep) throws(PageTableError) -> EventCounts {
    switch step {
    case .touch: return try touchAll()
    case .dontNeedAll, .dontNeedAllEmpty: return try dontNeed(slotRange)
    case .dontNeedSlices(let size): return try dontNeedSlices(size)
    case .slotDelete, .slotDeleteEmpty: return try deleteSlot()
    case .slotAdd, .getLog: return .zero
    case .destroy: return tables.destroy(rules).total
    case .destroyEmpty:
      // What no phase before has unmapped was unmapped uncounted.
      _ = try tables.unmap(slotRange, rules)
      return tables.destroy(rules).total
    case .logEnable: return try enableLogging()
    case .logEnableInitset:
      slot.isLogging = true
      isManual = true
      dirty = DirtyPages(0..<vm.memory.divided(roundedDownBy: vm.granule.page))
      return .zero
    case .logDisable:
      slot.isLogging = false
      return .zero
    // With manual protection GET only copies.
    case .getLogClean, .getLogDirty: return isManual ? .zero : try harvest()
    case .clearLogAll: return try harvest()
    case .rewrite: return try rewrite()
    }
  }

  // MARK: - Steps

  private mutating func deleteSlot() throws(PageTableError) -> EventCounts {
    slot.isLogging = false
    isDeleted = true
    return try tables.unmap(slotRange, rules).total
  }

  /// Protects the slot, and splits it where the capability was granted.
  private mutating func enableLogging() throws(PageTableError) -> EventCounts {
    slot.isLogging = true
    var counts = try tables.writeProtect(slot: slotRange, rules).total
    if var plan {
      counts += try tables.split(slotRange, rules, plan: &plan).total
      self.plan = plan
    }
    return counts
  }

  /// Runs the vCPU over the whole slot: its loop's page, the touches, the exit at the end.
  private mutating func touchAll() throws(PageTableError) -> EventCounts {
    let page = vm.granule.page
    let usual = vm.backing == .pages ? page : vm.granule.smallestBlock
    let stride = series.kind == .sparse ? max(series.size ?? usual, page) : usual
    return try run(GuestAccess(range: slotRange, stride: stride, isWrite: true))
  }

  private mutating func rewrite() throws(PageTableError) -> EventCounts {
    let size = min(vm.rewrite, vm.memory)
    guard size > .zero else { return .zero }
    dirty.insert(0..<size.divided(roundedDownBy: vm.granule.page))
    return try run(
      GuestAccess(
        range: AddressRange(start: slotRange.start, size: size),
        stride: vm.granule.page,
        isWrite: true
      )
    )
  }

  private mutating func run(_ access: GuestAccess) throws(PageTableError) -> EventCounts {
    var counts = EventCounts()
    if !hasRun {
      counts += tables.firstRun(rules)
      hasRun = true
    }
    let reading = GuestAccess(range: loop, stride: vm.granule.page, isWrite: false)
    counts += try tables.touch(reading, in: MemorySlot(range: loop), rules)
    counts += try tables.touch(access, in: slot, rules)
    // The loop ends with a store to no slot, which leaves to the VMM.
    counts.guestAborts += 1
    return counts
  }

  private mutating func harvest() throws(PageTableError) -> EventCounts {
    let pages = dirty
    dirty = DirtyPages()
    // Words are split as they are protected where all bits were set at first.
    var splitting = isManual ? plan : nil
    let counts = try tables.harvest(pages, of: slotRange, rules, plan: &splitting).total
    if isManual { plan = splitting }
    return counts
  }

  // MARK: - Advice

  /// One MADV_DONTNEED; nothing happens where the kernel refuses it.
  private mutating func dontNeed(
    _ range: AddressRange,
    splits: Bool = false
  ) throws(PageTableError) -> EventCounts {
    do throws(PageTableError) {
      return try tables.dontNeed(range, of: vm.backing, splits: splits, rules)
    } catch .refusedAdvice {
      return .zero
    }
  }

  /// MADV_DONTNEED slice by slice over the slot.
  private mutating func dontNeedSlices(_ size: ByteCount) throws(PageTableError) -> EventCounts {
    let block = vm.granule.smallestBlock
    guard vm.backing == .transparentHuge, size < block, slot.hostLevel == 2 else {
      return try dontNeedSlices(size, of: slotRange)
    }
    var counts = EventCounts()
    var start = slotRange.start
    while start < slotRange.end {
      let end = min(start + block, slotRange.end)
      let first = AddressRange(start: start, end: min(start + size, end))
      counts += try dontNeed(first, splits: true)
      if first.end < end {
        counts += try dontNeedSlices(size, of: AddressRange(start: first.end, end: end))
      }
      start = end
    }
    // The host's tables of pages stay, so that it maps pages there from now on.
    slot = MemorySlot(range: slotRange, hostLevel: 3)
    return counts
  }

  /// The same over a range in which slices fare alike: one walk whose chunks are the slices, where
  /// they are no longer than the kernel's own.
  private mutating func dontNeedSlices(
    _ size: ByteCount,
    of range: AddressRange
  ) throws(PageTableError) -> EventCounts {
    if !vm.backing.isHugetlb, size.isPowerOfTwo, size >= vm.granule.page,
      range.start.isAligned(to: size),
      let shift = try rules.chunkShift(tables.geometry), size.rawValue <= Int64(1) << Int64(shift)
    {
      var each = rules
      each.chunk = .fixed(size)
      each.mayYield = false
      return try tables.unmap(range, each).total
    }
    var counts = EventCounts()
    var start = range.start
    while start < range.end {
      let end = min(start + size, range.end)
      counts += try dontNeed(AddressRange(start: start, end: end))
      start = end
    }
    return counts
  }
}
