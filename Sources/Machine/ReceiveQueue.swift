// SPDX-License-Identifier: GPL-3.0-or-later

import Profiles
import Quantities
import Randomness

/// One receive queue of the network adapter: its ring, its interrupt, and what arrives in it.
struct ReceiveQueue: Sendable {
  /// A single packet whose fate is followed: a request or a connection attempt.
  struct Tracked: Sendable {
    /// Its place in the order of admission.
    var admitted: Int64
    /// When the client began to wait.
    var began: Instant
  }

  /// What one poll took from the ring.
  struct Polled {
    var segments: Int64 = 0
    var datagrams: Int64 = 0
    /// Requests and connection attempts.
    var singles: Int64 = 0
    var all: Int64 { segments + datagrams + singles }
  }

  /// Packets that the ring holds.
  private(set) var capacity: Int64
  private(set) var moderation: Nanoseconds
  /// The stream that arrives; one without a window where none does.
  ///
  /// Not an optional: looking into an optional copies what it holds.
  var flow: TCPFlow
  /// What the CPU sends; the ring's segments are then its acknowledgements.
  var sender: SendFlow
  /// Whether the stream goes out, so that `sender` counts and not `flow`.
  let sends: Bool
  /// Mean time between two arrivals of datagrams: of single ones, or of bursts.
  private let datagramGap: Nanoseconds
  private let datagramsPerSecond: Int64
  private let arrivesInBursts: Bool
  private var nextDatagram: Instant
  /// Datagrams that the next burst brings, times 10^9.
  private var datagramCredit: Int64 = 0
  private var jitter: Stream

  private var segments: Int64 = 0
  private var datagrams: Int64 = 0
  private var singles: Int64 = 0
  private(set) var admitted: Int64 = 0
  private(set) var polled: Int64 = 0
  private(set) var drops: Int64 = 0
  /// Whether the interrupt is masked because NAPI is scheduled.
  var isMasked = false
  /// The earliest instant of the next interrupt, as moderation allows.
  private var nextAllowed = Instant.start

  init(
    adapter: NetworkAdapter,
    load: NetworkLoad,
    flow: TCPFlow,
    sender: SendFlow,
    start: Instant,
    jitter: Stream
  ) {
    let receives = load.flows > 0 && load.offered > .zero && load.direction == .receive
    let frame = receives ? load.frame : load.datagramSize
    let descriptors = max(1, frame.divided(roundedUpBy: adapter.bufferSize))
    capacity = max(1, Int64(adapter.ring) / descriptors)
    moderation = adapter.moderation
    self.flow = flow
    self.sender = sender
    sends = sender.window > 0
    self.jitter = jitter
    datagramsPerSecond = Int64(load.datagrams)
    arrivesInBursts = load.burst > .zero
    let single = load.datagrams > 0 ? Nanoseconds.seconds(1) / datagramsPerSecond : .zero
    datagramGap = arrivesInBursts ? load.burst : single
    nextDatagram = load.datagrams > 0 ? start : .distantFuture
  }

  /// Gives the ring no end; for scenarios that switch the limit off.
  mutating func removeLimit() { capacity = .max / 4 }

  /// Lets the interrupt follow the packet at once; for scenarios that switch moderation off.
  mutating func removeModeration() { moderation = .zero }

  /// Segments of the flow, or acknowledgements of what is sent, that the stack has processed.
  var processedSegments: Int64 { sends ? sender.processed : flow.processed }

  /// Packets in the ring.
  var occupancy: Int64 { segments + datagrams + singles }

  /// Lets everything arrive that arrives up to and including `now`.
  mutating func advance(to now: Instant) {
    while nextDatagram <= now {
      let count = arrivesInBursts ? datagramCredit / 1_000_000_000 : 1
      let taken = min(count, max(0, capacity - occupancy))
      datagrams += taken
      admitted += taken
      drops += count - taken
      let wait = datagramWait() + .nanoseconds(1)
      if arrivesInBursts {
        datagramCredit += datagramsPerSecond * wait.rawValue - count * 1_000_000_000
      }
      nextDatagram += wait
    }
    let room = capacity - occupancy
    let arrived =
      sends ? sender.advance(to: now, room: room) : flow.advance(to: now, room: room)
    segments += arrived.entered
    admitted += arrived.entered
    drops += arrived.dropped
  }

  /// Single datagrams come half a gap early or late, bursts a quarter (captures/net, L1 of 6.1: the
  /// middle nine tenths of the bursts lie within a fifth of their mean while the CPU is free).
  private mutating func datagramWait() -> Nanoseconds {
    let spread = arrivesInBursts ? datagramGap / 2 : datagramGap
    return datagramGap - spread / 2 + jitter.uniform(below: spread)
  }

  /// A single packet arrives; false if the ring was full.
  mutating func admitSingle(at now: Instant) -> Bool {
    advance(to: now)
    guard occupancy < capacity else {
      drops += 1
      return false
    }
    singles += 1
    admitted += 1
    return true
  }

  /// When the queue's interrupt fires next as things stand, or nil.
  // Inlined: a call would copy the queue with both flows.
  @inline(__always)
  func interruptTime(after now: Instant) -> Instant? {
    guard !isMasked else { return nil }
    var arrival = now
    if occupancy == 0 {
      guard let next = nextArrivalTime(after: now) else { return nil }
      arrival = next
    }
    return max(arrival, nextAllowed)
  }

  @inline(__always)
  private func nextArrivalTime(after now: Instant) -> Instant? {
    let datagram = nextDatagram == .distantFuture ? nil : max(now, nextDatagram)
    let next =
      sends ? sender.nextArrivalTime(after: now) : flow.nextArrivalTime(after: now)
    guard let segment = next else { return datagram }
    return min(segment, datagram ?? .distantFuture)
  }

  /// The interrupt has been taken: it stays masked until NAPI completes.
  mutating func interrupted(at now: Instant) {
    // The adapter's clock and the CPU's are not in step: a tenth to either side.
    let spread = jitter.uniform(below: moderation / 5)
    nextAllowed = now + moderation - moderation / 10 + spread
    isMasked = true
  }

  /// Takes `count` packets from the ring, of each kind in proportion.
  mutating func poll(_ count: Int64) -> Polled {
    var taken = Polled()
    let all = occupancy
    guard count > 0, all > 0 else { return taken }
    if count == all {
      taken.segments = segments
      taken.datagrams = datagrams
      taken.singles = singles
    } else {
      taken.datagrams = datagrams * count / all
      taken.singles = singles * count / all
      taken.segments = min(segments, count - taken.datagrams - taken.singles)
      let rest = count - taken.all
      let more = min(rest, datagrams - taken.datagrams)
      taken.datagrams += more
      taken.singles += rest - more
    }
    segments -= taken.segments
    datagrams -= taken.datagrams
    singles -= taken.singles
    polled += taken.all
    return taken
  }
}
