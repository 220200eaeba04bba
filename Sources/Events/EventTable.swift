// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

/// A queue for a dozen kinds of event, each pending at most once, ordered by (time, raw value).
///
/// The order is the one of `EventQueue`. Where there are few kinds, one row of times that is looked
/// through for the least costs a third of a heap: scheduling and cancelling are a store each.
public struct EventTable<Kind: EventKind>: Sendable {
  /// When each kind is pending; `Int64.max` for one that is not, and for rows that are no kind.
  @usableFromInline var times = InlineArray<16, Int64>(repeating: .max)

  /// The instant of the event taken last: the clock, which never runs backwards.
  public private(set) var now = Instant.start
  /// How many events have been taken.
  public private(set) var taken: Int64 = 0

  /// Creates an empty queue with its clock at the start of the run.
  ///
  /// Precondition: raw values are below 16.
  public init() {
    precondition(Kind.allCases.allSatisfy { (0..<16).contains($0.rawValue) }, "16 kinds at most")
  }

  /// How many events are pending.
  public var count: Int { times.indices.count { times[$0] != .max } }

  /// The instant at which an event of this kind is pending, or nil.
  @inlinable
  public func time(of kind: Kind) -> Instant? {
    let time = times[kind.rawValue]
    return time == .max ? nil : Instant(rawValue: time)
  }

  /// Sets the one pending event of a kind to an instant, moving it if it was pending.
  ///
  /// Precondition: the instant does not lie before the clock. `distantFuture` never comes.
  @inlinable
  public mutating func schedule(_ kind: Kind, at time: Instant) {
    precondition(time >= now, "an event cannot be scheduled in the past")
    times[kind.rawValue] = time.rawValue
  }

  /// Removes the pending event of a kind, if there is one.
  @inlinable
  public mutating func cancel(_ kind: Kind) { times[kind.rawValue] = .max }

  /// Takes the next event and moves the clock to it; nil when none is pending.
  @inlinable
  public mutating func next() -> Kind? {
    // A knockout of pairs: as many comparisons as one after another, and four deep. Without a branch on
    // which is less: what comes next cannot be foreseen.
    let (time, slot) = sooner(
      sooner(
        sooner(sooner(row(0), row(1)), sooner(row(2), row(3))),
        sooner(sooner(row(4), row(5)), sooner(row(6), row(7)))
      ),
      sooner(
        sooner(sooner(row(8), row(9)), sooner(row(10), row(11))),
        sooner(sooner(row(12), row(13)), sooner(row(14), row(15)))
      )
    )
    guard time != .max, let kind = Kind(rawValue: slot) else { return nil }
    times[slot] = .max
    advance(to: Instant(rawValue: time))
    return kind
  }

  @inlinable @inline(__always)
  func row(_ index: Int) -> (time: Int64, slot: Int) { (times[index], index) }

  /// The row whose time is less, and of equal ones the left.
  @inlinable @inline(__always)
  func sooner(
    _ left: (time: Int64, slot: Int),
    _ right: (time: Int64, slot: Int)
  ) -> (time: Int64, slot: Int) {
    let isRight = right.time < left.time
    return (isRight ? right.time : left.time, isRight ? right.slot : left.slot)
  }

  @usableFromInline
  mutating func advance(to time: Instant) {
    precondition(time >= now, "the clock never runs backwards")
    now = time
    taken += 1
  }
}
