// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
import TestSupport
import Testing

@testable import Calibration

@Suite struct ChunkTraceTests {
  func calls(_ file: String, _ function: ChunkTrace.Function) throws -> [ChunkTrace.Call] {
    try ChunkTrace(parsing: try capture("trace/\(file)"), file: file)
      .calls.filter { $0.function == function }
  }

  @Test func readsEveryChunkOfTheKprobeTrace() throws {
    let unmaps = try calls("6.12.107_max.kprobe_512M_4k.trace", .unmap)
    // One call over 512 MiB, then 256 slices of 2 MiB, then the deleted slot.
    #expect(
      unmaps[0].range
        == AddressRange(
          start: GuestAddress(rawValue: 0x4000_0000),
          size: .mebibytes(512)
        )
    )
    #expect(unmaps[0].duration == .microseconds(19_884))
    let slices = unmaps[1...256]
    #expect(slices.allSatisfy { $0.range?.size == .mebibytes(2) })
    #expect(
      slices.map { $0.range?.start }
        == (0..<256).map {
          GuestAddress(rawValue: 0x4000_0000 + $0 << 21)
        }
    )
  }

  @Test func aChunkedDestroyCoversTheIPASpaceInOrder() throws {
    let ranges = try calls("7.3.4_max.kprobe_512M_4k.trace", .destroy).compactMap(\.range)
    #expect(ranges.count == 1024)
    #expect(ranges.first?.start == .zero)
    #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.end == $1.start })
    #expect(ranges.allSatisfy { $0.size == .gibibytes(1) })
  }

  @Test func readsDurationsOfAFunctionGraph() throws {
    let unmaps = try calls("6.12.107_max.fgraph_512M_4k.trace", .unmap)
    #expect(unmaps[0].duration == .nanoseconds(19_883_580))
    #expect(unmaps[0].range == nil)
    #expect(unmaps[1].duration == .nanoseconds(82_256))
  }

  static let entry = "cap-1 [000] d.... 12.000100: s2unmap: (f+0x0/0xc0) addr=0x1000 size=0x1000"
  static let exit = "cap-1 [000] d.... 12.000200: s2unmap_ret: (g <- f) ret=0"

  func read(_ lines: String...) throws -> ChunkTrace {
    try ChunkTrace(parsing: Array(lines.joined(separator: "\n").utf8), file: "t")
  }

  @Test func skipsAReturnWhoseEntryWasLost() throws {
    let trace = try read(Self.exit, Self.entry, Self.exit)
    #expect(trace.calls.map(\.duration) == [.microseconds(100)])
  }

  @Test(arguments: [
    ("12.000050: s2unmap_ret: (g <- f) ret=0", "not before"),
    ("noon: s2unmap_ret: (g <- f) ret=0", "a time stamp"),
    ("99999999999.0: s2unmap_ret: (g <- f) ret=0", "a time stamp"),
    ("12.1: s2unmap: (f) addr=0xzz size=0x1000", "addr=0x"),
    ("12.1: s2unmap: (f) addr=0x0 size=0xffffffffffffffff", "addr=0x"),
  ])
  func refusesACorruptLineByItsNumber(tail: String, legal: String) throws {
    let error = #expect(throws: LogError.self) {
      try read(Self.entry, "cap-1 [000] d.... " + tail)
    }
    #expect(error?.line == 2)
    #expect(error?.legal.contains(legal) == true)
  }

  @Test(arguments: [[], [0xFF, 0xFE, 0x00], Array("# tracer: nop\n".utf8)] as [[UInt8]])
  func refusesWhatHoldsNoCall(bytes: [UInt8]) {
    #expect(throws: LogError.self) { try ChunkTrace(parsing: bytes, file: "t") }
  }

  @Test func everyTruncationIsReadOrRefused() throws {
    let whole = try capture("trace/7.3.4_max.kprobe_512M_4k.trace").prefix(6_000)
    var read = 0
    for length in stride(from: 0, to: whole.count, by: 7) {
      do throws(LogError) {
        _ = try ChunkTrace(parsing: whole.prefix(length), file: "t")
        read += 1
      } catch {
        #expect(error.file == "t")
      }
    }
    #expect(read > 0)
  }
}
