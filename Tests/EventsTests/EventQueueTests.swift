// SPDX-License-Identifier: GPL-3.0-or-later

import Events
import Quantities
import TestSupport
import Testing

enum Kind: Int, EventKind {
  case first, second, third, fourth, fifth, sixth, seventh
}

/// What the heap and the table have in common.
protocol EventOrder {
  var now: Instant { get }
  var count: Int { get }
  func time(of kind: Kind) -> Instant?
  mutating func schedule(_ kind: Kind, at time: Instant)
  mutating func cancel(_ kind: Kind)
  mutating func next() -> Kind?
}

extension EventQueue: EventOrder where Kind == EventsTests.Kind {}
extension EventTable: EventOrder where Kind == EventsTests.Kind {}

@Suite struct EventQueueTests {
  @Test func orderIsTimeThenPriority() {
    var queue = EventQueue<Kind>()
    queue.schedule(.third, at: .start + .nanoseconds(5))
    queue.schedule(.second, at: .start + .nanoseconds(5))
    queue.schedule(.fourth, at: .start + .nanoseconds(1))
    #expect(queue.next() == .fourth)
    #expect(queue.next() == .second)
    #expect(queue.next() == .third)
    #expect(queue.next() == nil)
    #expect(queue.now == .start + .nanoseconds(5))
    #expect(queue.taken == 3)
  }

  @Test func movingAnEventLeavesOne() {
    var queue = EventQueue<Kind>()
    queue.schedule(.first, at: .start + .nanoseconds(1))
    queue.schedule(.first, at: .start + .nanoseconds(9))
    #expect(queue.count == 1)
    #expect(queue.time(of: .first) == .start + .nanoseconds(9))
    queue.cancel(.first)
    #expect(queue.time(of: .first) == nil)
    #expect(queue.next() == nil)
  }

  @Test(arguments: Property.seeds(40)) func agreesWithANaiveList(_ seed: UInt64) {
    compare(EventQueue<Kind>(), seed) { $0.holdsInvariants() }
  }

  @Test(arguments: Property.seeds(40)) func tableAgreesWithANaiveList(_ seed: UInt64) {
    compare(EventTable<Kind>(), seed) { _ in true }
  }

  /// A queue against a list that is searched from end to end.
  private func compare<Queue: EventOrder>(
    _ empty: Queue,
    _ seed: UInt64,
    holds: (Queue) -> Bool
  ) {
    var draw = SplitMix(seed)
    var queue = empty
    var naive: [Int: Int64] = [:]
    for _ in 0..<400 {
      let kind = Kind.allCases[Int(draw.next() % 7)]
      switch draw.next() % 4 {
      case 0:
        queue.cancel(kind)
        naive[kind.rawValue] = nil
      case 1:
        let expected = naive.min { ($0.value, $0.key) < ($1.value, $1.key) }
        #expect(queue.next()?.rawValue == expected?.key)
        if let expected {
          #expect(queue.now.rawValue == expected.value)
          naive[expected.key] = nil
        }
      default:
        let time = queue.now + .nanoseconds(Int64(draw.next() % 20))
        queue.schedule(kind, at: time)
        naive[kind.rawValue] = time.rawValue
      }
      #expect(queue.count == naive.count)
      #expect(queue.time(of: kind)?.rawValue == naive[kind.rawValue])
      #expect(holds(queue))
    }
  }

  @Test func schedulingInThePastIsABug() async {
    await #expect(processExitsWith: .failure) {
      var queue = EventQueue<Kind>()
      queue.schedule(.first, at: .start + .nanoseconds(10))
      _ = queue.next()
      queue.schedule(.second, at: .start + .nanoseconds(9))
    }
  }
}

@Suite struct TraceTests {
  @Test func digestDependsOnOrderTimeAndDetail() {
    func digest(_ events: [(Int64, Int, Int64)]) -> UInt64 {
      var digest = Digest()
      for (time, kind, detail) in events {
        for word in [time, Int64(kind), detail] { digest.add(UInt64(bitPattern: word)) }
      }
      return digest.value
    }
    let base = digest([(1, 2, 3), (4, 5, 6)])
    #expect(base == digest([(1, 2, 3), (4, 5, 6)]))
    #expect(base != digest([(4, 5, 6), (1, 2, 3)]))
    #expect(base != digest([(1, 2, 3), (4, 5, 7)]))
    #expect(base != digest([(1, 2, 3), (5, 5, 6)]))
  }

  @Test func traceIsBounded() {
    var trace = Trace(limit: 2)
    for name in 0..<5 {
      trace.add(TraceRecord(track: 0, name: name, start: .start, length: .zero))
    }
    #expect(trace.records.map(\.name) == [0, 1])
    #expect(trace.omitted == 3)
  }
}

/// A generator for tests of a room that may not import Randomness.
struct SplitMix {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }
}
