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
  let backing: CountsRow.Backing
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
/// that touches, one vCPU. Series A unmaps, B logs with automatic protection, C with manual
/// protection and all bits set, E... as B with eager splitting of the chunk in its name.
struct PhaseReplay {
  private let vm: CapturedVM
  private let rules: StageTwoRules
  private let slotRange: AddressRange
  private var slot: MemorySlot
  private var tables: StageTwo
  private var dirty = DirtyPages()
  private var hasRun = false
  private var plan: SplitPlan?
  /// The events of each phase that was lived, in order.
  private(set) var phases: [(name: String, counts: EventCounts)] = []

  /// The page with the guest's loop.
  private var loop: AddressRange {
    AddressRange(start: GuestAddress(rawValue: 0x10000), size: vm.granule.page)
  }

  /// Lives the series that a phase belongs to; nil for a series this replay does not know.
  init?(_ vm: CapturedVM, series: String) throws(PageTableError) {
    self.vm = vm
    rules = try StageTwoRules(vm.release, vm.features)
    slotRange = AddressRange(start: GuestAddress(rawValue: 1 << 30), size: vm.memory)
    tables = StageTwo(
      geometry: try StageTwoGeometry(granule: vm.granule, ipaBits: vm.ipaBits)
    )
    slot = MemorySlot(range: slotRange, hostLevel: vm.hostLevel)
    switch series {
    case "A": try liveUnmaps()
    case "B": try liveLogging()
    case "C": try liveManualLogging()
    default:
      guard let chunk = Self.eagerChunk(series) else { return nil }
      plan = try SplitPlan(chunk: chunk, granule: vm.granule, release: rules.release)
      try liveEagerSplit(series)
    }
  }

  /// The eager-split chunk in a series' name: 2 MiB of `E2m`.
  static func eagerChunk(_ series: String) -> ByteCount? {
    guard series.first == "E", let unit = series.last,
      let size = Int64(series.dropFirst().dropLast()),
      (1...1_024).contains(size)
    else { return nil }
    switch unit {
    case "k": return .kibibytes(size)
    case "m": return .mebibytes(size)
    case "g": return .gibibytes(size)
    default: return nil
    }
  }

  private mutating func record(_ name: String, _ counts: EventCounts = .zero) {
    phases.append((name, counts))
  }

  // MARK: - Series

  private mutating func liveUnmaps() throws(PageTableError) {
    record("A.fault", try touchAll())
    record("A.dontneed_all", try tables.unmap(slotRange, rules).total)
    record("A.dontneed_all_empty", try tables.unmap(slotRange, rules).total)
    _ = try touchAll()
    record("A.dontneed_slices", try unmapSlices(.mebibytes(2)))
    _ = try touchAll()
    record("A.memslot_delete", try tables.unmap(slotRange, rules).total)
    record("A.memslot_add")
    record("A.memslot_delete_empty", try tables.unmap(slotRange, rules).total)
    _ = try touchAll()
    record("A.destroy", tables.destroy(rules).total)
  }

  private mutating func liveLogging() throws(PageTableError) {
    _ = try touchAll()
    slot.isLogging = true
    record("B.log_enable_wp", try tables.writeProtect(slot: slotRange, rules).total)
    record("B.getlog_clean", try harvest())
    record("B.rewrite", try rewrite())
    record("B.getlog_dirty", try harvest())
    record("B.rewrite2", try rewrite())
    record("B.getlog_dirty2", try harvest())
    slot.isLogging = false
    record("B.log_disable")
    record("B.destroy", tables.destroy(rules).total)
  }

  private mutating func liveManualLogging() throws(PageTableError) {
    _ = try touchAll()
    slot.isLogging = true
    dirty = DirtyPages(0..<vm.memory.divided(roundedDownBy: vm.granule.page))
    record("C.log_enable_initset")
    record("C.getlog")
    record("C.clearlog_all", try harvest())
    record("C.destroy", tables.destroy(rules).total)
  }

  private mutating func liveEagerSplit(_ series: String) throws(PageTableError) {
    _ = try touchAll()
    slot.isLogging = true
    var enable = try tables.writeProtect(slot: slotRange, rules).total
    if var plan {
      enable += try tables.split(slotRange, rules, plan: &plan).total
      self.plan = plan
    }
    record("\(series).log_enable_wp_split", enable)
    record("\(series).rewrite", try rewrite())
    record("\(series).getlog_dirty", try harvest())
    slot.isLogging = false
    record("\(series).log_disable")
    record("\(series).dontneed_all", try tables.unmap(slotRange, rules).total)
    record("\(series).destroy_empty", tables.destroy(rules).total)
  }

  // MARK: - Steps

  /// Runs the vCPU over the whole slot: its loop's page, the touches, the exit at the end.
  private mutating func touchAll() throws(PageTableError) -> EventCounts {
    let stride = vm.backing == .pages ? vm.granule.page : vm.granule.smallestBlock
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
    return try tables.harvest(pages, of: slotRange, rules).total
  }

  private mutating func unmapSlices(_ size: ByteCount) throws(PageTableError) -> EventCounts {
    var counts = EventCounts()
    var start = slotRange.start
    while start < slotRange.end {
      let end = min(start + size, slotRange.end)
      counts += try tables.unmap(AddressRange(start: start, end: end), rules).total
      start = end
    }
    return counts
  }
}
