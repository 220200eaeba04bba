// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

/// Eager splitting of blocks (KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE) and its cache of table pages.
///
/// The kernel walks in steps of the chunk and tops the cache up to `capacity` before any step
/// that finds less in it, for which it drops the lock.
public struct SplitPlan: Hashable, Sendable {
  /// The step: a supported block size or the page size.
  public let chunk: ByteCount
  /// Table pages that one step may need.
  public let capacity: Int64
  /// Table pages in the cache now; the cache outlives the operation.
  public internal(set) var cached: Int64

  /// Creates a plan with an empty cache; refuses a chunk that the capability refuses, and
  /// releases before 6.5.
  public init(
    chunk: ByteCount,
    granule: Granule,
    release: ReleaseRules,
    cached: Int64 = 0
  ) throws(PageTableError) {
    guard release.eagerSplit else {
      throw .unsupported(
        feature: "eager splitting",
        release: release.release,
        since: KernelRelease(major: 6, minor: 5)
      )
    }
    let legal = Self.legalChunks(granule)
    guard legal.contains(chunk) else {
      throw .illegalSplitChunk(chunk, granule: granule, legal: legal)
    }
    self.chunk = chunk
    let largest = granule == .size4K ? chunk.divided(roundedUpBy: .gibibytes(1)) : 0
    capacity = largest + chunk.divided(roundedUpBy: granule.entrySize(level: 2))
    self.cached = cached
  }

  /// The chunks that the capability takes: the page and every block size.
  public static func legalChunks(_ granule: Granule) -> [ByteCount] {
    (granule.minimumBlockLevel...3).reversed().map { granule.entrySize(level: $0) }
  }
}

/// Split: a block becomes a table of pages, or of smaller blocks where the cache is short.
struct SplitEntries: EntryRule {
  let granule: Granule
  /// Table pages that one step may use.
  let capacity: Int64
  private let entries: Int64

  init(granule: Granule, capacity: Int64) {
    self.granule = granule
    self.capacity = capacity
    entries = Int64(granule.entriesPerTable)
  }

  var visitsTables: Bool { false }

  func leaf(_ entry: Entry, level: Int) -> (after: Entry, tally: Tally) {
    guard case .leaf = entry, level < 3 else {
      return (entry, .leafVisit(invalid: entry == .hole || entry == .annotated))
    }
    var tally = Tally.leafVisit(invalid: false)
    tally.changed = 1
    tally.puts = 1
    let whole = level == 2 || capacity >= pagesBelow(level)
    let table = whole ? subtree(level + 1, entry) : nextLevel(level + 1, entry)
    tally.tablesAdded = table.tables + 1
    tally.tableLoops = table.tables + 1
    tally.built = table.visits
    return (.table(table), tally)
  }

  /// Table pages that a block at `level` needs to become pages.
  private func pagesBelow(_ level: Int) -> Int64 {
    level >= 3 ? 0 : 1 + (level == 2 ? 0 : entries * pagesBelow(level + 1))
  }

  private func nextLevel(_ level: Int, _ leaf: Entry) -> Table {
    Table(level: level, entries: granule.entriesPerTable, of: leaf)
  }

  private func subtree(_ level: Int, _ leaf: Entry) -> Table {
    let entry = level == 3 ? leaf : .table(subtree(level + 1, leaf))
    return Table(level: level, entries: granule.entriesPerTable, of: entry)
  }
}

extension StageTwo {
  /// Splits the blocks of a range into pages, step by step.
  ///
  /// The plan's cache is left as the kernel leaves it. The lock is dropped before a step that has
  /// to fill the cache: `lockDrops` of the chunk counts it; drops for need_resched come on top.
  public mutating func split(
    _ range: AddressRange,
    _ rules: StageTwoRules,
    plan: inout SplitPlan
  ) throws(PageTableError) -> ChunkSequence {
    try geometry.check(range)
    var optional: SplitPlan? = plan
    let chunks = try splitSteps(range, rules, &optional)
    if let optional { plan = optional }
    return ChunkSequence(chunks: chunks, mayYield: false)
  }

  /// The steps of a split, each with the lock drop that comes before it.
  mutating func splitSteps(
    _ range: AddressRange,
    _ rules: StageTwoRules,
    _ plan: inout SplitPlan?
  ) throws(PageTableError) -> RunTree<Chunk> {
    guard let given = plan else { return RunTree() }
    let sweeper = Sweeper(
      geometry: geometry,
      rule: SplitEntries(granule: geometry.granule, capacity: given.capacity),
      chunkShift: given.chunk.rawValue.trailingZeroBitCount
    )
    let sweep = sweeper.sweep(root, Int64(range.start.rawValue), Int64(range.end.rawValue))
    if let after = sweep.after { root = after }
    var cache = SplitCache(plan: given)
    let sequences = rules.sequences(geometry.granule)
    let steps = cache.steps(sweep.trail).map { splitStep($0, sequences) }
    plan?.cached = cache.cached
    return steps
  }
}

/// A step with whether the lock was dropped before it.
private struct CachedStep: Hashable, Sendable {
  let tally: Tally
  let drops: Bool
}

/// Follows the cache of table pages through the steps of a split.
private struct SplitCache {
  let capacity: Int64
  var cached: Int64

  init(plan: SplitPlan) {
    capacity = plan.capacity
    cached = plan.cached
  }

  /// Marks the steps before which the cache is filled.
  ///
  /// A repeated stretch is looked at twice at
  /// most: after its first turn the cache stands as it will at the end of every turn.
  mutating func steps(_ trail: RunTree<Tally>) -> RunTree<CachedStep> {
    var result = RunTree<CachedStep>()
    for item in trail.items {
      switch item {
      case .one(let tally, let repeats):
        result.append(step(tally))
        guard repeats > 1 else { continue }
        result.append(step(tally), repeats - 1)
      case .many(let tree, let repeats):
        result.append(steps(tree))
        guard repeats > 1 else { continue }
        result.append(steps(tree), repeats - 1)
      }
    }
    return result
  }

  private mutating func step(_ tally: Tally) -> CachedStep {
    let drops = cached < capacity
    cached = max(cached, capacity) - tally.tablesAdded
    return CachedStep(tally: tally, drops: drops)
  }
}

/// The events of one step.
private func splitStep(_ step: CachedStep, _ sequences: FlushSequences) -> Chunk {
  let tally = step.tally
  var counts = EventCounts()
  counts.walkCalls = 1
  counts.splitCalls = 1
  counts.lockDrops = step.drops ? 1 : 0
  counts.tableLoops = tally.tableLoops
  counts.splitVisits = tally.leafVisits
  counts.invalidVisits = tally.invalidVisits
  counts.mapVisits = tally.built
  counts.entriesBuilt = tally.built
  counts.tablesAllocated = tally.tablesAdded
  counts.putPage = tally.puts
  // A split ends with a barrier that publishes the entries.
  counts.dsbISHST = 1
  sequences.ipa(tally.changed, into: &counts)
  return Chunk(span: ByteCount(rawValue: tally.span), counts: counts)
}
