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

  /// Adds a sequence at the end without copying what it stores, where that is much.
  ///
  /// Equal elements on both sides of the seam stay apart.
  mutating func appendShared(_ other: RunTree) {
    guard other.items.count > 8 else { return append(other) }
    count += other.count
    items.append(.many(other, 1))
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

  /// The last `length` elements.
  func suffix(_ length: Int64) -> RunTree {
    var (kept, left) = ([Item](), length)
    for item in items.reversed() {
      guard left > 0 else { break }
      switch item {
      case .one(let element, let repeats):
        kept.append(.one(element, min(left, repeats)))
        left -= min(left, repeats)
      case .many(let tree, let repeats):
        let whole = min(left / tree.count, repeats)
        kept.append(.many(tree, whole))
        left -= whole * tree.count
        guard whole < repeats else { continue }
        kept.append(.many(tree.suffix(left), 1))
        left = 0
      }
    }
    var result = RunTree()
    for item in kept.reversed() { result.append(item) }
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

  /// The sequence cut into batches of `size` elements, at least one; the last may be shorter.
  ///
  /// What repeats stays a repeat where batches fall on the same elements of it each time.
  func batches(of size: Int64) -> RunTree<RunTree> {
    var result = RunTree<RunTree>()
    var open = RunTree()
    fill(size, &open, &result)
    if open.count > 0 { result.append(open) }
    return result
  }

  private func fill(_ size: Int64, _ open: inout RunTree, _ result: inout RunTree<RunTree>) {
    for item in items {
      switch item {
      case .one(let element, let repeats):
        let first = open.count > 0 ? min(repeats, size - open.count) : 0
        open.append(element, first)
        if open.count == size { result.append(open.taken()) }
        var batch = RunTree()
        batch.append(element, size)
        result.append(batch, (repeats - first) / size)
        open.append(element, (repeats - first) % size)
      case .many(let tree, let repeats) where open.count == 0 && tree.count % size == 0:
        result.append(tree.batches(of: size), repeats)
      case .many(let tree, let repeats) where open.count == 0 && size % tree.count == 0:
        let times = size / tree.count
        var batch = RunTree()
        batch.append(tree, times)
        result.append(batch, repeats / times)
        open.append(tree, repeats % times)
      case .many(let tree, let repeats):
        for _ in 0..<repeats { tree.fill(size, &open, &result) }
      }
    }
  }

  /// The sequence, leaving none behind.
  private mutating func taken() -> RunTree {
    defer { self = RunTree() }
    return self
  }

  /// Calls `body` for each stretch of equal elements in order.
  func forEachRun(_ body: (Element, Int64) -> Void) {
    prefixRuns {
      body($0, $1)
      return true
    }
  }

  /// Calls `body` for stretches of equal elements in order while it returns true.
  @discardableResult
  func prefixRuns(_ body: (Element, Int64) -> Bool) -> Bool {
    for item in items {
      switch item {
      case .one(let element, let repeats): if !body(element, repeats) { return false }
      case .many(let tree, let repeats):
        for _ in 0..<repeats where !tree.prefixRuns(body) { return false }
      }
    }
    return true
  }

  /// Calls `body` for each element that is stored, with how often it occurs in the sequence.
  ///
  /// An element that is stored twice is given twice; what repeats is given once.
  func forEachStored(times: Int64 = 1, _ body: (Element, Int64) -> Void) {
    for item in items {
      switch item {
      case .one(let element, let repeats): body(element, repeats * times)
      case .many(let tree, let repeats): tree.forEachStored(times: repeats * times, body)
      }
    }
  }

  /// The distinct elements in the order of their first appearance, each with how often it occurs.
  var distinct: [(element: Element, times: Int64)] {
    var places: [Element: Int] = [:]
    var distinct: [(element: Element, times: Int64)] = []
    forEachStored { element, times in
      if let place = places[element] {
        distinct[place].times += times
      } else {
        places[element] = distinct.count
        distinct.append((element, times))
      }
    }
    return distinct
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
