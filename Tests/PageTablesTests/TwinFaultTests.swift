// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
import TestSupport
import Testing

@testable import PageTables

/// Guest faults, dirty logging, eager splitting and the cursor against the twin.
@Suite struct TwinFaultTests {
  /// A memory slot that holds the spot of a mapping, and more.
  static func slot(_ world: inout RandomWorld) -> MemorySlot {
    let page = world.geometry.granule.page.rawValue
    let block = world.geometry.granule.entrySize(level: 2).rawValue
    let (low, _) = world.range(block)
    let step = world.below(2) == 0 ? page : block
    let start = max(0, low / step * step - Int64(world.below(3)) * step)
    let size = step == page ? page * Int64(64 + world.below(3_000)) : block * 3
    let range = AddressRange(start, min(world.geometry.space, start + size))
    let levels = world.geometry.leafLevels
    var slot = MemorySlot(
      range: range,
      hostLevel: levels[world.below(levels.count)],
      isCongruent: world.below(5) > 0
    )
    slot.isLogging = world.below(2) == 0
    return slot
  }

  static func access(_ world: inout RandomWorld, in slot: MemorySlot) -> GuestAccess {
    let page = world.geometry.granule.page
    let pages = slot.range.size.rawValue / page.rawValue
    let stride = page * [1, 1, 2, 3, 64, 700][world.below(6)]
    let reach = min(pages, 1_200 * (stride.rawValue / page.rawValue))
    let first = Int64(world.below(Int(pages)))
    let count = 1 + Int64(world.below(Int(reach)))
    let start = slot.range.start + page * first
    var access = GuestAccess(
      range: AddressRange(start: start, end: min(slot.range.end, start + page * count)),
      stride: stride,
      isWrite: world.below(3) > 0
    )
    access.isHostWritable = world.below(4) > 0
    return access
  }

  @Test(arguments: Property.seeds(600))
  func faultsLikeTheTwin(seed: UInt64) throws {
    var world = try RandomWorld(seed: seed)
    let rules = try world.rules()
    var slot = Self.slot(&world)
    for _ in 0..<3 {
      let access = Self.access(&world, in: slot)
      let fast = try world.tables.touch(access, in: slot, rules)
      let slow = world.twin.touch(access, slot, rules)
      let found = fast.differences(from: slow)
      #expect(found.isEmpty, "S2TUNE_SEED=\(seed) \(slot) \(access) \(rules.release.release)")
      #expect(world.tables.layout() == world.twin.layout(), "S2TUNE_SEED=\(seed)")
      slot.isLogging = world.below(2) == 0
    }
  }

  static func pages(_ world: inout RandomWorld, of slot: MemorySlot) -> Set<Int64> {
    let count = slot.range.size.rawValue / world.geometry.granule.page.rawValue
    var pages: Set<Int64> = []
    for _ in 0..<(1 + world.below(4)) {
      let first = Int64(world.below(Int(count)))
      let length = [1, 3, 64, 400][world.below(4)]
      pages.formUnion(first..<min(count, first + Int64(length)))
    }
    return pages
  }

  @Test(arguments: Property.seeds(200))
  func harvestsAndSplitsLikeTheTwin(seed: UInt64) throws {
    var world = try RandomWorld(seed: seed)
    var rules = try world.rules()
    rules.mayYield = world.below(2) == 0
    let slot = Self.slot(&world)
    let pages = Self.pages(&world, of: slot)
    var dirty = DirtyPages()
    for page in pages.sorted() { dirty.insert(page..<page + 1) }
    let granule = world.geometry.granule
    var plan: SplitPlan?
    if rules.release.eagerSplit, world.below(2) == 0 {
      let legal = SplitPlan.legalChunks(granule)
      let chunk = legal[world.below(legal.count)]
      plan = try SplitPlan(chunk: chunk, granule: granule, release: rules.release)
    }
    let sequence = try world.tables.harvest(dirty, of: slot.range, rules, plan: &plan)
    var cached: Int64 = 0
    let naive = try world.twin.harvest(
      pages.sorted(),
      of: slot.range,
      rules,
      split: plan.map { ($0.chunk.rawValue, $0.capacity) },
      cached: &cached
    )
    let found = TwinTests().differences(sequence, naive)
    #expect(plan == nil || plan?.cached == cached, "S2TUNE_SEED=\(seed)")
    #expect(found.isEmpty, "S2TUNE_SEED=\(seed) \(rules.chunk)")
    #expect(world.tables.layout() == world.twin.layout(), "S2TUNE_SEED=\(seed)")
  }

  /// CLEAR of whole blocks with a split, where regions of one kind are done together.
  @Test(arguments: Property.seeds(60))
  func clearsRegionsLikeTheTwin(seed: UInt64) throws {
    var world = try RandomWorld(seed: seed, granule: [.size16K, .size64K][Int(seed % 2)])
    let granule = world.geometry.granule
    let block = granule.largestBlock.rawValue
    let (near, _) = world.range(block)
    let low = near / block * block
    let slot = AddressRange(low, min(world.geometry.space, low + block * Int64(2 + world.below(3))))
    let release = try ReleaseRules.rules(for: KernelRelease(major: 6, minor: 12))
    let rules = try StageTwoRules(release: release, features: CPUFeatures())
    let legal = SplitPlan.legalChunks(granule)
    let chunk = legal[world.below(legal.count)]
    var plan = try SplitPlan(chunk: chunk, granule: granule, release: release) as SplitPlan?
    let first = world.below(2) == 0 ? 0 : Int64(world.below(200))
    let pages = first..<slot.size.rawValue / granule.page.rawValue - Int64(world.below(70))
    let sequence = try world.tables.harvest(DirtyPages(pages), of: slot, rules, plan: &plan)
    var cached: Int64 = 0
    let capacity = plan?.capacity ?? 0
    let naive = try world.twin.harvest(
      Array(pages),
      of: slot,
      rules,
      split: (chunk.rawValue, capacity),
      cached: &cached
    )
    let found = TwinTests().differences(sequence, naive)
    #expect(found.isEmpty, "S2TUNE_SEED=\(seed) \(chunk)")
    #expect(plan?.cached == cached, "S2TUNE_SEED=\(seed)")
    #expect(world.tables.layout() == world.twin.layout(), "S2TUNE_SEED=\(seed)")
  }

  @Test(arguments: Property.seeds(200))
  func splitsLikeTheTwin(seed: UInt64) throws {
    var world = try RandomWorld(seed: seed)
    let rules = try StageTwoRules(
      KernelRelease(major: 6, minor: 12),
      CPUFeatures(forcedWriteBack: true, rangeTLBI: world.below(2) == 0)
    )
    let granule = world.geometry.granule
    let legal = SplitPlan.legalChunks(granule)
    let chunk = legal[world.below(legal.count)]
    var plan = try SplitPlan(chunk: chunk, granule: granule, release: rules.release)
    var cached: Int64 = 0
    for _ in 0..<2 {
      let (low, high) = world.range(min(chunk.rawValue, 1 << 27))
      let sequence = try world.tables.split(AddressRange(low, high), rules, plan: &plan)
      let naive = world.twin.split(
        low,
        high,
        chunk: chunk.rawValue,
        capacity: plan.capacity,
        cached: &cached
      )
      #expect(TwinTests().differences(sequence, naive).isEmpty, "S2TUNE_SEED=\(seed) \(chunk)")
      #expect(plan.cached == cached, "S2TUNE_SEED=\(seed)")
      #expect(world.tables.layout() == world.twin.layout(), "S2TUNE_SEED=\(seed)")
    }
  }

  /// A cursor that is moved on by any number of visits does what the twin does in as many.
  @Test(arguments: Property.seeds(200))
  func theCursorStepsLikeTheTwin(seed: UInt64) throws {
    var world = try RandomWorld(seed: seed)
    let rules = try world.rules()
    let shift = try rules.chunkShift(world.geometry)
    let (low, high) = world.range(Int64(1) << Int64(shift ?? 30))
    var cursor = UnmapCursor(range: AddressRange(low, high), rules: rules)
    for _ in 0..<60 where !cursor.isDone {
      let visits = Int64(1 + world.below([3, 40, 900][world.below(3)]))
      let start = Int64(cursor.position.rawValue)
      let chunk = try world.tables.advance(&cursor, visits: visits)
      let end = shift.map { min(high, ((start >> Int64($0)) + 1) << Int64($0)) } ?? high
      let naive = world.twin.unmapCall(start, end, visits: visits, rules)
      #expect(chunk.span.rawValue == naive.span, "S2TUNE_SEED=\(seed)")
      let found = chunk.counts.differences(from: naive.counts)
      #expect(found.isEmpty, "S2TUNE_SEED=\(seed) \(visits) visits from \(start)")
      #expect(Int64(cursor.position.rawValue) == start + naive.span)
    }
    #expect(world.tables.layout() == world.twin.layout(), "S2TUNE_SEED=\(seed)")
  }
}
