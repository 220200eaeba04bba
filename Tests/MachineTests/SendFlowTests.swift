// SPDX-License-Identifier: GPL-3.0-or-later

import Profiles
import Quantities
import Randomness
import Testing

@testable import Machine

/// One segment at a time: what `SendFlow` computes in trains.
///
/// Every acknowledgement is an object with the instant it arrives and the segments it covers.
struct NaiveSender {
  let gap: Int64
  let roundTrip: Int64
  let window: Int64
  var congestion: CongestionWindow
  var wireFree: Int64
  /// Arrival times in picoseconds of what the peer has taken, in order; none is a segment of its
  /// own acknowledgement yet.
  var flying: [Int64] = []
  var pendingCoverage: Int64 = 0
  var arrived: Int64 = 0
  var inRing: [Int64] = []
  var acknowledged: Int64 = 0
  var written: Int64 = 0
  var sent: Int64 = 0

  var space: Int64 { max(0, acknowledged + window - written) }

  mutating func write(_ count: Int64, _ now: Instant) {
    for _ in 0..<min(count, space) { written += 1 }
    send(now)
  }

  mutating func send(_ now: Instant) {
    while sent < written, sent < acknowledged + min(congestion.segments, window) {
      wireFree = max(wireFree, now.rawValue * 1_000) + gap
      flying.append(wireFree + roundTrip)
      sent += 1
    }
  }

  /// Returns how many acknowledgements have entered a ring without end.
  mutating func advance(_ now: Instant) -> Int64 {
    var entered: Int64 = 0
    while let first = flying.first, first <= now.rawValue * 1_000 {
      flying.removeFirst()
      arrived += 1
      pendingCoverage += 1
      if pendingCoverage == 2 || flying.isEmpty {
        inRing.append(arrived)
        pendingCoverage = 0
        entered += 1
      }
    }
    return entered
  }

  mutating func process(_ count: Int64, _ now: Instant) -> Int64 {
    var known = acknowledged
    for _ in 0..<count { known = max(known, inRing.removeFirst()) }
    let fresh = known - acknowledged
    guard fresh > 0 else { return 0 }
    congestion.grow(
      delivered: fresh,
      inFlight: sent - acknowledged,
      now: now,
      limit: Double(window) + 1
    )
    acknowledged = known
    send(now)
    return fresh
  }
}

@Suite struct SendFlowTests {
  static func flow(window: Int64, gap: Int64 = 7_000_500, roundTrip: Nanoseconds) -> SendFlow {
    var load = NetworkLoad()
    load.roundTrip = roundTrip
    return SendFlow(gap: UnitCost(rawValue: gap), load: load, window: window, start: .start)
  }

  /// Trains against single segments, over random writes, waits and polls.
  @Test(arguments: 1...40 as ClosedRange<UInt64>) func trainsAreSegments(_ seed: UInt64) {
    var random = Seed(seed).stream("send")
    let window = 2 + Int64(random.uniform(below: .nanoseconds(60)).rawValue)
    let roundTrip = Nanoseconds.microseconds(
      20 + Int64(random.uniform(below: .nanoseconds(200)).rawValue)
    )
    var fast = Self.flow(window: window, roundTrip: roundTrip)
    var slow = NaiveSender(
      gap: 7_000_500,
      roundTrip: roundTrip.rawValue * 1_000,
      window: window,
      congestion: CongestionWindow(control: .cubic),
      wireFree: 0
    )
    var now = Instant.start
    var ring: Int64 = 0
    for step in 0..<400 {
      now += random.uniform(below: .microseconds(60))
      let (entered, dropped) = fast.advance(to: now, room: .max / 4)
      #expect(dropped == 0)
      #expect(entered == slow.advance(now), "seed \(seed), step \(step)")
      ring += entered
      switch random.uniform(below: .nanoseconds(3)).rawValue {
      case 0:
        let count = random.uniform(below: .nanoseconds(window + 1)).rawValue
        fast.write(count, at: now)
        slow.write(count, now)
      case 1 where ring > 0:
        let count = 1 + random.uniform(below: .nanoseconds(ring)).rawValue
        let expected = slow.process(count, now)
        #expect(fast.process(count, at: now) == expected, "seed \(seed), step \(step)")
        ring -= count
      default: break
      }
      #expect(fast.sent == slow.sent && fast.acknowledged == slow.acknowledged)
      #expect(fast.space == slow.space)
    }
    #expect(fast.acknowledged > 0)
  }

  /// A ring that drops acknowledgements loses nothing: later ones, or a probe's answer, say it all.
  @Test func droppedAcknowledgementsAreMadeGood() {
    var flow = Self.flow(window: 40, roundTrip: .microseconds(100))
    flow.write(40, at: .start)
    var now = Instant.start
    var ring: Int64 = 0
    var drops: Int64 = 0
    for _ in 0..<200 {
      guard let next = flow.nextArrivalTime(after: now) else { break }
      now = max(next, now + .microseconds(150))
      let (entered, dropped) = flow.advance(to: now, room: 2 - ring)
      ring += entered
      drops += dropped
      _ = flow.process(ring, at: now)
      ring = 0
    }
    #expect(drops > 0)
    #expect(flow.acknowledged == 40 && flow.written == 40)
  }

  static func run(
    _ kernel: KernelProfile,
    chunk: Nanoseconds,
    writer: TaskPlacement = .sameCPU
  ) throws -> MachineOutcome {
    var load = Fixture.bulk(reader: writer)
    load.direction = .send
    let plan = Fixture.plan(chunk: chunk, total: .milliseconds(600))
    return try Fixture.input(kernel, plan, network: load).run()
  }

  static func share(_ outcome: MachineOutcome) -> Double {
    let during = Double(outcome.stageTwoBytes) / outcome.stageTwo.inSeconds
    return during / (Double(outcome.baselineBytes) / outcome.baseline.inSeconds)
  }

  @Test func undisturbedItFillsTheWire() throws {
    let outcome = try Self.run(Fixture.kernel(6, 1), chunk: .milliseconds(300))
    let rate = Double(outcome.baselineBytes) * 8 / outcome.baseline.inSeconds
    #expect(abs(rate / 9.43e9 - 1) < 0.02)
  }

  /// With the writer there a long chunk stops the flow, a short one does not.
  @Test func longChunksStopTheWriter() throws {
    for kernel in [Fixture.kernel(6, 1), Fixture.kernel(6, 12)] {
      #expect(Self.share(try Self.run(kernel, chunk: .milliseconds(300))) < 0.1)
      #expect(Self.share(try Self.run(kernel, chunk: .milliseconds(1))) > 0.95)
    }
  }

  /// With the writer elsewhere only the softirqs matter, which 6.12 runs and 6.1 stops running.
  @Test func acknowledgementsNeedSoftirqs() throws {
    let old = try Self.run(Fixture.kernel(6, 1), chunk: .milliseconds(300), writer: .elsewhere)
    let new = try Self.run(Fixture.kernel(6, 12), chunk: .milliseconds(300), writer: .elsewhere)
    #expect(Self.share(new) > 0.9)
    #expect(Self.share(old) < Self.share(new))
  }
}
