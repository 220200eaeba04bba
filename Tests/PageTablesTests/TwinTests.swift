// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
import TestSupport
import Testing

@testable import PageTables

extension EventCounts {
  /// The fields in which the twin's counts differ, with both values; the encoding's idle scales,
  /// which the twin does not count, are left out.
  func differences(from slow: EventCounts) -> [String] {
    var expected = slow
    expected.scalesSkipped = scalesSkipped
    guard self != expected else { return [] }
    return Self.columns.compactMap { column in
      let (ours, theirs) = (self[keyPath: column.field], expected[keyPath: column.field])
      return ours == theirs ? nil : "\(column.name) \(ours) not \(theirs)"
    }
  }
}

/// The fast tables against the twin that visits every entry, chunk by chunk and field by field.
@Suite struct TwinTests {
  /// What differs, as text: empty where both agree.
  func differences(_ sequence: ChunkSequence, _ naive: [NaiveChunk]) -> [String] {
    var texts: [String] = []
    var index = 0
    for repeated in sequence.inOrder {
      for _ in 0..<repeated.repeats {
        guard index < naive.count else { return texts + ["\(sequence.chunkCount) chunks"] }
        if repeated.chunk.span.rawValue != naive[index].span {
          texts.append("chunk \(index): span \(repeated.chunk.span) not \(naive[index].span)")
        }
        texts += repeated.chunk.counts.differences(from: naive[index].counts).map {
          "chunk \(index): \($0)"
        }
        index += 1
      }
      if texts.count > 8 { break }
    }
    if index != naive.count, texts.isEmpty { texts.append("\(index) chunks, not \(naive.count)") }
    return texts
  }

  @Test(arguments: Property.seeds(900))
  func unmapsLikeTheTwin(seed: UInt64) throws {
    var world = try RandomWorld(seed: seed)
    for _ in 0..<3 {
      let rules = try world.rules()
      let shift = try rules.chunkShift(world.geometry) ?? 30
      let (low, high) = world.range(Int64(1) << Int64(shift))
      let sequence = try world.tables.unmap(AddressRange(low, high), rules)
      let naive = try world.twin.unmap(low, high, rules)
      let found = differences(sequence, naive)
      #expect(found.isEmpty, "S2TUNE_SEED=\(seed) \(rules.chunk) \(rules.flush)")
      #expect(world.tables.layout() == world.twin.layout(), "S2TUNE_SEED=\(seed)")
    }
  }

  @Test(arguments: Property.seeds(250))
  func protectsAndDestroysLikeTheTwin(seed: UInt64) throws {
    var world = try RandomWorld(seed: seed)
    var rules = try world.rules()
    if world.below(2) == 0 { rules.chunk = .largestBlock }
    let shift = try rules.chunkShift(world.geometry) ?? 30
    let (low, high) = world.range(Int64(1) << Int64(shift))
    let sequence = try world.tables.writeProtect(slot: AddressRange(low, high), rules)
    let naive = try world.twin.protect(low, high, rules)
    #expect(differences(sequence, naive).isEmpty, "S2TUNE_SEED=\(seed)")
    #expect(world.tables.layout() == world.twin.layout(), "S2TUNE_SEED=\(seed)")
    let chunks = world.geometry.space / world.geometry.granule.largestBlock.rawValue
    rules.destroy = chunks > 20_000 ? .singleWalk : .chunked
    let gone = world.tables.destroy(rules)
    let naiveGone =
      rules.destroy == .chunked
      ? try world.twin.destroyChunked(rules) : [world.twin.destroyAtOnce()]
    #expect(differences(gone, naiveGone).isEmpty, "S2TUNE_SEED=\(seed)")
  }
}
