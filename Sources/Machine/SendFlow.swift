// SPDX-License-Identifier: GPL-3.0-or-later

import Operations
import Profiles
import Quantities

/// The bulk TCP traffic that the CPU sends: a socket's buffer, a wire, and the acknowledgements
/// that come back through the receive queue.
///
/// Segments leave when the writer has written them and the windows allow it, one after another at
/// the wire's rate; the peer takes each at once and acknowledges every second one (RFC 1122). Only
/// acknowledgements that the stack has processed open the window again and free the buffer, so a
/// CPU that runs no softirq stops sending once everything written is in flight. Nothing here is an
/// event: arrivals up to an instant are computed when somebody asks.
struct SendFlow: Sendable {
  /// Segments whose acknowledgements arrive one after another at the wire's rate.
  private struct SegmentRun: Sendable {
    /// When the first one's acknowledgement arrives, in picoseconds.
    var first: Int64
    var segments: Int64
  }

  /// Acknowledgements in the ring, one after another: each says two segments more than the one
  /// before it, the last that all up to `end` have arrived.
  private struct Run: Sendable {
    var packets: Int64
    var end: Int64
  }

  /// Time on the wire of one segment.
  let gap: UnitCost
  let roundTrip: Nanoseconds
  /// Segments that the peer's window and the socket's buffer hold, each.
  let window: Int64
  /// The least retransmission timeout.
  let timeout: Nanoseconds
  /// Segments that one acknowledgement covers.
  static let coverage: Int64 = 2

  private(set) var congestion: CongestionWindow
  private var sequences: Ring<SegmentRun>
  /// When the wire is free again, in picoseconds.
  private var wireFree: Int64
  private(set) var written: Int64 = 0
  private(set) var sent: Int64 = 0
  /// Segments whose acknowledgement has arrived in the ring or was lost there.
  private var arrived: Int64 = 0
  /// Segments that arrived and are not yet covered by an acknowledgement.
  private var uncovered: Int64 = 0
  private var inRing: Ring<Run>
  private(set) var acknowledged: Int64 = 0
  /// Acknowledgements that the stack has processed.
  private(set) var processed: Int64 = 0
  private var lastProgress: Instant
  /// When the answer to a tail loss probe arrives: the last acknowledgements were dropped.
  private var probe: Instant?
  private(set) var timeouts: Int64 = 0

  init(
    gap: UnitCost,
    load: NetworkLoad,
    window: Int64,
    start: Instant,
    switches: MachineSwitches = MachineSwitches()
  ) {
    self.gap = gap
    roundTrip = load.roundTrip
    self.window = window
    timeout = switches.has(.timeout) ? .milliseconds(200) : .seconds(1_000_000)
    congestion = CongestionWindow(control: load.congestion)
    congestion.isConstant = !switches.has(.congestion)
    sequences = Ring(capacity: 1_024, filler: SegmentRun(first: 0, segments: 0))
    inRing = Ring(capacity: 256, filler: Run(packets: 0, end: 0))
    wireFree = start.rawValue * 1_000
    lastProgress = start
  }

  /// Segments that the socket's buffer still takes.
  var space: Int64 { max(0, acknowledged + window - written) }

  /// Whether a writer that waits for space is woken: a third of the buffer is free.
  var wakesWriter: Bool { space * 3 >= window }

  private var inFlight: Int64 { sent - acknowledged }

  /// The writer has put segments into the buffer; what the windows allow goes out.
  mutating func write(_ segments: Int64, at now: Instant) {
    written += min(segments, space)
    send(at: now)
  }

  /// Puts on the wire what is written and allowed.
  private mutating func send(at now: Instant) {
    let allowed = acknowledged + min(congestion.segments, window)
    let count = min(written, allowed) - sent
    guard count > 0 else { return }
    if inFlight == 0 { lastProgress = now }
    let begins = max(wireFree, now.rawValue * 1_000)
    let first = begins + gap.rawValue + roundTrip.rawValue * 1_000
    let isContiguous = begins == wireFree
    if !sequences.isEmpty, isContiguous || sequences.isFull {
      sequences.last.segments += count
    } else {
      sequences.append(SegmentRun(first: first, segments: count))
    }
    wireFree = begins + gap.rawValue * count
    sent += count
  }

  /// The earliest instant at which an acknowledgement arrives, or nil while nothing is in flight.
  @inline(__always)
  func nextArrivalTime(after now: Instant) -> Instant? {
    guard !sequences.isEmpty else { return probe.map { max(now, $0) } }
    let first = sequences.first
    let wanted = min(first.segments, Self.coverage - uncovered)
    let time = first.first + gap.rawValue * (wanted - 1)
    return max(now, Instant(rawValue: (time + 999) / 1_000))
  }

  /// Lets acknowledgements arrive up to and including `time`; `room` is what the ring still takes.
  ///
  /// Returns how many entered the ring and how many were dropped; a later one says what a dropped
  /// one would have said.
  mutating func advance(to time: Instant, room: Int64) -> (entered: Int64, dropped: Int64) {
    var entered: Int64 = 0
    var dropped: Int64 = 0
    let limit = time.rawValue * 1_000
    while !sequences.isEmpty, sequences.first.first <= limit {
      let sequence = sequences.first
      let count = min(sequence.segments, (limit - sequence.first) / gap.rawValue + 1)
      arrived += count
      uncovered += count
      if count == sequence.segments {
        sequences.removeFirst()
      } else {
        sequences.first.first += gap.rawValue * count
        sequences.first.segments -= count
      }
      let pairs = uncovered / Self.coverage
      uncovered %= Self.coverage
      let fits = max(0, min(pairs, room - entered))
      admit(fits, upTo: arrived - uncovered - (pairs - fits) * Self.coverage)
      entered += fits
      dropped += pairs - fits
      // The peer does not wait for more when nothing is on its way.
      if sequences.isEmpty, uncovered > 0 {
        uncovered = 0
        if room > entered {
          admit(1, upTo: arrived)
          entered += 1
        } else {
          dropped += 1
        }
      }
    }
    if let probe, probe <= time, room > entered {
      entered += 1
      admit(1, upTo: arrived)
      self.probe = nil
    }
    return (entered, dropped)
  }

  /// Puts acknowledgements into the ring.
  private mutating func admit(_ packets: Int64, upTo end: Int64) {
    guard packets > 0 else { return }
    if !inRing.isEmpty, inRing.isFull || inRing.last.end + packets * Self.coverage == end {
      inRing.last = Run(packets: inRing.last.packets + packets, end: end)
    } else {
      inRing.append(Run(packets: packets, end: end))
    }
  }

  /// Takes acknowledgements from the ring; returns up to which segment they say that all arrived.
  private mutating func take(_ packets: Int64) -> Int64 {
    var left = packets
    var known = acknowledged
    while left > 0, !inRing.isEmpty {
      let run = inRing.first
      let count = min(left, run.packets)
      known = max(known, run.end - (run.packets - count) * Self.coverage)
      left -= count
      if count == run.packets {
        inRing.removeFirst()
      } else {
        inRing.first.packets -= count
      }
    }
    return known
  }

  /// The stack has processed acknowledgements; what they allow goes out.
  ///
  /// Returns how many segments they newly cover.
  mutating func process(_ count: Int64, at now: Instant) -> Int64 {
    processed += count
    let known = take(count)
    let fresh = max(0, known - acknowledged)
    guard fresh > 0 else { return 0 }
    if now - lastProgress > timeout {
      // The timer's softirq runs before the acknowledgements that show it was early (RFC 5682).
      timeouts += 1
      congestion.collapse()
      congestion.restore()
    }
    lastProgress = now
    congestion.grow(delivered: fresh, inFlight: inFlight, now: now, limit: Double(window) + 1)
    acknowledged = known
    send(at: now)
    // Two round trips until the probe (RFC 8985), a third until its answer.
    if sequences.isEmpty, inRing.isEmpty, inFlight > 0 { probe = now + roundTrip * 3 }
    return fresh
  }
}
