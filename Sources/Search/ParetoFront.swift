// SPDX-License-Identifier: GPL-3.0-or-later

/// Rows of costs (less is better), all of one width.
///
/// Not-a-number becomes infinity, the worst cost, so every comparison is defined.
package struct Costs: Hashable, Sendable {
  /// The number of objectives, at least one.
  package let width: Int
  /// The rows, one after the other: `[rows x width]`, no unit.
  package private(set) var values: [Double] = []

  /// Creates a list without rows.
  package init(width: Int) {
    precondition(width > 0, "a row of costs has an objective")
    self.width = width
  }

  /// Creates a list from rows of equal width.
  package init(_ rows: [[Double]], width: Int) {
    self.init(width: width)
    for row in rows { append(row) }
  }

  /// Appends a row.
  package mutating func append(_ row: [Double]) {
    precondition(row.count == width, "every row has \(width) costs")
    for value in row { values.append(value.isNaN ? .infinity : value) }
  }

  /// The number of rows.
  package var count: Int { values.count / width }

  /// One row.
  package subscript(row: Int) -> ArraySlice<Double> {
    values[row * width..<(row + 1) * width]
  }

  /// The cost of one row in one objective.
  package subscript(row: Int, objective: Int) -> Double { values[row * width + objective] }

  /// Whether row `left` is nowhere worse than row `right` and somewhere better.
  package func dominates(_ left: Int, _ right: Int) -> Bool {
    var better = false
    for objective in 0..<width {
      let (mine, other) = (self[left, objective], self[right, objective])
      if mine > other { return false }
      if mine < other { better = true }
    }
    return better
  }

  /// The rows that no other row dominates, in ascending order; equal rows stay together.
  ///
  /// Sweeps in O(n log n) for one and two objectives and O(n log n + n f) for three, with f the
  /// size of the front; pairwise against the front for more.
  package func front() -> [Int] {
    let order = (0..<count).sorted { precedes($0, $1) }
    var verdicts = [Bool](repeating: false, count: count)
    var sweep = Sweep(costs: self)
    var previous: Int?
    for row in order {
      if let previous, self[row].elementsEqual(self[previous]) {
        verdicts[row] = verdicts[previous]
      } else {
        verdicts[row] = sweep.admits(row)
      }
      previous = row
    }
    return (0..<count).filter { verdicts[$0] }
  }

  private func precedes(_ left: Int, _ right: Int) -> Bool {
    for objective in 0..<width {
      let (mine, other) = (self[left, objective], self[right, objective])
      if mine != other { return mine < other }
    }
    return left < right
  }
}

/// The state of a sweep in lexicographic order: what has been seen decides about what comes.
private struct Sweep {
  let costs: Costs
  private var best = Double.infinity
  private var isFirst = true
  /// With three objectives: non-dominated pairs, second objective ascending, third descending.
  private var stairs: [(second: Double, third: Double)] = []
  /// With more: the front so far.
  private var members: [Int] = []

  init(costs: Costs) { self.costs = costs }

  mutating func admits(_ row: Int) -> Bool {
    defer { isFirst = false }
    switch costs.width {
    case 1: return isFirst
    case 2: return admitsPair(costs[row, 1])
    case 3: return admitsTriple(costs[row, 1], costs[row, 2])
    default:
      if members.contains(where: { costs.dominates($0, row) }) { return false }
      members.append(row)
      return true
    }
  }

  private mutating func admitsPair(_ second: Double) -> Bool {
    guard isFirst || second < best else { return false }
    best = second
    return true
  }

  private mutating func admitsTriple(_ second: Double, _ third: Double) -> Bool {
    var (low, high) = (0, stairs.count)
    while low < high {
      let middle = (low + high) / 2
      if stairs[middle].second <= second { low = middle + 1 } else { high = middle }
    }
    if low > 0, stairs[low - 1].third <= third { return false }
    var first = low
    while first > 0, stairs[first - 1].second == second { first -= 1 }
    var end = first
    while end < stairs.count, stairs[end].third >= third { end += 1 }
    stairs.removeSubrange(first..<end)
    stairs.insert((second: second, third: third), at: first)
    return true
  }
}
