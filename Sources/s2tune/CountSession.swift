// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Policies
import Quantities

/// A VM as `count` drives it: its tables, its slots with logging, and the policy it runs under.
struct CountSession {
  /// A slot with logging on.
  private struct Logged {
    let range: AddressRange
    /// Manual protection with all bits set at the start, where CLEAR also splits.
    let isInitset: Bool
    var dirty: DirtyPages
  }

  /// What one operation did.
  struct Outcome {
    var chunks: Int64 = 0
    var counts = EventCounts.zero

    mutating func add(_ sequence: ChunkSequence) {
      chunks += sequence.chunkCount
      counts += sequence.total
    }
  }

  private var tables: StageTwo
  private let rules: StageTwoRules
  private let policy: Policy
  private var logged: [Logged] = []
  private var plan: SplitPlan?

  private var granule: Granule { tables.geometry.granule }

  /// The most calls that a slice or a CLEAR range may cut an operation into.
  private static let callLimit: Int64 = 1_000_000

  init(_ tables: StageTwo, _ rules: StageTwoRules, _ policy: Policy) throws {
    self.tables = tables
    self.rules = rules
    self.policy = policy
    guard policy.eagerSplit > .zero else { return }
    plan = try SplitPlan(chunk: policy.eagerSplit, granule: granule, release: rules.release)
  }

  /// Does one operation on what the ones before left.
  mutating func run(_ operation: CountScript.Operation) throws -> Outcome {
    var outcome = Outcome()
    switch (operation.verb, operation.target) {
    case (.destroy, _):
      outcome.add(tables.destroy(rules))
      logged = []
    case (.read, .memory(let range, let level)):
      outcome.counts = try touch(range, level, isWrite: false)
    case (.write, .memory(let range, let level)):
      outcome.counts = try touch(range, level, isWrite: true)
    case (.zeroPage, .address(let address)):
      let page = AddressRange(start: address.alignedDown(to: granule.page), size: granule.page)
      let slot = slot(of: page, hostLevel: 3)
      outcome.counts = try tables.writeToZeroPage(at: address, in: slot, rules)
    case (.dontNeed, .advised(let range, let page)):
      let backing = page.map(HostBacking.hugetlb) ?? .pages
      for part in try parts(range, policy.slice) {
        let counts = try tables.dontNeed(part, of: backing, rules)
        outcome.counts += counts
        outcome.chunks += counts.unmapCalls
      }
    case (.clearLog, .mask(let address, let bits)):
      try clear(address, bits, &outcome)
    case (let verb, .range(let range)): try run(verb, range, &outcome)
    default: preconditionFailure("the script gives every verb its target")
    }
    return outcome
  }

  private mutating func run(
    _ verb: CountScript.Verb,
    _ range: AddressRange,
    _ outcome: inout Outcome
  ) throws {
    switch verb {
    case .unmap, .memslotDelete: try unmap(range, rules, &outcome)
    case .unmapNonblocking:
      var rules = rules
      rules.mayYield = false
      try unmap(range, rules, &outcome)
    case .writeProtect: outcome.add(try tables.writeProtect(slot: range, rules))
    case .logOn, .logOnInitset: try logOn(range, isInitset: verb == .logOnInitset, &outcome)
    case .logOff: logged.remove(at: try index(of: range))
    case .getLog, .ringReset: try harvest(range, isRing: verb == .ringReset, &outcome)
    case .clearLog:
      for part in try parts(range, policy.clearRange) { try clear(part, &outcome) }
    case .split:
      guard plan != nil else {
        throw Failure.usage("split needs a size; write --policy split=2MiB")
      }
      try split(range, &outcome)
    case .read, .write, .zeroPage, .dontNeed, .destroy:
      preconditionFailure("the script gives every verb its target")
    }
  }

  // MARK: - Faults

  private mutating func touch(
    _ range: AddressRange,
    _ hostLevel: Int,
    isWrite: Bool
  ) throws -> EventCounts {
    let access = GuestAccess(range: range, stride: granule.page, isWrite: isWrite)
    let counts = try tables.touch(access, in: slot(of: range, hostLevel: hostLevel), rules)
    if isWrite, let index = logged.firstIndex(where: { $0.range.holds(range) }) {
      logged[index].dirty.insert(pages(range, of: logged[index].range))
    }
    return counts
  }

  /// The logged slot that holds a range, or a slot of its own.
  private func slot(of range: AddressRange, hostLevel: Int) -> MemorySlot {
    let found = logged.first { $0.range.holds(range) }
    var slot = MemorySlot(range: found?.range ?? range, hostLevel: hostLevel)
    slot.isLogging = found != nil
    return slot
  }

  private func pages(_ range: AddressRange, of slot: AddressRange) -> Range<Int64> {
    let page = granule.page.rawValue
    let first = (range.start - slot.start).rawValue / page
    return first..<first + range.size.rawValue / page
  }

  // MARK: - Unmap

  private mutating func unmap(
    _ range: AddressRange,
    _ rules: StageTwoRules,
    _ outcome: inout Outcome
  ) throws {
    for part in try parts(range, policy.slice) { outcome.add(try tables.unmap(part, rules)) }
  }

  /// A range in pieces of a size from its start on.
  private func parts(_ range: AddressRange, _ size: ByteCount?) throws -> [AddressRange] {
    guard let size, size < range.size else { return [range] }
    let count = range.size.divided(roundedUpBy: size)
    guard count <= Self.callLimit else {
      throw Failure.usage("pieces of \(size) cut \(range) into \(count) calls; write larger ones")
    }
    return (0..<count).map { index in
      let start = range.start + size * index
      return AddressRange(start: start, end: min(start + size, range.end))
    }
  }

  // MARK: - Dirty logging

  private func index(of slot: AddressRange) throws -> Int {
    guard let index = logged.firstIndex(where: { $0.range == slot }) else {
      throw Failure.usage("no logging on \(slot); write --op log-on:RANGE before")
    }
    return index
  }

  private mutating func logOn(
    _ range: AddressRange,
    isInitset: Bool,
    _ outcome: inout Outcome
  ) throws {
    guard !logged.contains(where: { $0.range.intersection(range) != nil }) else {
      throw Failure.usage("\(range) overlaps a slot with logging; write a slot of its own")
    }
    var slot = Logged(range: range, isInitset: isInitset, dirty: DirtyPages())
    if isInitset {
      slot.dirty = DirtyPages(pages(range, of: range))
    } else {
      outcome.add(try tables.writeProtect(slot: range, rules))
      if plan != nil { try split(range, &outcome) }
    }
    logged.append(slot)
  }

  private mutating func split(_ range: AddressRange, _ outcome: inout Outcome) throws {
    guard var filling = plan else { return }
    outcome.add(try tables.split(range, rules, plan: &filling))
    plan = filling
  }

  private mutating func harvest(
    _ range: AddressRange,
    isRing: Bool,
    _ outcome: inout Outcome
  ) throws {
    let index = try index(of: range)
    if isRing, !rules.release.dirtyRing {
      throw PageTableError.unsupported(
        feature: "dirty ring",
        release: rules.release.release,
        since: KernelRelease(major: 6, minor: 2)
      )
    }
    let dirty = logged[index].dirty
    logged[index].dirty = DirtyPages()
    outcome.add(
      try tables.harvest(dirty, of: range, rules, flush: isRing ? .ring : .slot)
    )
  }

  /// One CLEAR of the dirty pages in a part of a slot.
  private mutating func clear(_ range: AddressRange, _ outcome: inout Outcome) throws {
    guard let index = logged.firstIndex(where: { $0.range.holds(range) }) else {
      throw Failure.usage("no logging on \(range); write --op log-on:RANGE before")
    }
    let slot = logged[index]
    let asked = pages(range, of: slot.range)
    guard asked.lowerBound % DirtyPages.wordPages == 0,
      asked.upperBound % DirtyPages.wordPages == 0 || range.end == slot.range.end
    else {
      throw Failure.data("CLEAR takes whole words of 64 pages of a slot; \(range) is not")
    }
    var cleared = DirtyPages()
    var left = DirtyPages()
    for stretch in slot.dirty.stretches {
      cleared.insert(stretch.clamped(to: asked))
      left.insert(stretch.clamped(to: 0..<asked.lowerBound))
      left.insert(stretch.clamped(to: asked.upperBound..<Int64.max))
    }
    logged[index].dirty = left
    try clear(cleared, slot, &outcome)
  }

  /// One CLEAR of the pages in a mask, dirty or not.
  private mutating func clear(
    _ address: GuestAddress,
    _ bits: UInt64,
    _ outcome: inout Outcome
  ) throws {
    let word = AddressRange(start: address, size: granule.page * DirtyPages.wordPages)
    let slot =
      logged.first { $0.range.holds(word) }
      ?? Logged(range: word, isInitset: false, dirty: DirtyPages())
    let first = pages(word, of: slot.range).lowerBound
    guard first % DirtyPages.wordPages == 0 else {
      throw Failure.data(
        "a mask covers one word of 64 pages of its slot; \(address) is not its start"
      )
    }
    var pages = DirtyPages()
    for bit in Int64(0)..<64 where bits >> UInt64(bit) & 1 == 1 {
      pages.insert(first + bit..<first + bit + 1)
    }
    try clear(pages, slot, &outcome)
  }

  private mutating func clear(
    _ pages: DirtyPages,
    _ slot: Logged,
    _ outcome: inout Outcome
  ) throws {
    var filling = slot.isInitset ? plan : nil
    outcome.add(try tables.harvest(pages, of: slot.range, rules, plan: &filling))
    if slot.isInitset { plan = filling }
  }
}

extension AddressRange {
  /// Whether another range lies inside this one.
  fileprivate func holds(_ other: Self) -> Bool { start <= other.start && other.end <= end }
}
