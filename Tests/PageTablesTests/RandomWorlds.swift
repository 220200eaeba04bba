// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
import Randomness

@testable import PageTables

/// A random layout in both forms, and random things to do with it.
struct RandomWorld {
  var random: Stream
  let geometry: StageTwoGeometry
  var tables: StageTwo
  let twin: NaiveTwin
  /// Where something was mapped.
  private(set) var spots: [(low: Int64, high: Int64)] = []

  init(seed: UInt64, granule fixed: Granule? = nil) throws {
    random = Seed(seed).stream("world")
    let drawn = Granule.allCases[pick(3, &random)]
    let granule = fixed ?? drawn
    let bits = [32, 34, 36, 40, 44, 48, 52][pick(7, &random)]
    geometry = try StageTwoGeometry(granule: granule, ipaBits: bits)
    tables = StageTwo(geometry: geometry)
    twin = NaiveTwin(geometry: geometry)
    for _ in 0..<(1 + pick(6, &random)) { addMapping() }
  }

  /// A whole number below `bound`.
  mutating func below(_ bound: Int) -> Int { pick(bound, &random) }

  private mutating func addMapping() {
    let level = geometry.leafLevels[below(geometry.leafLevels.count)]
    let bytes = geometry.granule.entrySize(level: level).rawValue
    let count = Int64([1, 2, 5, 40, 600][below(5)])
    let slots = geometry.space / bytes
    let window = min(slots, [3, 700, 3_000, slots][below(4)])
    let base = below(2) == 0 ? 0 : slots - window
    let first = base + Int64(below(Int(clamping: window)))
    let low = first * bytes
    let high = min(first + count, slots) * bytes
    let state = LeafState(writable: below(4) > 0, cacheable: below(4) > 0)
    let range = AddressRange(low, high)
    guard (try? tables.map(range, level: level, state: state)) != nil else { return }
    twin.map(low, high, level: level, state: state)
    spots.append((low, high))
  }

  /// A range near something mapped, that a chunk rule cuts into a bounded number of chunks.
  mutating func range(_ chunk: Int64) -> (Int64, Int64) {
    let page = geometry.granule.page.rawValue
    let spot = spots.isEmpty ? (low: 0, high: page) : spots[below(spots.count)]
    let reach = min((spot.high - spot.low) / page + 64, 2_000)
    var low = spot.low + Int64(below(Int(reach)) - 32) * page
    if below(3) == 0 { low = spot.low & ~(chunk - 1) }
    low = max(0, min(low, geometry.space - page))
    let spans = [page, page * Int64(1 + below(1_500)), chunk, chunk * Int64(1 + below(40))]
    let span = min(spans[below(4)], chunk * 64, page * 40_000)
    return (low, min(geometry.space, low + max(page, span & ~(page - 1))))
  }

  mutating func chunkRule() -> ChunkRule {
    let page = geometry.granule.page
    switch below(7) {
    case 0: return .rootEntry
    case 1: return .largestBlock
    case 2: return .smallestBlock
    case 3: return .fixed(page * (Int64(1) << Int64(below(16))))
    case 4: return .mappingAware(page * (Int64(1) << Int64(below(16))))
    case 5: return .visits(1 + below(700))
    default: return .fixed(page)
    }
  }

  mutating func rules() throws -> StageTwoRules {
    let releases = [(5, 10, 0), (6, 1, 0), (6, 6, 0), (6, 9, 0), (6, 12, 107), (7, 3, 4)]
    let release = releases[below(releases.count)]
    let number = KernelRelease(major: release.0, minor: release.1, patch: release.2)
    let features = CPUFeatures(
      forcedWriteBack: below(2) == 0,
      rangeTLBI: below(2) == 0,
      largeAddresses: number >= KernelRelease(major: 6, minor: 8) && below(2) == 0
    )
    var rules = try StageTwoRules(number, features)
    rules.chunk = chunkRule()
    switch below(6) {
    case 0: rules.flush = .none
    case 1: rules.flush = .deferredIfCleared(.call)
    case 2: rules.flush = .deferredIfCleared(.clearedLeaves)
    case 3: rules.flush = .vmidAbove(leaves: below(40))
    default: break
    }
    return rules
  }
}

func pick(_ bound: Int, _ random: inout Stream) -> Int {
  Int(random.next() % UInt64(bound))
}

extension AddressRange {
  /// The range between two addresses given as numbers.
  init(_ low: Int64, _ high: Int64) {
    self.init(
      start: GuestAddress(rawValue: UInt64(low)),
      end: GuestAddress(rawValue: UInt64(high))
    )
  }
}
