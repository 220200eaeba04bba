// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
package import Quantities

extension Stage2Dump {
  /// The guest's memory in the dump as a pattern that can be repeated, or nil where nothing is
  /// mapped.
  ///
  /// A small mapping far away from the rest is not memory (a loader's page, a flash) and is left
  /// out: one with at most a twentieth of the mapped bytes whose removal takes a quarter off the
  /// span. The pattern then runs from the first leaf to the last, widened at both ends to the
  /// largest power of two, up to 1 GiB, that adds no more than the largest hole inside, or a 32nd
  /// of the span: so a hole at the start or end of the memory stays a part of the mix.
  package var pattern: LayoutPattern? {
    let memory = Self.memory(of: mappings)
    guard let first = memory.first, let last = memory.last else { return nil }
    let largest = memory.map { granule.entrySize(level: $0.level) }.max() ?? granule.page
    let window = Self.window(first.range.start, last.range.end, memory, atLeast: largest)
    let moved = memory.map {
      Mapping(
        range: AddressRange(
          start: GuestAddress.zero + ($0.range.start - window.start),
          size: $0.range.size
        ),
        level: $0.level,
        state: $0.state
      )
    }
    return try? LayoutPattern(period: window.size, mappings: moved, granule: granule)
  }

  /// Tables of a guest with `memory` bytes from `base` on that has the dump's mix of leaves and
  /// holes, repeated at its own alignment; a dump without a mapping gives empty tables.
  package func tiled(
    to memory: ByteCount,
    at base: GuestAddress,
    _ geometry: StageTwoGeometry
  ) throws(PageTableError) -> StageTwo {
    var tables = StageTwo(geometry: geometry)
    guard let pattern else { return tables }
    try tables.map(AddressRange(start: base, size: memory), pattern: pattern)
    return tables
  }

  private static func memory(of mappings: [Mapping]) -> [Mapping] {
    var memory = mappings[...]
    let total = mappings.reduce(0) { $0 + $1.range.size.rawValue }
    while let first = memory.first, let last = memory.last, memory.count > 1 {
      let span = last.range.end - first.range.start
      let withoutFirst = last.range.end - memory[memory.startIndex + 1].range.start
      let withoutLast = memory[memory.endIndex - 2].range.end - first.range.start
      if first.range.size.rawValue * 20 <= total, withoutFirst * 4 < span * 3 {
        memory = memory.dropFirst()
      } else if last.range.size.rawValue * 20 <= total, withoutLast * 4 < span * 3 {
        memory = memory.dropLast()
      } else {
        break
      }
    }
    return Array(memory)
  }

  private static func window(
    _ start: GuestAddress,
    _ end: GuestAddress,
    _ memory: [Mapping],
    atLeast smallest: ByteCount
  ) -> AddressRange {
    let gaps = zip(memory, memory.dropFirst()).map { $1.range.start - $0.range.end }
    let span = end - start
    let slack = max(gaps.max() ?? .zero, ByteCount(rawValue: span.rawValue / 32))
    var alignment = ByteCount.gibibytes(1)
    while alignment > smallest {
      let low = start.alignedDown(to: alignment)
      let high = end.alignedUp(to: alignment)
      if start - low <= slack, high - end <= slack { break }
      alignment = ByteCount(rawValue: alignment.rawValue / 2)
    }
    alignment = max(alignment, smallest)
    return AddressRange(
      start: start.alignedDown(to: alignment),
      end: end.alignedUp(to: alignment)
    )
  }
}
