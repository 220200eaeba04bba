// SPDX-License-Identifier: GPL-3.0-or-later

import Operations
import Profiles
import Quantities

/// The bulk TCP traffic that one queue receives: a sender behind a wire, in whole segments.
///
/// The sender's clock is shifted by half a round trip, so an acknowledgement that leaves at t
/// takes effect on arrivals from t + RTT on. Nothing here is an event: arrivals up to an instant
/// are computed when somebody asks.
struct TCPFlow: Sendable {
  /// What the receiver tells the sender.
  struct Acknowledgement: Sendable {
    var time: Instant
    /// Transmissions known to have arrived.
    var delivered: Int64
    /// Transmissions known to be lost.
    var lost: Int64
    /// How many segments the receiver has room for, counted from the first.
    var edge: Int64
  }

  /// A number of segments at a place in the order of admission to the ring.
  struct Mark: Sendable {
    var admitted: Int64
    var segments: Int64
  }

  /// Time on the wire of one segment.
  let gap: UnitCost
  let roundTrip: Nanoseconds
  /// The receive window in segments.
  let window: Int64
  /// The least retransmission timeout.
  let timeout: Nanoseconds
  private(set) var congestion: CongestionWindow

  // The sender.
  private var nextArrival: Int64 = 0
  private var isBlocked = false
  private var unique: Int64 = 0
  private var sent: Int64 = 0
  private var delivered: Int64 = 0
  private var lost: Int64 = 0
  private var toRetransmit: Int64 = 0
  private var edge: Int64
  private var recoveryEnd: Int64 = 0
  private var acknowledgements: Ring<Acknowledgement>
  private var timer: Instant = .distantFuture
  private var backoff: Int64 = 1
  private var probing = false
  private(set) var retransmits: Int64 = 0
  private(set) var timeouts: Int64 = 0

  // The receiver.
  private(set) var admitted: Int64 = 0
  private(set) var processed: Int64 = 0
  private var losses: Ring<Mark>
  private var repairs: Ring<Mark>
  private var lostReported: Int64 = 0
  private var missing: Int64 = 0
  private var outOfOrder: Int64 = 0
  /// Segments in order that the reader has not taken.
  private(set) var readable: Int64 = 0
  private(set) var taken: Int64 = 0

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
    edge = window
    let none = Acknowledgement(time: .start, delivered: 0, lost: 0, edge: 0)
    acknowledgements = Ring(capacity: 1_024, filler: none)
    losses = Ring(capacity: 64, filler: Mark(admitted: 0, segments: 0))
    repairs = Ring(capacity: 64, filler: Mark(admitted: 0, segments: 0))
    nextArrival = start.rawValue * 1_000
  }

  private var inFlight: Int64 { sent - delivered - lost }

  /// How many segments the sender may put on the wire now.
  @inline(__always)
  private var allowance: Int64 {
    let fresh = max(0, edge - unique)
    return max(0, min(toRetransmit + fresh, congestion.segments - inFlight))
  }

  /// The earliest instant at which a segment may arrive, or nil when the sender waits for news.
  @inline(__always)
  func nextArrivalTime(after now: Instant) -> Instant? {
    if allowance > 0 {
      return max(now, Instant(rawValue: (nextArrival + 999) / 1_000))
    }
    if !acknowledgements.isEmpty { return max(now, acknowledgements.first.time) }
    return inFlight > 0 ? max(now, timer) : nil
  }

  /// Lets segments arrive up to and including `time`; `room` is what the ring still takes.
  ///
  /// Returns how many entered the ring and how many were dropped.
  mutating func advance(to time: Instant, room: Int64) -> (entered: Int64, dropped: Int64) {
    var entered: Int64 = 0
    var dropped: Int64 = 0
    while true {
      let news = acknowledgements.isEmpty ? Instant.distantFuture : acknowledgements.first.time
      let alarm = inFlight > 0 ? timer : .distantFuture
      let horizon = min(time, min(news, alarm))
      let count = transmit(until: horizon)
      if count > 0 {
        let fits = min(count, room - entered)
        if fits > 0 {
          entered += fits
          admitted += fits
        }
        if count > fits { drop(count - max(0, fits)) }
        dropped += count - max(0, fits)
      }
      guard min(news, alarm) <= time else { return (entered, dropped) }
      if news <= alarm { receive() } else { expire(at: alarm) }
    }
  }

  /// Puts segments on the wire that arrive up to `horizon`.
  private mutating func transmit(until horizon: Instant) -> Int64 {
    let allowed = allowance
    guard allowed > 0 else {
      isBlocked = true
      return 0
    }
    let (limit, overflow) = horizon.rawValue.multipliedReportingOverflow(by: 1_000)
    guard overflow || nextArrival <= limit else { return 0 }
    // Most often it is one: a comparison is cheaper than a division.
    let left = overflow ? .max : limit - nextArrival
    let count = left < gap.rawValue ? 1 : overflow ? allowed : min(allowed, left / gap.rawValue + 1)
    nextArrival += count * gap.rawValue
    if inFlight == 0 { timer = Instant(rawValue: nextArrival / 1_000) + timeout * backoff }
    let again = min(count, toRetransmit)
    toRetransmit -= again
    retransmits += again
    unique += count - again
    sent += count
    if again > 0 { Self.note(&repairs, Mark(admitted: admitted + again, segments: again)) }
    isBlocked = count == allowed
    return count
  }

  private mutating func drop(_ count: Int64) {
    Self.note(&losses, Mark(admitted: admitted, segments: count))
    missing += count
  }

  /// Remembers a mark, merging it with the last where the place is the same or there is no room.
  private static func note(_ ring: inout Ring<Mark>, _ mark: Mark) {
    if !ring.isEmpty, ring.isFull || ring.last.admitted == mark.admitted {
      ring.last.segments += mark.segments
    } else {
      ring.append(mark)
    }
  }

  /// The sender learns what the oldest acknowledgement says.
  private mutating func receive() {
    let news = acknowledgements.first
    acknowledgements.removeFirst()
    let flight = inFlight
    let fresh = news.delivered - delivered
    let newlyLost = max(0, news.lost - lost)
    delivered = news.delivered
    edge = max(edge, news.edge)
    if newlyLost > 0 {
      if delivered + lost >= recoveryEnd {
        congestion.reduce()
        recoveryEnd = sent
      }
      lost = news.lost
      toRetransmit += newlyLost
    }
    if probing {
      probing = false
      if newlyLost == 0 { congestion.restore() } else { congestion.confirm() }
    }
    if fresh > 0 {
      backoff = 1
      congestion.grow(
        delivered: fresh,
        inFlight: flight,
        now: news.time,
        limit: Double(window) + 1
      )
    }
    timer = news.time + timeout + roundTrip
    if isBlocked { nextArrival = max(nextArrival, news.time.rawValue * 1_000) }
  }

  /// The retransmission timer fires: what the ring refused is taken for lost, and one segment
  /// may be sent.
  private mutating func expire(at time: Instant) {
    timeouts += 1
    congestion.collapse()
    probing = true
    backoff = min(backoff * 2, 512)
    var refused: Int64 = 0
    while !losses.isEmpty {
      refused += losses.first.segments
      losses.removeFirst()
    }
    if refused > 0 {
      lost += refused
      lostReported += refused
      toRetransmit += refused
      congestion.confirm()
      recoveryEnd = sent
    }
    timer = time + timeout * backoff
    nextArrival = max(nextArrival, time.rawValue * 1_000)
  }

  /// The stack has processed segments from the ring.
  ///
  /// Returns how many became readable.
  mutating func process(_ count: Int64) -> Int64 {
    processed += count
    while !losses.isEmpty, processed >= losses.first.admitted + 3 {
      lostReported += losses.first.segments
      losses.removeFirst()
    }
    while !repairs.isEmpty, processed >= repairs.first.admitted {
      missing = max(0, missing - repairs.first.segments)
      repairs.removeFirst()
    }
    outOfOrder += count
    guard missing == 0 else { return 0 }
    let ready = outOfOrder
    outOfOrder = 0
    readable += ready
    return ready
  }

  /// The reader has taken segments from the socket.
  mutating func take(_ count: Int64) {
    readable -= count
    taken += count
  }

  /// Sends an acknowledgement with everything the receiver knows at `time`.
  mutating func acknowledge(at time: Instant) {
    let news = Acknowledgement(
      time: time + roundTrip,
      delivered: processed,
      lost: lostReported,
      edge: taken + window
    )
    if !acknowledgements.isEmpty,
      acknowledgements.isFull || acknowledgements.last.time >= news.time
    {
      let late = max(news.time, acknowledgements.last.time)
      acknowledgements.last = news
      acknowledgements.last.time = late
    } else {
      acknowledgements.append(news)
    }
  }
}
