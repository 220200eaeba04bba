// SPDX-License-Identifier: GPL-3.0-or-later

extension Costs {
  /// The volume that the rows dominate, up to a reference point: more is better.
  ///
  /// Exact. Rows that are not better than the reference in every objective add nothing. Two
  /// objectives take a sweep, three a sweep over slabs, more the WFG recursion (While,
  /// Bradstreet and Barone, 2012). The unit is the product of the objectives' units.
  package func hypervolume(reference: [Double]) -> Double {
    precondition(reference.count == width, "the reference has \(width) costs")
    let inside = rowsInside(reference)
    guard !inside.isEmpty else { return 0 }
    let front = nondominated(inside)
    if width <= 3 { return sliced(front, reference: reference, width: width) }
    return exclusive(front, reference: reference)
  }

  /// The rows that are better than the reference in every objective.
  private func rowsInside(_ reference: [Double]) -> [[Double]] {
    (0..<count).map { Array(self[$0]) }
      .filter { row in zip(row, reference).allSatisfy { $0 < $1 } }
  }

  private func nondominated(_ rows: [[Double]]) -> [[Double]] {
    let costs = Costs(rows, width: width)
    return costs.front().map { rows[$0] }
  }

  /// Sums slabs along the last objective; each slab is a volume of one dimension less.
  private func sliced(_ rows: [[Double]], reference: [Double], width: Int) -> Double {
    if width == 1 { return reference[0] - (rows.map { $0[0] }.min() ?? reference[0]) }
    if width == 2 { return swept(rows, reference: reference) }
    let order = rows.sorted { $0[width - 1] < $1[width - 1] }
    var volume = 0.0
    for (index, row) in order.enumerated() {
      let top = index + 1 < order.count ? order[index + 1][width - 1] : reference[width - 1]
      guard top > row[width - 1] else { continue }
      let area = sliced(Array(order[...index]), reference: reference, width: width - 1)
      volume += area * (top - row[width - 1])
    }
    return volume
  }

  private func swept(_ rows: [[Double]], reference: [Double]) -> Double {
    var ceiling = reference[1]
    var area = 0.0
    for row in rows.sorted(by: { ($0[0], $0[1]) < ($1[0], $1[1]) }) where row[1] < ceiling {
      area += (reference[0] - row[0]) * (ceiling - row[1])
      ceiling = row[1]
    }
    return area
  }

  /// The WFG recursion: each row adds what the rows after it do not also dominate.
  private func exclusive(_ rows: [[Double]], reference: [Double]) -> Double {
    var volume = 0.0
    for (index, row) in rows.enumerated() {
      let box = zip(row, reference).reduce(1) { $0 * ($1.1 - $1.0) }
      let limited = rows[(index + 1)...].map { other in zip(row, other).map { max($0, $1) } }
      let rest =
        limited.isEmpty ? 0 : exclusive(nondominated(limited), reference: reference)
      volume += box - rest
    }
    return volume
  }
}

/// A front cut into slabs, so that the volume a further point would add is cheap to ask for.
///
/// Slabs run along the last objective; each holds the same structure of one objective less. In
/// three objectives a question costs time linear in the front, mostly less: slabs that the
/// front already covers for the point end it.
struct Improvement: Sendable {
  private let objective: Int
  private let limit: Double
  /// Lower edges of the slabs, ascending; the first is minus infinity.
  private var edges: [Double] = []
  private var slabs: [Improvement] = []
  /// With one objective: the best cost so far.
  private var best: Double

  /// Builds the structure for rows of costs and a reference point.
  init(rows: [[Double]], reference: [Double]) {
    objective = reference.count - 1
    limit = reference[objective]
    best = min(limit, rows.map { $0[0] }.min() ?? limit)
    guard objective > 0 else { return }
    let order = rows.filter { $0[objective] < limit }.sorted { $0[objective] < $1[objective] }
    let rest = Array(reference.dropLast())
    edges = [-.infinity]
    slabs = [Improvement(rows: [], reference: rest)]
    for (index, row) in order.enumerated() {
      let next = index + 1 < order.count ? order[index + 1][objective] : limit
      guard next > row[objective] else { continue }
      edges.append(row[objective])
      let members = order[...index].map { Array($0.prefix(objective)) }
      slabs.append(Improvement(rows: members, reference: rest))
    }
  }

  /// The volume that a point of this cost adds to the front; never negative.
  func volume(addedBy point: [Double]) -> Double {
    guard objective > 0 else { return max(0, best - point[0]) }
    let start = point[objective]
    guard start < limit else { return 0 }
    var slab = slot(start)
    var (low, sum) = (start, 0.0)
    while slab < slabs.count {
      let high = slab + 1 < edges.count ? edges[slab + 1] : limit
      let area = slabs[slab].volume(addedBy: point)
      if area <= 0 { break }
      sum += area * (high - low)
      low = high
      slab += 1
    }
    return sum
  }

  /// The last slab whose lower edge is at or below a cost.
  private func slot(_ cost: Double) -> Int {
    var (low, high) = (0, edges.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if edges[middle] <= cost { low = middle } else { high = middle }
    }
    return low
  }
}
