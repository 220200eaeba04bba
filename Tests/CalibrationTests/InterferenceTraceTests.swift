// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
import TestSupport
import Testing

@testable import Calibration

@Suite struct InterferenceTraceTests {
  struct Row: Sendable {
    let run: String
    let chunk: Int64
    let ticks: Int
    let devices: Int
    let softirqs: Int
    let polls: Int
    let packets: Int
    let woken: Double?
    let gap: Double
  }

  /// The table of the captures' description, counted independently of this parser.
  static let rows = [
    Row(
      run: "6.12.107_n1.E_tcp_slotdel_traced",
      chunk: 944,
      ticks: 236,
      devices: 123,
      softirqs: 79,
      polls: 123,
      packets: 2708,
      woken: 1.5,
      gap: 104
    ),
    Row(
      run: "6.12.107_n1.H_udp_slotdel_traced",
      chunk: 1388,
      ticks: 346,
      devices: 2163,
      softirqs: 2167,
      polls: 2167,
      packets: 2778,
      woken: 42.8,
      gap: 5.2
    ),
    Row(
      run: "6.12.107_n1.L1_udpflood20k_slotdel_traced",
      chunk: 2270,
      ticks: 559,
      devices: 9,
      softirqs: 570,
      polls: 545,
      packets: 34408,
      woken: 13.4,
      gap: 5.4
    ),
    Row(
      run: "6.1.176_n1.E_tcp_slotdel_traced",
      chunk: 3506,
      ticks: 873,
      devices: 0,
      softirqs: 0,
      polls: 0,
      packets: 0,
      woken: nil,
      gap: 3506
    ),
    Row(
      run: "6.1.176_n1.H_udp_slotdel_traced",
      chunk: 3636,
      ticks: 909,
      devices: 286,
      softirqs: 286,
      polls: 285,
      packets: 364,
      woken: 181,
      gap: 3455
    ),
    Row(
      run: "6.1.176_n1.L1_udpflood20k_slotdel_traced",
      chunk: 3752,
      ticks: 936,
      devices: 0,
      softirqs: 0,
      polls: 0,
      packets: 0,
      woken: nil,
      gap: 3752
    ),
  ]

  @Test(arguments: rows)
  func countsWhatHappenedInsideTheChunk(row: Row) throws {
    let trace = try InterferenceTrace(
      parsing: try capture("net/\(row.run).trace"),
      file: row.run
    )
    #expect(abs(trace.chunk.inSeconds * 1e3 - Double(row.chunk)) <= 0.6)
    #expect(trace.tickInterrupts == row.ticks)
    #expect(trace.deviceInterrupts == row.devices)
    #expect(trace.softirqRuns == row.softirqs)
    #expect(trace.polls == row.polls)
    #expect(trace.packets == row.packets)
    #expect((trace.ksoftirqdWoken == nil) == (row.woken == nil))
    if let woken = trace.ksoftirqdWoken, let expected = row.woken {
      #expect(abs(woken.inSeconds * 1e3 - expected) < 0.5)
    }
    #expect(abs(trace.longestWithoutSoftirq.inSeconds * 1e3 - row.gap) < 0.6)
  }

  static let line = "cap-1 [000] d.... 12.000100: s2unmap: (f) addr=0x1000 size=0x1000"

  @Test(
    arguments: [
      (line, 0), (line + "\ngarbage", 2),
      (line + "\ncap-1 [000] d.... 11.0: s2unmap_ret: (g) ret=0", 2), ("", 0),
      ("cap-1 [000] d.... 12.000100:", 1),
    ] as [(String, Int)]
  )
  func refusesWhatIsNoCompleteTrace(text: String, line: Int) {
    let error = #expect(throws: LogError.self) {
      try InterferenceTrace(parsing: Array(text.utf8), file: "t")
    }
    #expect(error?.line == line)
  }
}
