// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Quantities

/// One hand-computed unmap: a layout, what is unmapped, and what has to happen.
///
/// The figures come from an independent small model of the walker's rules as read from kernel
/// sources; they are not measurements.
struct UnmapVector: Sendable, CustomStringConvertible {
  enum Deferral: Sendable { case none, withTables, leavesOnly }

  let name: String
  var granule = Granule.size4K
  var bits = 40
  /// Start, size and level of each mapping.
  let maps: [(GuestAddress, ByteCount, Int)]
  let range: (GuestAddress, ByteCount)
  let chunk: ChunkRule
  var leafVisits: Int64
  var tableVisits: Int64
  var busy: Int64?
  var freed: Int64?
  var puts: Int64
  /// IPA flushes by how leaves and tables are deferred.
  var flushes: [Deferral: Int64] = [:]
  var chunks: Int64
  var cleared: Int64?

  var description: String { name }
}

private func at(_ address: UInt64) -> GuestAddress { GuestAddress(rawValue: address) }
private let gibibyte: UInt64 = 1 << 30

/// One GiB at 4 GiB, mapped whole with one kind of leaf, unmapped whole.
private func wholeGibibyte(
  _ name: String,
  bits: Int,
  level: Int,
  chunk: ChunkRule,
  leaf: Int64,
  post: Int64,
  busy: Int64,
  freed: Int64,
  puts: Int64,
  immediate: Int64,
  leavesOnly: Int64,
  chunks: Int64
) -> UnmapVector {
  let region = (at(4 * gibibyte), ByteCount.gibibytes(1))
  return UnmapVector(
    name: name,
    bits: bits,
    maps: [(region.0, region.1, level)],
    range: region,
    chunk: chunk,
    leafVisits: leaf,
    tableVisits: post,
    busy: busy,
    freed: freed,
    puts: puts,
    flushes: [.none: immediate, .withTables: 0, .leavesOnly: leavesOnly],
    chunks: chunks
  )
}

let unmapVectors: [UnmapVector] = [
  wholeGibibyte(
    "40 bits, 4K leaves, 1 GiB chunk",
    bits: 40,
    level: 3,
    chunk: .largestBlock,
    leaf: 262_144,
    post: 513,
    busy: 0,
    freed: 513,
    puts: 263_170,
    immediate: 262_657,
    leavesOnly: 513,
    chunks: 1
  ),
  wholeGibibyte(
    "40 bits, 4K leaves, 2 MiB chunk",
    bits: 40,
    level: 3,
    chunk: .smallestBlock,
    leaf: 262_144,
    post: 1_024,
    busy: 511,
    freed: 513,
    puts: 263_170,
    immediate: 262_657,
    leavesOnly: 513,
    chunks: 512
  ),
  wholeGibibyte(
    "40 bits, 2M leaves, 1 GiB chunk",
    bits: 40,
    level: 2,
    chunk: .largestBlock,
    leaf: 512,
    post: 1,
    busy: 0,
    freed: 1,
    puts: 514,
    immediate: 513,
    leavesOnly: 1,
    chunks: 1
  ),
  wholeGibibyte(
    "40 bits, 2M leaves, 2 MiB chunk",
    bits: 40,
    level: 2,
    chunk: .smallestBlock,
    leaf: 512,
    post: 512,
    busy: 511,
    freed: 1,
    puts: 514,
    immediate: 513,
    leavesOnly: 1,
    chunks: 512
  ),
  wholeGibibyte(
    "40 bits, 1G leaf, 1 GiB chunk",
    bits: 40,
    level: 1,
    chunk: .largestBlock,
    leaf: 1,
    post: 0,
    busy: 0,
    freed: 0,
    puts: 1,
    immediate: 1,
    leavesOnly: 0,
    chunks: 1
  ),
  wholeGibibyte(
    "40 bits, 1G leaf, 2 MiB chunk",
    bits: 40,
    level: 1,
    chunk: .smallestBlock,
    leaf: 512,
    post: 0,
    busy: 0,
    freed: 0,
    puts: 1,
    immediate: 1,
    leavesOnly: 0,
    chunks: 512
  ),
  wholeGibibyte(
    "48 bits, 4K leaves, 1 GiB chunk",
    bits: 48,
    level: 3,
    chunk: .largestBlock,
    leaf: 262_144,
    post: 514,
    busy: 0,
    freed: 514,
    puts: 263_172,
    immediate: 262_658,
    leavesOnly: 514,
    chunks: 1
  ),
  wholeGibibyte(
    "48 bits, 4K leaves, 2 MiB chunk",
    bits: 48,
    level: 3,
    chunk: .smallestBlock,
    leaf: 262_144,
    post: 1_536,
    busy: 1_022,
    freed: 514,
    puts: 263_172,
    immediate: 262_658,
    leavesOnly: 514,
    chunks: 512
  ),
  wholeGibibyte(
    "48 bits, 2M leaves, 1 GiB chunk",
    bits: 48,
    level: 2,
    chunk: .largestBlock,
    leaf: 512,
    post: 2,
    busy: 0,
    freed: 2,
    puts: 516,
    immediate: 514,
    leavesOnly: 2,
    chunks: 1
  ),
  wholeGibibyte(
    "48 bits, 1G leaf, 2 MiB chunk",
    bits: 48,
    level: 1,
    chunk: .smallestBlock,
    leaf: 512,
    post: 1,
    busy: 0,
    freed: 1,
    puts: 3,
    immediate: 2,
    leavesOnly: 1,
    chunks: 512
  ),
  UnmapVector(
    name: "one page inside one of many 2M blocks",
    maps: [(at(4 * gibibyte), .gibibytes(1), 2)],
    range: (at(4 * gibibyte + 0x20_1000), .kibibytes(4)),
    chunk: .largestBlock,
    leafVisits: 1,
    tableVisits: 1,
    busy: 1,
    freed: 0,
    puts: 1,
    flushes: [.leavesOnly: 0],
    chunks: 1,
    cleared: 1
  ),
  UnmapVector(
    name: "2M inside a 1G block",
    maps: [(at(4 * gibibyte), .gibibytes(1), 1)],
    range: (at(4 * gibibyte), .mebibytes(2)),
    chunk: .largestBlock,
    leafVisits: 1,
    tableVisits: 0,
    puts: 1,
    flushes: [.leavesOnly: 0],
    chunks: 1,
    cleared: 1
  ),
  UnmapVector(
    name: "nothing mapped, 1 GiB chunk",
    maps: [],
    range: (at(4 * gibibyte), .gibibytes(1)),
    chunk: .largestBlock,
    leafVisits: 1,
    tableVisits: 0,
    puts: 0,
    flushes: [.leavesOnly: 0],
    chunks: 1,
    cleared: 0
  ),
  UnmapVector(
    name: "nothing mapped, 2 MiB chunk",
    maps: [],
    range: (at(4 * gibibyte), .gibibytes(1)),
    chunk: .smallestBlock,
    leafVisits: 512,
    tableVisits: 0,
    puts: 0,
    flushes: [.leavesOnly: 0],
    chunks: 512,
    cleared: 0
  ),
  UnmapVector(
    name: "4 GiB at 4 GiB, [4.5, 7) GiB unmapped",
    maps: [(at(4 * gibibyte), .gibibytes(4), 3)],
    range: (at(4 * gibibyte + gibibyte / 2), .mebibytes(2_560)),
    chunk: .largestBlock,
    leafVisits: 655_360,
    tableVisits: 1_283,
    busy: 1,
    freed: 1_282,
    puts: 657_924,
    flushes: [.leavesOnly: 1_282],
    chunks: 3
  ),
  UnmapVector(
    name: "16K pages, 40 bits",
    granule: .size16K,
    maps: [(at(4 * gibibyte), .gibibytes(1), 3)],
    range: (at(4 * gibibyte), .gibibytes(1)),
    chunk: .largestBlock,
    leafVisits: 65_536,
    tableVisits: 32,
    freed: 32,
    puts: 65_600,
    flushes: [.leavesOnly: 32],
    chunks: 32
  ),
  UnmapVector(
    name: "64K pages, 40 bits",
    granule: .size64K,
    maps: [(at(4 * gibibyte), .gibibytes(1), 3)],
    range: (at(4 * gibibyte), .gibibytes(1)),
    chunk: .largestBlock,
    leafVisits: 16_384,
    tableVisits: 2,
    freed: 2,
    puts: 16_388,
    flushes: [.leavesOnly: 2],
    chunks: 2
  ),
  UnmapVector(
    name: "64K pages, 48 bits",
    granule: .size64K,
    bits: 48,
    maps: [(at(4 * gibibyte), .gibibytes(1), 3)],
    range: (at(4 * gibibyte), .gibibytes(1)),
    chunk: .largestBlock,
    leafVisits: 16_384,
    tableVisits: 4,
    busy: 1,
    freed: 3,
    puts: 16_390,
    flushes: [.leavesOnly: 3],
    chunks: 2
  ),
]
