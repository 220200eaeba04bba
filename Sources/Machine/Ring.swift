// SPDX-License-Identifier: GPL-3.0-or-later

/// A first-in, first-out queue in a fixed buffer; the caller says what happens when it is full.
struct Ring<Element: Sendable>: Sendable {
  private var buffer: [Element]
  private var head = 0
  private(set) var count = 0

  /// Creates an empty ring for `capacity` elements; `filler` fills places that are not in use.
  init(capacity: Int, filler: Element) {
    buffer = Array(repeating: filler, count: capacity)
  }

  var isEmpty: Bool { count == 0 }
  var isFull: Bool { count == buffer.count }

  /// The oldest element; the ring must not be empty.
  var first: Element {
    get { buffer[head] }
    set { buffer[head] = newValue }
  }

  /// The youngest element; the ring must not be empty.
  var last: Element {
    get { buffer[place(count - 1)] }
    set { buffer[place(count - 1)] = newValue }
  }

  private func place(_ offset: Int) -> Int {
    let place = head + offset
    return place < buffer.count ? place : place - buffer.count
  }

  /// Adds an element; the ring must not be full.
  mutating func append(_ element: Element) {
    precondition(count < buffer.count, "the ring is full")
    buffer[place(count)] = element
    count += 1
  }

  /// Removes the oldest element; the ring must not be empty.
  mutating func removeFirst() {
    head = place(1)
    count -= 1
  }
}
