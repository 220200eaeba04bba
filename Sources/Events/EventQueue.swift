// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

/// What an event can be: a small set of kinds, each with a name for traces.
///
/// The raw value is the kind's slot in the queue and its priority among events of the same
/// instant: the lower runs first.
public protocol EventKind: RawRepresentable, CaseIterable, Sendable where RawValue == Int {}

/// A queue in which every kind of event is pending at most once, ordered by (time, priority,
/// serial).
///
/// The machine has few kinds of event and moves them often: an interrupt postpones the end of
/// what it interrupts. One slot a kind makes moving and cancelling exact and bounds the queue by
/// construction. Order: time, then the kind's raw value, then the order of scheduling.
public struct EventQueue<Kind: EventKind>: Sendable {
  /// One pending event.
  @usableFromInline
  struct Entry: Sendable {
    @usableFromInline var time: Int64
    /// Priority in the upper bits, serial in the lower ones.
    @usableFromInline var order: UInt64
    @usableFromInline var slot: Int32

    @inlinable
    init(time: Int64, order: UInt64, slot: Int32) {
      self.time = time
      self.order = order
      self.slot = slot
    }

    @inlinable
    func precedes(_ other: Entry) -> Bool {
      time != other.time ? time < other.time : order < other.order
    }
  }

  @usableFromInline var heap: [Entry] = []
  /// Where each kind sits in the heap; -1 for a kind that is not pending.
  @usableFromInline var places: [Int32]
  @usableFromInline var serial: UInt64 = 0

  /// The instant of the event taken last: the clock, which never runs backwards.
  public private(set) var now = Instant.start
  /// How many events have been taken.
  public private(set) var taken: Int64 = 0

  /// Creates an empty queue with its clock at the start of the run.
  public init() {
    let slots = Kind.allCases.reduce(0) { Swift.max($0, $1.rawValue + 1) }
    places = Array(repeating: -1, count: slots)
    heap.reserveCapacity(slots)
  }

  /// How many events are pending.
  public var count: Int { heap.count }

  /// The instant at which an event of this kind is pending, or nil.
  @inlinable
  public func time(of kind: Kind) -> Instant? {
    let place = places[kind.rawValue]
    return place < 0 ? nil : Instant(rawValue: heap[Int(place)].time)
  }

  /// Sets the one pending event of a kind to an instant, moving it if it was pending.
  ///
  /// Precondition: the instant does not lie before the clock.
  @inlinable
  public mutating func schedule(_ kind: Kind, at time: Instant) {
    precondition(time >= now, "an event cannot be scheduled in the past")
    serial &+= 1
    let slot = kind.rawValue
    let entry = Entry(
      time: time.rawValue,
      order: UInt64(slot) << 56 | serial,
      slot: Int32(truncatingIfNeeded: slot)
    )
    let place = Int(places[slot])
    if place < 0 {
      heap.append(entry)
      rise(from: heap.count - 1, entry)
    } else if entry.precedes(heap[place]) {
      rise(from: place, entry)
    } else {
      sink(from: place, entry)
    }
  }

  /// Removes the pending event of a kind, if there is one.
  @inlinable
  public mutating func cancel(_ kind: Kind) {
    let place = Int(places[kind.rawValue])
    guard place >= 0 else { return }
    remove(at: place)
  }

  /// Takes the next event and moves the clock to it; nil when none is pending.
  @inlinable
  public mutating func next() -> Kind? {
    guard let first = heap.first, let kind = Kind(rawValue: Int(first.slot)) else { return nil }
    remove(at: 0)
    advance(to: Instant(rawValue: first.time))
    return kind
  }

  @usableFromInline
  mutating func advance(to time: Instant) {
    precondition(time >= now, "the clock never runs backwards")
    now = time
    taken += 1
  }

  @inlinable
  mutating func remove(at place: Int) {
    places[Int(heap[place].slot)] = -1
    let last = heap.removeLast()
    guard place < heap.count else { return }
    if place > 0, last.precedes(heap[(place - 1) / 4]) {
      rise(from: place, last)
    } else {
      sink(from: place, last)
    }
  }

  /// Puts an entry at `place` or above it.
  @inlinable
  mutating func rise(from place: Int, _ entry: Entry) {
    var hole = place
    while hole > 0 {
      let parent = (hole - 1) / 4
      guard entry.precedes(heap[parent]) else { break }
      put(heap[parent], at: hole)
      hole = parent
    }
    put(entry, at: hole)
  }

  /// Puts an entry at `place` or below it.
  @inlinable
  mutating func sink(from place: Int, _ entry: Entry) {
    var hole = place
    while true {
      let first = 4 * hole + 1
      guard first < heap.count else { break }
      var least = first
      for child in first..<Swift.min(first + 4, heap.count)
      where heap[child].precedes(heap[least]) {
        least = child
      }
      guard heap[least].precedes(entry) else { break }
      put(heap[least], at: hole)
      hole = least
    }
    put(entry, at: hole)
  }

  @inlinable
  mutating func put(_ entry: Entry, at place: Int) {
    heap[place] = entry
    places[Int(entry.slot)] = Int32(truncatingIfNeeded: place)
  }

  /// Whether the heap is ordered and every place points at its entry; for tests.
  public func holdsInvariants() -> Bool {
    for (place, entry) in heap.enumerated() {
      guard places[Int(entry.slot)] == place else { return false }
      if place > 0, entry.precedes(heap[(place - 1) / 4]) { return false }
    }
    return places.count(where: { $0 >= 0 }) == heap.count
  }
}
