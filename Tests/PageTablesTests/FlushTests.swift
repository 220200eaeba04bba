// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
import Randomness
import TestSupport
import Testing

@testable import PageTables

@Suite struct RangeEncodingTests {
  @Test(arguments: [
    (Int64(1), Int64(1)), (2, 1), (3, 2), (64, 1), (65, 2), (511, 3), (512, 1), (513, 2),
    (2048, 1), (65_535, 4), (65_536, 1), (131_071, 5), (262_144, 1), (2_097_151, 5),
    (2_097_152, 1),
  ])
  func countsTheInstructions(_ pages: Int64, count: Int64) {
    #expect(RangeEncoding.descending.operations(pages: pages).count == count)
    if pages < RangeEncoding.pageLimit {
      #expect(RangeEncoding.ascending.operations(pages: pages).count == count)
    }
  }

  @Test(arguments: [RangeEncoding.ascending, .descendingMasked])
  func theFirstReleasesMissExactlyTheLargestRange(_ encoding: RangeEncoding) {
    let missed = encoding.operations(pages: RangeEncoding.pageLimit)
    #expect(missed.uncovered == RangeEncoding.pageLimit)
    #expect(encoding.operations(pages: RangeEncoding.pageLimit - 1).uncovered == 0)
  }

  /// Every page is covered once, in order, by operands that fit.
  @Test(arguments: [RangeEncoding.ascending, .descendingMasked, .descending])
  func coversEveryPageOnce(_ encoding: RangeEncoding) {
    var random = Seed(7).stream("ranges")
    for round in 0..<min(3_000, Property.cases(600)) {
      let limit: Int64 = round % 3 == 0 ? 4_096 : RangeEncoding.pageLimit
      let pages = 1 + Int64(random.next() % UInt64(limit - 1))
      // 6.6 and 6.7, which scale upwards, know no LPA2.
      let alignment: Int64 = encoding == .ascending ? 1 : [1, 4, 16][round % 3]
      let base = Int64(random.next() % 4_096)
      var next = base
      for piece in encoding.pieces(pages: pages, base: base, alignment: alignment) {
        #expect(piece.start == next)
        if piece.isRange {
          #expect(piece.start % alignment == 0)
          let scales = (Int64(0)...3).filter {
            piece.pages % (1 << (5 * $0 + 1)) == 0 && piece.pages >> (5 * $0 + 1) <= 32
          }
          #expect(!scales.isEmpty)
        }
        next += piece.pages
      }
      #expect(next == base + pages, "\(encoding) \(pages) pages from \(base)")
    }
  }

  /// Seen in the captures as instructions of the encoding's loop.
  @Test(arguments: [
    (Int64(512), Int64(2), Int64(1)), (16_384, 1, 2), (65_536, 0, 3), (262_144, 0, 3), (1, 0, 0),
  ])
  func passesScalesThatHoldNoDigit(_ pages: Int64, descending: Int64, ascending: Int64) {
    #expect(RangeEncoding.descending.operations(pages: pages).skipped == descending)
    #expect(RangeEncoding.ascending.operations(pages: pages).skipped == ascending)
  }

  @Test func leadingPagesGoAloneUnderLPA2() {
    let operations = RangeEncoding.descending.operations(pages: 512, base: 1, alignment: 16)
    #expect(operations.singles == 15 + 1)
    #expect(operations.uncovered == 0)
  }
}

/// What each flush primitive executes, by kernel and CPU.
struct FlushRow: Sendable {
  let name: String
  let release: KernelRelease
  let features: CPUFeatures
  /// Fields of an IPA flush, a flush of 512 pages and a VMID flush.
  let ipa: [Int64]
  let range: [Int64]
  let vmid: [Int64]
}

@Suite struct FlushSequenceTests {
  /// TLBI, DSB ISH, DSB ISHST, ISB, hypercalls.
  func measure(_ counts: EventCounts) -> [Int64] {
    let instructions =
      counts.tlbiIPAS2E1IS + counts.tlbiRIPAS2E1IS + counts.tlbiVMALLE1IS
      + counts.tlbiVMALLS12E1IS + counts.tlbiRepeated
    return [instructions, counts.dsbISH, counts.dsbISHST, counts.isb, counts.hypercalls]
  }

  static func release(_ major: Int, _ minor: Int) -> KernelRelease {
    KernelRelease(major: major, minor: minor)
  }

  static let rows = [
    FlushRow(
      name: "VHE",
      release: release(6, 12),
      features: CPUFeatures(forcedWriteBack: true, rangeTLBI: true),
      ipa: [2, 2, 1, 4, 0],
      range: [2, 2, 1, 4, 0],
      vmid: [1, 1, 1, 4, 0]
    ),
    FlushRow(
      name: "VHE, repeated sync",
      release: release(6, 12),
      features: CPUFeatures(rangeTLBI: true, repeatTLBISync: true),
      ipa: [3, 3, 1, 4, 0],
      range: [3, 3, 1, 4, 0],
      vmid: [2, 2, 1, 4, 0]
    ),
    FlushRow(
      name: "VHE, repeated instructions",
      release: release(5, 10),
      features: CPUFeatures(repeatTLBISync: true),
      ipa: [4, 4, 1, 4, 0],
      range: [2, 2, 1, 4, 0],
      vmid: [2, 2, 1, 4, 0]
    ),
    FlushRow(
      name: "VHE, speculative AT",
      release: release(6, 1),
      features: CPUFeatures(speculativeAT: true),
      ipa: [2, 2, 1, 5, 0],
      range: [1, 1, 1, 5, 0],
      vmid: [1, 1, 1, 5, 0]
    ),
    FlushRow(
      name: "nVHE, 6.1",
      release: release(6, 1),
      features: CPUFeatures(virtualizationHostExtensions: false),
      ipa: [2, 2, 1, 2, 1],
      range: [1, 1, 1, 2, 1],
      vmid: [1, 1, 1, 2, 1]
    ),
    FlushRow(
      name: "nVHE, 6.1, repeated sync",
      release: release(6, 1),
      features: CPUFeatures(virtualizationHostExtensions: false, repeatTLBISync: true),
      ipa: [3, 3, 1, 2, 1],
      range: [2, 2, 1, 2, 1],
      vmid: [2, 2, 1, 2, 1]
    ),
    FlushRow(
      name: "nVHE, 6.12, repeated sync",
      release: release(6, 12),
      features: CPUFeatures(virtualizationHostExtensions: false, repeatTLBISync: true),
      ipa: [3, 4, 0, 3, 1],
      range: [2, 3, 0, 3, 1],
      vmid: [2, 3, 0, 3, 1]
    ),
    FlushRow(
      name: "nVHE, 6.1, speculative AT",
      release: release(6, 1),
      features: CPUFeatures(virtualizationHostExtensions: false, speculativeAT: true),
      ipa: [2, 2, 1, 4, 1],
      range: [1, 1, 1, 4, 1],
      vmid: [1, 1, 1, 4, 1]
    ),
    FlushRow(
      name: "nVHE, 6.12, speculative AT",
      release: release(6, 12),
      features: CPUFeatures(virtualizationHostExtensions: false, speculativeAT: true),
      ipa: [2, 3, 0, 4, 1],
      range: [1, 2, 0, 4, 1],
      vmid: [1, 2, 0, 4, 1]
    ),
    FlushRow(
      name: "nVHE, 6.12",
      release: release(6, 12),
      features: CPUFeatures(
        forcedWriteBack: true,
        rangeTLBI: true,
        virtualizationHostExtensions: false
      ),
      ipa: [2, 3, 0, 3, 1],
      range: [2, 3, 0, 3, 1],
      vmid: [1, 2, 0, 3, 1]
    ),
  ]

  @Test(arguments: rows)
  func executesTheSequence(_ row: FlushRow) throws {
    let sequences = FlushSequences(
      features: row.features,
      release: try ReleaseRules.rules(for: row.release),
      granule: .size4K
    )
    var counts = EventCounts()
    sequences.ipa(1, into: &counts)
    #expect(measure(counts) == row.ipa, "\(row.name)")
    counts = .zero
    sequences.range(bytes: 512 << 12, residue: 0, into: &counts)
    #expect(measure(counts) == row.range, "\(row.name)")
    counts = .zero
    sequences.vmid(1, into: &counts)
    #expect(measure(counts) == row.vmid, "\(row.name)")
  }

  @Test func aLocalFlushIsSeenByNoOtherCPU() throws {
    let sequences = FlushSequences(
      features: CPUFeatures(repeatTLBISync: true),
      release: try ReleaseRules.rules(for: KernelRelease(major: 6, minor: 12)),
      granule: .size4K
    )
    var counts = EventCounts()
    sequences.localIPA(1, into: &counts)
    #expect(counts.dsbISH == 0)
    #expect(counts.dsbNSH == 2)
    #expect(counts.dsbNSHST == 1)
    #expect(counts.isb == 4)
    #expect(counts.tlbiIPAS2E1 == 1)
    #expect(counts.tlbiVMALLE1 == 1)
  }

  /// Without VHE a local flush has the entry barrier of this CPU alone and a broadcast one's ISBs.
  ///
  /// The repeated invalidation is for broadcasts. Counted on 6.12.107 and 7.3.4.
  @Test(arguments: [(false, Int64(3)), (true, 4)])
  func aLocalFlushAtEL2(_ speculativeAT: Bool, isb: Int64) throws {
    let sequences = FlushSequences(
      features: CPUFeatures(
        virtualizationHostExtensions: false,
        repeatTLBISync: !speculativeAT,
        speculativeAT: speculativeAT
      ),
      release: try ReleaseRules.rules(for: KernelRelease(major: 6, minor: 12)),
      granule: .size4K
    )
    var counts = EventCounts()
    sequences.localIPA(1, into: &counts)
    #expect([counts.dsbISH, counts.dsbNSHST, counts.dsbNSH] == [0, 0, 3])
    #expect([counts.isb, counts.hypercalls, counts.tlbiRepeated] == [isb, 1, 0])
  }

  /// The old workaround executes each instruction again, a barrier between; the new one adds one
  /// instruction of another kind.
  @Test(arguments: [((5, 10), Int64(2), Int64(0)), ((6, 12), 1, 1)])
  func theErratumRepeats(_ number: (Int, Int), each: Int64, added: Int64) throws {
    let sequences = FlushSequences(
      features: CPUFeatures(repeatTLBISync: true),
      release: try ReleaseRules.rules(for: Self.release(number.0, number.1)),
      granule: .size4K
    )
    var counts = EventCounts()
    sequences.ipa(1, into: &counts)
    sequences.vmid(1, into: &counts)
    #expect(
      [counts.tlbiIPAS2E1IS, counts.tlbiVMALLE1IS, counts.tlbiVMALLS12E1IS] == [each, each, each]
    )
    #expect(counts.tlbiRepeated == 2 * added)
    #expect(counts.dsbISH == 3 + (each == 2 ? 3 : 2))
  }

  /// A slot of 20 GiB needs three hypervisor calls.
  @Test func aLargeSlotIsFlushedInPieces() throws {
    let slot = AddressRange(start: GuestAddress(rawValue: 1 << 32), size: .gibibytes(20))
    var tables = try StageTwo(maps: [(slot.start, slot.size, 2)])
    let sequence = try tables.writeProtect(slot: slot, rules(6, 12, defers: true))
    #expect(sequence.epilogue.rangeFlushRequests == 1)
    #expect(sequence.epilogue.rangeFlushes == 3)
    #expect(sequence.epilogue.tlbiVMALLE1IS == 3)
  }
}
