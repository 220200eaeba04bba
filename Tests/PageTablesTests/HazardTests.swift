// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
import Testing

@testable import PageTables

/// Each hazard with a discipline that trips it and one that does not.
@Suite struct HazardTests {
  static let base = Int64(1) << 40
  static let gibibyte = Int64(1) << 30
  static let mebibyte = Int64(1) << 20

  let geometry: StageTwoGeometry

  init() throws { geometry = try StageTwoGeometry(granule: .size4K, ipaBits: 48) }

  func discipline(
    _ release: KernelRelease = KernelRelease(major: 6, minor: 12),
    _ features: CPUFeatures = CPUFeatures(
      forcedWriteBack: true,
      rangeTLBI: true,
      levelHint: true
    )
  ) throws -> BatchDiscipline {
    BatchDiscipline(try StageTwoRules(release, features))
  }

  func leaves(_ low: Int64, _ high: Int64, _ level: Int) -> [Mapping] {
    [Mapping(range: AddressRange(low, high), level: level)]
  }

  func found(
    _ discipline: BatchDiscipline,
    _ mappings: [Mapping],
    _ model: TLBModel,
    _ work: (EventWalker) -> Void
  ) -> [Hazard] {
    let walker = EventWalker(geometry: geometry, discipline: discipline, mappings: mappings)
    work(walker)
    var oracle = StaleEntryOracle(model: model)
    for event in walker.events { oracle.apply(event) }
    return oracle.found.sorted()
  }

  /// What is found in either TLB model, which must be the same.
  func foundInBoth(
    _ discipline: BatchDiscipline,
    _ mappings: [Mapping],
    _ work: (EventWalker) -> Void
  ) -> [Hazard] {
    let spans = found(discipline, mappings, .leafSpan, work)
    #expect(found(discipline, mappings, .fragments, work) == spans)
    return spans
  }

  var bigLeaf: [Mapping] { leaves(Self.base, Self.base + Self.gibibyte, 1) }
  var firstChunks: Range<Int64> { Self.base..<Self.base + 8 * Self.mebibyte }

  // MARK: - 1

  @Test func aConditionalFlushWithSmallChunksLeavesTheRestOfABigLeaf() throws {
    var both = try discipline()
    both.rules.chunk = .smallestBlock
    both.rules.flush = .deferredIfCleared(.call)
    #expect(
      found(both, bigLeaf, .fragments) { $0.unmap(firstChunks) } == [.conditionalFlushBelowLeaf]
    )
    // Where an entry covers its leaf, the first flush already removes it.
    #expect(found(both, bigLeaf, .leafSpan) { $0.unmap(firstChunks) } == [])
  }

  @Test func aConditionalFlushOverTheClearedLeavesIsSafe() throws {
    var spans = try discipline()
    spans.rules.chunk = .smallestBlock
    spans.rules.flush = .deferredIfCleared(.clearedLeaves)
    var aware = try discipline()
    aware.rules.chunk = .mappingAware(.mebibytes(2))
    aware.rules.flush = .deferredIfCleared(.call)
    let whole = Self.base..<Self.base + Self.gibibyte
    for discipline in [spans, aware] {
      for model in TLBModel.allCases {
        #expect(found(discipline, bigLeaf, model) { $0.unmap(whole) } == [])
      }
    }
  }

  @Test func eachIngredientAloneIsSafe() throws {
    var small = try discipline()
    small.rules.chunk = .smallestBlock
    var conditional = try discipline()
    conditional.rules.flush = .deferredIfCleared(.call)
    let whole = Self.base..<Self.base + Self.gibibyte
    for discipline in [small, conditional] {
      for model in TLBModel.allCases {
        #expect(found(discipline, bigLeaf, model) { $0.unmap(whole) } == [])
      }
    }
  }

  /// Two notifiers for two halves of a leaf: the second finds nothing and skips its flush.
  @Test func aConditionalFlushForgetsALeafThatIsTakenBackInParts() throws {
    var conditional = try discipline()
    conditional.rules.flush = .deferredIfCleared(.call)
    let half = Self.base + Self.gibibyte / 2
    let parts: (EventWalker) -> Void = {
      $0.unmap(Self.base..<half)
      $0.unmap(half..<Self.base + Self.gibibyte)
    }
    #expect(found(conditional, bigLeaf, .fragments, parts) == [.conditionalFlushBelowLeaf])
    #expect(found(try discipline(), bigLeaf, .fragments, parts) == [])
  }

  // MARK: - 2

  @Test(arguments: [(true, [Hazard.flushCarriedOverBreak]), (false, [])])
  func aFlushKeptOverABreakMeetsNewEntries(_ carries: Bool, hazards: [Hazard]) throws {
    var discipline = try discipline()
    discipline.rules.chunk = .smallestBlock
    discipline.carriesFlush = carries
    discipline.tableFree = carries ? .afterCallFlush : .afterOwnFlush
    discipline.admitsFaults = true
    let mappings = leaves(Self.base, Self.base + 8 * Self.mebibyte, 2)
    for model in TLBModel.allCases {
      #expect(found(discipline, mappings, model) { $0.unmap(firstChunks) } == hazards)
    }
    // Where no fault can enter, the flush may wait: it still comes before the return.
    discipline.admitsFaults = false
    #expect(found(discipline, mappings, .fragments) { $0.unmap(firstChunks) } == [])
  }

  // MARK: - 3

  @Test(arguments: [
    (6, 6, [Hazard.tableFreedBeforeFlush]), (6, 8, [.tableFreedBeforeFlush]), (6, 9, []),
  ])
  func aTableFreedAtOnceNeedsItsFlushAtOnce(
    _ major: Int,
    minor: Int,
    hazards: [Hazard]
  ) throws {
    var discipline = try discipline(KernelRelease(major: major, minor: minor))
    discipline.rangeHint = nil
    let pages = leaves(Self.base, Self.base + 2 * Self.mebibyte, 3)
    let range = Self.base..<Self.base + 2 * Self.mebibyte
    #expect(foundInBoth(discipline, pages) { $0.unmap(range) } == hazards)
    discipline.tableFree = .afterCallFlush
    #expect(foundInBoth(discipline, pages) { $0.unmap(range) } == [])
  }

  // MARK: - 4

  @Test func aTablesLevelIsNoHintForIt() throws {
    let features = CPUFeatures(forcedWriteBack: true, levelHint: true)
    let pages = leaves(Self.base, Self.base + 2 * Self.mebibyte, 3)
    let range = Self.base..<Self.base + 2 * Self.mebibyte
    let old = try discipline(KernelRelease(major: 6, minor: 1), features)
    #expect(foundInBoth(old, pages) { $0.unmap(range) } == [.levelHint])
    var without = features
    without.levelHint = false
    let plain = try discipline(KernelRelease(major: 6, minor: 1), without)
    #expect(foundInBoth(plain, pages) { $0.unmap(range) } == [])
    let new = try discipline(KernelRelease(major: 6, minor: 9), features)
    #expect(foundInBoth(new, pages) { $0.unmap(range) } == [])
  }

  @Test func aMergedFlushOfMixedLevelsNeedsNoHint() throws {
    var hinted = try discipline()
    hinted.rangeHint = 3
    let mixed =
      leaves(Self.base, Self.base + 2 * Self.mebibyte, 3)
      + leaves(Self.base + 2 * Self.mebibyte, Self.base + 4 * Self.mebibyte, 2)
    let range = Self.base..<Self.base + 4 * Self.mebibyte
    #expect(foundInBoth(hinted, mixed) { $0.unmap(range) } == [.levelHint])
    #expect(foundInBoth(try discipline(), mixed) { $0.unmap(range) } == [])
  }

  // MARK: - 5

  @Test func aFlushFromTheCursorMissesTheFront() throws {
    let pages = leaves(Self.base, Self.base + 2 * Self.mebibyte, 3)
    var cursor = try discipline()
    cursor.extent = .cursor
    let fault: (EventWalker) -> Void = { $0.rebuildBlock(at: Self.base + Self.mebibyte) }
    for model in TLBModel.allCases {
      #expect(found(cursor, pages, model, fault) == [.flushExtent])
      #expect(found(try discipline(), pages, model, fault) == [])
    }
  }

  // MARK: - 6

  @Test(arguments: [(6, 6, [Hazard.rangeOperand]), (6, 8, [.rangeOperand]), (6, 9, [])])
  func exactlyTheLargestRangeDidNotFit(_ major: Int, minor: Int, hazards: [Hazard]) throws {
    var discipline = try discipline(KernelRelease(major: major, minor: minor))
    discipline.rangeHint = nil
    let slot = Self.base..<Self.base + 8 * Self.gibibyte
    let blocks = leaves(slot.lowerBound, slot.upperBound, 1)
    for model in TLBModel.allCases {
      #expect(found(discipline, blocks, model) { $0.protect(slot) } == hazards)
      let smaller = Self.base..<Self.base + 7 * Self.gibibyte
      #expect(found(discipline, blocks, model) { $0.protect(smaller) } == [])
    }
  }

  // MARK: - 7

  @Test func destroyInPartsNeedsReferenceCountsAndWholeLeaves() throws {
    let range = Self.base..<Self.base + 2 * Self.gibibyte
    let pages =
      leaves(Self.base, Self.base + 4096, 3)
      + leaves(Self.base + Self.gibibyte, Self.base + Self.gibibyte + 4096, 3)
    var chunked = try discipline()
    chunked.rules.destroy = .chunked
    #expect(foundInBoth(chunked, pages) { $0.destroy(range) } == [.walkerNotIdempotent])
    chunked.destroyCountsReferences = true
    #expect(foundInBoth(chunked, pages) { $0.destroy(range) } == [])
    chunked.destroyChunk = 2 * Self.mebibyte
    let blocks = leaves(range.lowerBound, range.upperBound, 1)
    #expect(foundInBoth(chunked, blocks) { $0.destroy(range) } == [.walkerNotIdempotent])
    #expect(foundInBoth(try discipline(), blocks) { $0.destroy(range) } == [])
  }

  // MARK: - 8

  @Test func cleaningBeforeTheFlushLosesWrites() throws {
    var deferred = try discipline(
      KernelRelease(major: 6, minor: 12),
      CPUFeatures(rangeTLBI: true)
    )
    let stock = deferred
    deferred.rules.flush = .deferredRange
    let blocks = leaves(Self.base, Self.base + 4 * Self.mebibyte, 2)
    let range = Self.base..<Self.base + 4 * Self.mebibyte
    #expect(foundInBoth(stock, blocks) { $0.unmap(range) } == [])
    #expect(foundInBoth(deferred, blocks) { $0.unmap(range) } == [.cleanBeforeFlush])
    deferred.cleansAfterFlush = true
    #expect(foundInBoth(deferred, blocks) { $0.unmap(range) } == [])
  }

  // MARK: - 9

  @Test func theFlushComesBeforeTheReturn() throws {
    var late = try discipline()
    late.flushesAfterReturn = true
    late.tableFree = .afterCallFlush
    let blocks = leaves(Self.base, Self.base + 4 * Self.mebibyte, 2)
    let range = Self.base..<Self.base + 4 * Self.mebibyte
    for model in TLBModel.allCases {
      #expect(found(late, blocks, model) { $0.unmap(range) } == [.returnBeforeFlush])
      #expect(found(late, blocks, model) { $0.protect(range) } == [.returnBeforeFlush])
      #expect(found(try discipline(), blocks, model) { $0.unmap(range) } == [])
      #expect(found(try discipline(), blocks, model) { $0.protect(range) } == [])
    }
  }

  // MARK: - 10

  @Test(arguments: [(true, [Hazard.staleStateAfterBreak]), (false, [])])
  func whatWasEmptyBeforeABreakMayBeFullAfterIt(_ remembers: Bool, hazards: [Hazard]) throws {
    var discipline = try discipline()
    discipline.rules.chunk = .smallestBlock
    discipline.remembersEmptyParts = remembers
    discipline.admitsFaults = true
    let pages = leaves(Self.base, Self.base + 2 * Self.mebibyte, 3)
    let hazardsFound = foundInBoth(discipline, pages) {
      $0.faultAtBreak = Self.base + 6 * Self.mebibyte
      $0.unmap(firstChunks)
    }
    #expect(hazardsFound == hazards)
  }

  @Test(arguments: [
    (LockBreak(needsReschedule: true), true), (LockBreak(), false),
    (LockBreak(needsReschedule: true, locksHeld: 2), false),
    (LockBreak(needsLazyReschedule: true), false),
    (LockBreak(isContended: true, isPreemptible: false), false),
    (LockBreak(isContended: true, isPreemptible: true), true),
    (LockBreak(isContended: true, isPreemptible: true, locksHeld: 2), true),
  ])
  func aBreakFiresOnlyOnItsCondition(_ state: LockBreak, fires: Bool) {
    #expect(state.fires == fires)
  }
}

@Suite struct HazardVerdictTests {
  static let graviton = CPUFeatures(forcedWriteBack: true, levelHint: true)
  static let ranged = CPUFeatures(forcedWriteBack: true, rangeTLBI: true, levelHint: true)

  func verdict(
    _ major: Int,
    _ minor: Int,
    _ features: CPUFeatures,
    granule: Granule = .size4K,
    _ change: (inout StageTwoRules) -> Void = { _ in }
  ) throws -> HazardVerdict {
    var rules = try StageTwoRules(KernelRelease(major: major, minor: minor), features)
    change(&rules)
    return try HazardVerdict(rules, granule: granule)
  }

  @Test func theTwoIdeasOfTheThreadAreUnsafeTogether() throws {
    let both = try verdict(6, 12, Self.ranged) {
      $0.chunk = .smallestBlock
      $0.flush = .deferredIfCleared(.call)
    }
    #expect(!both.isSafe)
    #expect(both.introduced.map(\.hazard) == [.conditionalFlushBelowLeaf])
    #expect(both.introduced.first?.models == [.fragments])
    #expect(both.sentence.contains("skip their flush"))
    #expect(both.sentence.contains("5994bc9e05c2"))
    let small = try verdict(6, 12, Self.ranged) { $0.chunk = .smallestBlock }
    let conditional = try verdict(6, 12, Self.ranged) { $0.flush = .deferredIfCleared(.call) }
    #expect(small.isSafe)
    #expect(conditional.isSafe)
    #expect(small.sentence.hasPrefix("safe"))
  }

  /// With 16K and 64K pages the smallest block is the only one, so the two are harmless together.
  @Test(arguments: [Granule.size16K, .size64K])
  func theyAreSafeWhereOnlyOneBlockExists(_ granule: Granule) throws {
    let both = try verdict(6, 12, Self.ranged, granule: granule) {
      $0.chunk = .smallestBlock
      $0.flush = .deferredIfCleared(.call)
    }
    #expect(both.isSafe)
  }

  @Test(arguments: [
    (5, 10, false, [Hazard.levelHint]), (6, 1, false, [.levelHint]),
    (6, 6, true, [.tableFreedBeforeFlush, .rangeOperand]), (6, 12, true, []),
    (7, 3, true, []), (7, 3, false, []),
  ])
  func knowsTheKernelsOwn(
    _ major: Int,
    minor: Int,
    ranged: Bool,
    hazards: [Hazard]
  ) throws {
    let verdict = try verdict(major, minor, ranged ? Self.ranged : Self.graviton)
    #expect(verdict.findings.map(\.hazard) == hazards)
    #expect(verdict.isSafe)
  }

  @Test func deferringWithoutForcedWriteBackIsUnsafe() throws {
    let plain = CPUFeatures(rangeTLBI: true)
    let verdict = try verdict(6, 12, plain) { $0.flush = .deferredRange }
    #expect(verdict.introduced.map(\.hazard) == [.cleanBeforeFlush])
  }

  @Test func noFlushAtAllIsUnsafe() throws {
    let verdict = try verdict(6, 12, Self.ranged) { $0.flush = .none }
    #expect(verdict.introduced.map(\.hazard) == [.tableFreedBeforeFlush, .returnBeforeFlush])
    var rules = try StageTwoRules(KernelRelease(major: 6, minor: 12), Self.ranged)
    rules.flush = .none
    #expect(try HazardVerdict(rules, granule: .size4K, guestCanRun: false).isSafe)
  }

  @Test func chunkedDestroyNeedsTheNewWalker() throws {
    let old = try verdict(6, 12, Self.ranged) { $0.destroy = .chunked }
    #expect(old.introduced.map(\.hazard) == [.walkerNotIdempotent])
    #expect(try verdict(6, 19, Self.ranged).isSafe)
  }

  @Test(arguments: [
    ChunkRule.rootEntry, .largestBlock, .smallestBlock, .fixed(.kibibytes(4)),
    .fixed(.mebibytes(64)), .mappingAware(.mebibytes(2)), .visits(100),
  ])
  func chunksAloneAreSafe(_ chunk: ChunkRule) throws {
    for features in [Self.graviton, Self.ranged, CPUFeatures()] {
      #expect(try verdict(6, 12, features) { $0.chunk = chunk }.isSafe)
    }
  }
}
