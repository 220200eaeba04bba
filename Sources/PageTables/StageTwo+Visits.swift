// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

/// Where an unmap stands that is done piece by piece, for chunks that end on time or on work.
public struct UnmapCursor: Hashable, Sendable {
  /// The first address not yet dealt with.
  public fileprivate(set) var position: GuestAddress
  /// The address after the last to deal with.
  public let end: GuestAddress
  /// The rules of the unmap; the chunk rule still bounds every step.
  public let rules: StageTwoRules

  /// Whether nothing is left.
  public var isDone: Bool { position >= end }

  /// Whether a break point follows the step that led here.
  public var offersBreak: Bool { rules.mayYield && !isDone }

  /// Starts at the beginning of a range.
  public init(range: AddressRange, rules: StageTwoRules) {
    position = range.start
    end = range.end
    self.rules = rules
  }
}

extension StageTwo {
  /// Does one walker call of at most `visits` callbacks (and those of the tables it ends in),
  /// not going beyond the chunk that the rules allow, and moves the cursor behind it.
  ///
  /// The cursor must not be done; `visits` is at least one.
  public mutating func advance(
    _ cursor: inout UnmapCursor,
    visits: Int64
  ) throws(PageTableError) -> Chunk {
    precondition(!cursor.isDone, "the cursor has nothing left to do")
    guard visits > 0 else { throw .illegalBudget(Int(visits)) }
    let costs = UnmapCosts(rules: cursor.rules, granule: geometry.granule)
    return try step(&cursor, visits: visits, sweeper: unmapSweeper, costs.chunk)
  }

  private var unmapSweeper: Sweeper<UnmapEntries> {
    Sweeper(geometry: geometry, rule: UnmapEntries(granule: geometry.granule))
  }

  /// Where the cursor's chunk ends at the latest.
  private func chunkEnd(_ cursor: UnmapCursor) throws(PageTableError) -> Int64 {
    try geometry.check(AddressRange(start: cursor.position, end: cursor.end))
    let end = Int64(cursor.end.rawValue)
    guard let shift = try cursor.rules.chunkShift(geometry).map(Int64.init) else { return end }
    return min(end, ((Int64(cursor.position.rawValue) >> shift) + 1) << shift)
  }

  private mutating func step<Rule: EntryRule>(
    _ cursor: inout UnmapCursor,
    visits: Int64,
    sweeper: Sweeper<Rule>,
    _ chunk: (Tally) -> Chunk
  ) throws(PageTableError) -> Chunk {
    let start = Int64(cursor.position.rawValue)
    let end = try chunkEnd(cursor)
    var budget = visits
    var (tally, after, reached) = sweeper.walk(root, start, end, budget: &budget)
    if let after { root = after }
    tally.span = reached - start
    tally.extent = tally.extent.shifted(-start)
    tally.residue = cursor.rules.features.largeAddresses ? start & 0xFFFF : 0
    cursor.position = GuestAddress(rawValue: UInt64(reached))
    return chunk(tally)
  }

  /// The calls of an unmap with a work budget a chunk.
  mutating func unmapByVisits(_ range: AddressRange, _ rules: StageTwoRules) -> RunTree<Tally> {
    walkByVisits(range, rules, sweeper: unmapSweeper)
  }

  /// Walks a range in calls of as many visits as the chunk rule has, each distinct table once for
  /// every number of visits that is left where a call comes to it.
  mutating func walkByVisits<Rule: EntryRule>(
    _ range: AddressRange,
    _ rules: StageTwoRules,
    sweeper: Sweeper<Rule>
  ) -> RunTree<Tally> {
    guard case .visits(let visits) = rules.chunk, !range.isEmpty else { return RunTree() }
    let sweep = VisitSweep(
      sweeper: sweeper,
      visits: Int64(visits),
      tracksResidue: rules.features.largeAddresses
    )
    let (low, high) = (Int64(range.start.rawValue), Int64(range.end.rawValue))
    let found = sweep.sweep(root, low, high)
    if let after = found.after { root = after }
    return found.calls
  }
}
