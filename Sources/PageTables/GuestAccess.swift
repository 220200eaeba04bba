// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

/// A memory slot as far as it decides what a guest fault installs.
public struct MemorySlot: Hashable, Sendable {
  /// The guest physical addresses of the slot.
  public let range: AddressRange
  /// The lowest level (largest leaf) at which the host maps the memory: 3 for pages, 2 for huge
  /// pages of the PMD's size, 1 for hugetlb pages of 1 GiB.
  public let hostLevel: Int
  /// Whether host and guest addresses have the same offset inside a block, as blocks need.
  public let isCongruent: Bool
  /// Whether dirty logging is on for the slot: every fault then installs a page.
  public var isLogging = false

  /// Creates a slot without logging.
  public init(range: AddressRange, hostLevel: Int = 3, isCongruent: Bool = true) {
    self.range = range
    self.hostLevel = hostLevel
    self.isCongruent = isCongruent
  }
}

/// What a guest does with a range of a slot: one access every `stride`, in ascending order.
public struct GuestAccess: Hashable, Sendable {
  /// The addresses that are touched.
  public let range: AddressRange
  /// The distance between two touches: a multiple of the page size.
  public let stride: ByteCount
  /// Whether the guest writes.
  public let isWrite: Bool
  /// Whether the host maps the memory writable where the guest only reads; false for memory that
  /// is still the zero page.
  public var isHostWritable = true

  /// Creates an access pattern.
  public init(range: AddressRange, stride: ByteCount, isWrite: Bool) {
    self.range = range
    self.stride = stride
    self.isWrite = isWrite
  }
}

extension StageTwo {
  /// Lets the guest touch a range and handles every fault that follows, one vCPU alone.
  ///
  /// Counted are the aborts and what stage-2 code does about them; the walk of the host's own
  /// tables, by which the kernel finds the size of a huge page, is not. Refuses ranges outside
  /// the slot and strides that are no multiple of the page.
  public mutating func touch(
    _ access: GuestAccess,
    in slot: MemorySlot,
    _ rules: StageTwoRules
  ) throws(PageTableError) -> EventCounts {
    try geometry.check(access.range)
    let page = geometry.granule.page
    guard access.stride >= page, access.stride.rawValue % page.rawValue == 0 else {
      throw .misaligned(access.range, alignment: page)
    }
    guard access.range.start >= slot.range.start, access.range.end <= slot.range.end else {
      throw .unmapped(access.range.start < slot.range.start ? access.range.start : slot.range.end)
    }
    let walker = FaultWalker(geometry: geometry, slot: slot, access: access, rules: rules)
    let (events, after) = walker.touch(
      root,
      base: 0,
      Int64(access.range.start.rawValue),
      Int64(access.range.end.rawValue)
    )
    root = after
    return events.counts(rules, geometry)
  }

  /// What the first run of a vCPU on a CPU flushes there: everything of its VMID, locally.
  ///
  /// Of its ISBs, those of the switches to the guest's context and back count as stage-2 code.
  public func firstRun(_ rules: StageTwoRules) -> EventCounts {
    let sequences = rules.sequences(geometry.granule)
    let isVHE = rules.features.virtualizationHostExtensions
    var counts = EventCounts()
    counts.tlbiVMALLE1 = sequences.executions
    counts.dsbISH = sequences.executions - 1
    if !isVHE, rules.release.fullEntryBarrierAtEL2 { counts.dsbISH += 1 }
    counts.dsbNSH = 1
    counts.isb = sequences.entryISBs + sequences.exitISBs
    counts.hypercalls = isVHE ? 0 : 1
    return counts
  }

  /// Writes to a page that reads had mapped to the zero page: the host copies it, its notifier
  /// unmaps the page, the first fault is retried and the second maps the copy.
  ///
  /// Refuses an address that is not mapped.
  public mutating func writeToZeroPage(
    at address: GuestAddress,
    in slot: MemorySlot,
    _ rules: StageTwoRules
  ) throws(PageTableError) -> EventCounts {
    let page = AddressRange(
      start: address.alignedDown(to: geometry.granule.page),
      size: geometry.granule.page
    )
    let sequence = try unmap(page, rules)
    guard sequence.total.leavesCleared > 0 else { throw .unmapped(address) }
    let access = GuestAccess(range: page, stride: geometry.granule.page, isWrite: true)
    var counts = sequence.total
    counts.guestAborts += 1
    return try counts + touch(access, in: slot, rules)
  }
}
