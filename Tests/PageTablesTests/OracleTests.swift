// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
import Randomness
import TestSupport
import Testing

@testable import PageTables

/// A TLB that is written out page by page, to check the oracle that keeps spans.
struct NaiveTLB {
  private struct Entry {
    var pages: Set<Int64>
    let span: Range<Int64>
    let level: Int?
    let table: Int?
  }

  let model: TLBModel
  private var entries: [Entry] = []
  /// Whether an old entry was live when it could do harm.
  private(set) var isHarmful = false

  init(_ model: TLBModel) { self.model = model }

  private func pages(_ span: Range<Int64>) -> Set<Int64> {
    Set(span.lowerBound >> 12..<span.upperBound >> 12)
  }

  mutating func apply(_ event: WalkEvent) {
    switch event {
    case .cleared(let span, let level), .protected(let span, let level):
      entries.append(Entry(pages: pages(span), span: span, level: level, table: nil))
    case .unlinked(let table, let span):
      entries.append(Entry(pages: [span.lowerBound >> 12], span: span, level: nil, table: table))
    case .freed(let table): if entries.contains(where: { $0.table == table }) { isHarmful = true }
    case .flushEntry(let address, let hint, let isLeaf):
      entries.removeAll { entry in
        guard entry.span.contains(address), hint == nil || hint == entry.level else { return false }
        return isLeaf || entry.table != nil || model == .leafSpan
      }
      if !isLeaf { drop([address >> 12], hint) }
    case .flushRange(let range, _, let hint): flush(range, hint)
    case .flushAll: entries = []
    case .cleaned(let span), .installed(let span): check { $0.span.overlaps(span) }
    case .lockDropped(let done, let admitsFaults):
      if admitsFaults { check { $0.span.overlaps(done) } }
    case .returned(let range, _): check { $0.span.overlaps(range) }
    case .droppedTwice, .freedInUse: isHarmful = true
    }
  }

  private mutating func check(_ isMet: (Entry) -> Bool) {
    if entries.contains(where: { $0.table == nil && isMet($0) }) { isHarmful = true }
  }

  private mutating func flush(_ range: Range<Int64>, _ hint: Int?) {
    entries.removeAll { entry in
      guard hint == nil || hint == entry.level else { return false }
      return entry.span.overlaps(range) && (model == .leafSpan || entry.table != nil)
    }
    drop(pages(range), hint)
  }

  /// Takes fragments of leaves away.
  private mutating func drop(_ gone: Set<Int64>, _ hint: Int?) {
    for index in entries.indices where entries[index].table == nil {
      guard hint == nil || hint == entries[index].level else { continue }
      entries[index].pages.subtract(gone)
    }
    entries.removeAll { $0.pages.isEmpty }
  }
}

/// The event walker, the oracle and the verdict on random layouts.
@Suite struct OracleTests {
  static let base = Int64(1) << 40
  static let gibibyte = Int64(1) << 30
  static let block = Int64(1) << 21
  static let page = Int64(1) << 12

  /// A random layout of whole leaves over a few blocks, in order, holes between.
  static func mappings(_ random: inout Stream, blocks: Int) -> [Mapping] {
    var mappings: [Mapping] = []
    func add(_ low: Int64, _ high: Int64, _ level: Int) {
      mappings.append(Mapping(range: AddressRange(low, high), level: level))
    }
    for index in 0..<Int64(blocks) {
      let low = base + index * block
      switch random.next() % 5 {
      case 0: break
      case 1, 2: add(low, low + block, 2)
      default:
        let first = Int64(random.next() % 500)
        let count = 1 + Int64(random.next() % UInt64(min(12, 512 - first)))
        add(low + first * page, low + (first + count) * page, 3)
      }
    }
    return mappings
  }

  static func rules(_ random: inout Stream) throws -> StageTwoRules {
    let releases = [(5, 10), (6, 1), (6, 5), (6, 6), (6, 8), (6, 9), (6, 12), (7, 3)]
    let (major, minor) = releases[Int(random.next() % 8)]
    let bits = random.next()
    let features = CPUFeatures(
      forcedWriteBack: bits & 1 > 0,
      rangeTLBI: bits & 2 > 0,
      levelHint: bits & 4 > 0
    )
    var rules = try StageTwoRules(KernelRelease(major: major, minor: minor), features)
    let sizes = [ByteCount.kibibytes(64), .kibibytes(512), .mebibytes(2), .mebibytes(4)]
    let size = sizes[Int(random.next() % 4)]
    switch random.next() % 5 {
    case 0: rules.chunk = .largestBlock
    case 1: rules.chunk = .smallestBlock
    case 2: rules.chunk = .mappingAware(size)
    default: rules.chunk = .fixed(size)
    }
    switch random.next() % 7 {
    case 0: rules.flush = .deferredIfCleared(.call)
    case 1: rules.flush = .deferredIfCleared(.clearedLeaves)
    case 2: rules.flush = .vmidAbove(leaves: Int(random.next() % 6))
    case 3: rules.flush = .deferredRange
    case 4: rules.flush = .none
    default: break
    }
    return rules
  }

  static func walker(
    _ rules: StageTwoRules,
    _ mappings: [Mapping]
  ) throws -> EventWalker {
    EventWalker(
      geometry: try StageTwoGeometry(granule: .size4K, ipaBits: 48),
      discipline: BatchDiscipline(rules),
      mappings: mappings
    )
  }

  /// A range of whole leaves: a host splits a huge page before it takes back a part.
  static func range(_ random: inout Stream, blocks: Int) -> Range<Int64> {
    let first = Int64(random.next() % UInt64(blocks))
    let count = 1 + Int64(random.next() % UInt64(Int64(blocks) - first))
    return base + first * block..<base + (first + count) * block
  }

  @Test(arguments: Property.seeds(250))
  func theOracleIsATLBWrittenOut(seed: UInt64) throws {
    var random = Seed(seed).stream("oracle")
    let rules = try Self.rules(&random)
    let mappings = Self.mappings(&random, blocks: 6)
    let walker = try Self.walker(rules, mappings)
    if random.next() % 4 == 0 {
      walker.protect(Self.range(&random, blocks: 6))
    } else {
      walker.unmap(Self.range(&random, blocks: 6))
    }
    for model in TLBModel.allCases {
      var oracle = StaleEntryOracle(model: model)
      var naive = NaiveTLB(model)
      for event in walker.events {
        oracle.apply(event)
        naive.apply(event)
        #expect(
          naive.isHarmful == !oracle.found.isEmpty,
          "S2TUNE_SEED=\(seed) \(model) \(rules.chunk) \(rules.flush): \(event)"
        )
        guard naive.isHarmful == !oracle.found.isEmpty else { return }
      }
    }
  }

  /// What the oracle walks is what is counted: leaves, tables and flushes by kind.
  @Test(arguments: Property.seeds(250))
  func theEventsAreThoseThatAreCounted(seed: UInt64) throws {
    var random = Seed(seed).stream("events")
    let rules = try Self.rules(&random)
    let mappings = Self.mappings(&random, blocks: 6)
    let range = Self.range(&random, blocks: 6)
    var tables = StageTwo(geometry: try StageTwoGeometry(granule: .size4K, ipaBits: 48))
    for mapping in mappings { try tables.map(mapping.range, level: mapping.level) }
    let counts = try tables.unmap(
      AddressRange(range.lowerBound, range.upperBound),
      rules
    ).total
    let walker = try Self.walker(rules, mappings)
    walker.unmap(range)
    func count(_ isMet: (WalkEvent) -> Bool) -> Int64 { Int64(walker.events.count(where: isMet)) }
    let seen = [
      count { if case .cleared = $0 { true } else { false } },
      count { if case .freed = $0 { true } else { false } },
      count { if case .flushEntry = $0 { true } else { false } },
      count { if case .flushRange = $0 { true } else { false } },
      count { $0 == .flushAll },
      count { if case .lockDropped = $0 { true } else { false } },
    ]
    let counted = [
      counts.leavesCleared, counts.tablesFreed, counts.ipaFlushes, counts.rangeFlushes,
      counts.vmidFlushes, counts.breakPoints,
    ]
    #expect(seen == counted, "S2TUNE_SEED=\(seed) \(rules.chunk) \(rules.flush)")
  }

  /// No layout trips a hazard that the verdict on the rules does not name.
  @Test(arguments: Property.seeds(250))
  func theVerdictHoldsOnEveryLayout(seed: UInt64) throws {
    var random = Seed(seed).stream("verdict")
    let rules = try Self.rules(&random)
    let verdict = try HazardVerdict(rules, granule: .size4K)
    let named = Dictionary(uniqueKeysWithValues: verdict.findings.map { ($0.hazard, $0.models) })
    var mappings = Self.mappings(&random, blocks: 8)
    if rules.chunk == .smallestBlock || rules.chunk == .largestBlock {
      let low = Self.base + Self.gibibyte
      mappings.append(Mapping(range: AddressRange(low, low + Self.gibibyte), level: 1))
    }
    let walker = try Self.walker(rules, mappings)
    walker.unmap(Self.range(&random, blocks: 8))
    walker.unmap(Self.base..<Self.base + 2 * Self.gibibyte)
    for model in TLBModel.allCases {
      var oracle = StaleEntryOracle(model: model)
      for event in walker.events { oracle.apply(event) }
      for hazard in oracle.found {
        #expect(
          named[hazard]?.contains(model) == true,
          "S2TUNE_SEED=\(seed) \(rules.release.release) \(rules.chunk) \(rules.flush): \(hazard)"
        )
      }
    }
  }
}
