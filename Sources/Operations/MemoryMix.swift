// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Profiles
import Quantities

/// A workload's mix of leaves in bytes.
struct MemoryMix {
  struct Part {
    let range: AddressRange
    let level: Int
  }

  private let granule: Granule
  private let tile: ByteCount
  private let blockShare: Double
  private let touchedShare: Double
  /// Bytes mapped by level-1 blocks.
  let hugeBytes: ByteCount

  init(_ memory: GuestMemory, granule: Granule) {
    self.granule = granule
    let block = granule.entrySize(level: 2)
    tile = max(.gibibytes(1), block * 8)
    let gibibyte = ByteCount.gibibytes(1)
    let huge = granule == .size4K ? memory.hugeBlockShare : 0
    hugeBytes = gibibyte * Int64((memory.size.inGibibytes * huge).rounded(.down))
    let rest = 1 - huge
    blockShare = rest > 0 ? min(1, memory.blockShare / rest) : 0
    touchedShare = memory.touchedShare
  }

  /// The parts of a range that are mapped, and how.
  func parts(of range: AddressRange) -> [Part] {
    if blockShare == 0, touchedShare == 1 { return [Part(range: range, level: 3)] }
    var parts: [Part] = []
    var start = range.start
    while start < range.end {
      let end = min((start + tile).alignedDown(to: tile), range.end)
      parts += self.tile(AddressRange(start: start, end: end))
      start = end
    }
    return parts
  }

  private func tile(_ range: AddressRange) -> [Part] {
    let block = granule.entrySize(level: 2)
    let low = min(range.start.alignedUp(to: block), range.end)
    let whole = max(.zero, range.end.alignedDown(to: block) - low)
    let share = Double(whole.rawValue) * blockShare * touchedShare
    let blocks = block * Int64((share / Double(block.rawValue)).rounded())
    let bytes = Double(range.size.rawValue) * touchedShare - Double(blocks.rawValue)
    let pages = granule.page * Int64((bytes / Double(granule.page.rawValue)).rounded())
    var parts: [Part] = []
    if blocks > .zero {
      parts.append(Part(range: AddressRange(start: low, size: blocks), level: 2))
    }
    let next = low + blocks
    let left = min(pages, range.end - next)
    if left > .zero { parts.append(Part(range: AddressRange(start: next, size: left), level: 3)) }
    return parts
  }
}
