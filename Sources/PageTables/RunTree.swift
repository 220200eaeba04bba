// SPDX-License-Identifier: GPL-3.0-or-later

/// A sequence with repeats inside repeats: its size grows with distinct stretches, not elements.
///
/// Four million equal chunks are one item; 512 times "511 equal chunks and one other" are two
/// items inside one.
struct RunTree<Element: Hashable & Sendable>: Hashable, Sendable {
  /// A stretch of the sequence.
  enum Item: Hashable, Sendable {
    /// An element, so many times in a row.
    case one(Element, Int64)
    /// A sequence, so many times in a row.
    case many(RunTree, Int64)
  }

  private(set) var items: [Item] = []
  /// The number of elements.
  private(set) var count: Int64 = 0

  /// Adds an element at the end, `repeats` times; none where that is zero.
  mutating func append(_ element: Element, _ repeats: Int64 = 1) {
    guard repeats > 0 else { return }
    count += repeats
    if case .one(element, let before)? = items.last {
      items[items.count - 1] = .one(element, before + repeats)
    } else {
      items.append(.one(element, repeats))
    }
  }

  /// Adds a sequence at the end, `repeats` times; none where that is zero.
  mutating func append(_ other: RunTree, _ repeats: Int64 = 1) {
    guard repeats > 0, other.count > 0 else { return }
    if other.items.count == 1 {
      switch other.items[0] {
      case .one(let element, let times): append(element, times * repeats)
      case .many(let inner, let times): append(inner, times * repeats)
      }
    } else if repeats == 1 {
      for item in other.items { append(item) }
    } else {
      count += other.count * repeats
      if case .many(other, let before)? = items.last {
        items[items.count - 1] = .many(other, before + repeats)
      } else {
        items.append(.many(other, repeats))
      }
    }
  }

  private mutating func append(_ item: Item) {
    switch item {
    case .one(let element, let repeats): append(element, repeats)
    case .many(let tree, let repeats): append(tree, repeats)
    }
  }

  /// The first `length` elements.
  func prefix(_ length: Int64) -> RunTree {
    guard length < count else { return self }
    var result = RunTree()
    var left = length
    for item in items {
      guard left > 0 else { break }
      switch item {
      case .one(let element, let repeats):
        result.append(element, min(left, repeats))
        left -= min(left, repeats)
      case .many(let tree, let repeats):
        let whole = min(left / tree.count, repeats)
        result.append(tree, whole)
        left -= whole * tree.count
        guard whole < repeats else { continue }
        result.append(tree.prefix(left))
        left = 0
      }
    }
    return result
  }

  /// All elements but the first.
  func droppingFirst() -> RunTree {
    var result = RunTree()
    var isFirst = true
    for item in items {
      guard isFirst else {
        result.append(item)
        continue
      }
      isFirst = false
      switch item {
      case .one(let element, let repeats): result.append(element, repeats - 1)
      case .many(let tree, let repeats):
        result.append(tree.droppingFirst())
        result.append(tree, repeats - 1)
      }
    }
    return result
  }

  /// Removes the last element and returns it, or nil where there is none.
  mutating func removeLast() -> Element? {
    guard let item = items.popLast() else { return nil }
    switch item {
    case .one(let element, let repeats):
      if repeats > 1 { items.append(.one(element, repeats - 1)) }
      count -= 1
      return element
    case .many(var tree, let repeats):
      count -= tree.count * repeats
      append(tree, repeats - 1)
      let element = tree.removeLast()
      append(tree)
      return element
    }
  }

  /// The same sequence with every element replaced; equal neighbours merge.
  func map<Other>(_ transform: (Element) -> Other) -> RunTree<Other> {
    var result = RunTree<Other>()
    for item in items {
      switch item {
      case .one(let element, let repeats): result.append(transform(element), repeats)
      case .many(let tree, let repeats): result.append(tree.map(transform), repeats)
      }
    }
    return result
  }

  /// Calls `body` for each stretch of equal elements in order.
  func forEachRun(_ body: (Element, Int64) -> Void) {
    for item in items {
      switch item {
      case .one(let element, let repeats): body(element, repeats)
      case .many(let tree, let repeats): for _ in 0..<repeats { tree.forEachRun(body) }
      }
    }
  }

  /// The largest measure of any element, or nil where there is none.
  func distinctMaximum(_ measure: (Element) -> Int64) -> Int64? {
    var largest: Int64?
    for item in items {
      let value =
        switch item {
        case .one(let element, _): Int64?(measure(element))
        case .many(let tree, _): tree.distinctMaximum(measure)
        }
      if let value, value > largest ?? Int64.min { largest = value }
    }
    return largest
  }

  /// Adds up a value over all elements, multiplying where stretches repeat.
  func sum<Value>(
    _ zero: Value,
    _ value: (Element) -> Value,
    _ add: (inout Value, Value, Int64) -> Void
  ) -> Value {
    var total = zero
    for item in items {
      switch item {
      case .one(let element, let repeats): add(&total, value(element), repeats)
      case .many(let tree, let repeats): add(&total, tree.sum(zero, value, add), repeats)
      }
    }
    return total
  }
}
