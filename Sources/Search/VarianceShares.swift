// SPDX-License-Identifier: GPL-3.0-or-later

/// How much of a function's variance over a space each of its dimensions accounts for.
///
/// The shares are Sobol's (2001) first-order and total indices. They need independent inputs, and a
/// conditional space has none as it stands: a size is decided only where the rule takes one. So
/// every dimension is drawn from its levels with equal chance, independent of all others, whether
/// or not it then matters; the function sees the canonical form of what was drawn. A point that
/// leaves dimensions out thus stands for all of their levels, and points with one canonical form
/// have one value but keep the chance of each.
///
/// All expectations are sums over the whole space: there is no sampling error.
package struct VarianceShares: Hashable, Sendable {
  /// The shares of one dimension, 0 to 1.
  package struct Share: Hashable, Sendable {
    /// The dimension's name.
    package let dimension: String
    /// The share that vanishes, on average, once the dimension is fixed: what it does alone.
    package let first: Double
    /// The share that is left once all others are fixed: what it does alone and with others.
    package let total: Double
  }

  /// The mean of the function.
  package let mean: Double
  /// Its variance; where it is zero, so are all shares.
  package let variance: Double
  /// One share a dimension, in the order of the space.
  package let shares: [Share]

  /// The most dimensions of a space.
  package static let dimensionLimit = 64

  /// Decomposes the variance of a function exactly.
  ///
  /// - Parameters:
  ///   - space: The space; of a restricted one, every point must still be there.
  ///   - value: The function's value at a canonical point, by its index.
  /// - Throws: `hole` for a point that the space forbids, `tooManyDimensions`, or `rewriteLoop`.
  package init(of space: Space, value: (Int) -> Double) throws(SpaceError) {
    guard space.dimensions.count <= Self.dimensionLimit else {
      throw .tooManyDimensions(count: space.dimensions.count, limit: Self.dimensionLimit)
    }
    var tree = DrawTree(space: space)
    let root = try tree.grow(value)
    let (mean, square) = (tree.nodes[root].mean, tree.nodes[root].square)
    let variance = max(0, square - mean * mean)
    // Below this, differences of sums are rounding.
    let isFlat = variance <= 1e-13 * square
    self.mean = mean
    self.variance = isFlat ? 0 : variance
    shares = space.dimensions.indices.map { place in
      let parts = isFlat ? (first: 0, total: 0) : tree.parts(of: place, from: root)
      return Share(
        dimension: space.dimensions[place].name,
        first: isFlat ? 0 : min(1, max(0, parts.first / variance)),
        total: isFlat ? 0 : min(1, max(0, parts.total / variance))
      )
    }
  }
}

/// Everything that can be drawn from a space, one node for each choice that matters.
private struct DrawTree {
  /// A choice, or at the end a value.
  struct Node {
    /// The dimension that is chosen here; `Int.max` at the end.
    var dimension = Int.max
    /// The node of each level.
    var children: [Int] = []
    /// The mean of the function below this node.
    var mean = 0.0
    /// The mean of its square.
    var square = 0.0
    /// The dimensions that are chosen here or below, one bit each.
    var below: UInt64 = 0
  }

  let space: Space
  var nodes: [Node] = []

  init(space: Space) { self.space = space }

  /// Grows the whole tree and returns its root.
  mutating func grow(_ value: (Int) -> Double) throws(SpaceError) -> Int {
    try grow(Point(levels: space.dimensions.map { _ in 0 }), from: 0, value)
  }

  private mutating func grow(
    _ point: Point,
    from place: Int,
    _ value: (Int) -> Double
  ) throws(SpaceError) -> Int {
    var place = place
    while place < space.dimensions.count, !space.isActive(place, at: point) { place += 1 }
    var node = Node()
    if place < space.dimensions.count {
      node.dimension = place
      node.below = 1 << UInt64(place)
      let levels = space.dimensions[place].levels.indices
      var point = point
      for level in levels {
        point.levels[place] = level
        let child = try grow(point, from: place + 1, value)
        node.children.append(child)
        node.mean += nodes[child].mean / Double(levels.count)
        node.square += nodes[child].square / Double(levels.count)
        node.below |= nodes[child].below
      }
    } else {
      guard let canonical = try space.canonical(point), let index = space.index(of: canonical)
      else { throw .hole(point: space.labels(of: point).map { "\($0.dimension)=\($0.label)" }) }
      node.mean = value(index)
      node.square = node.mean * node.mean
    }
    nodes.append(node)
    return nodes.count - 1
  }

  /// The variance of the mean given a dimension, and the mean of the variance given all others.
  func parts(of dimension: Int, from root: Int) -> (first: Double, total: Double) {
    let levels = space.dimensions[dimension].levels.indices
    let means = levels.map { mean(of: root, dimension, $0) }
    let center = means.reduce(0, +) / Double(levels.count)
    let spread = means.reduce(0) { $0 + ($1 - center) * ($1 - center) }
    return (spread / Double(levels.count), rest(of: root, dimension))
  }

  /// The mean below a node where a dimension has a level.
  private func mean(of index: Int, _ dimension: Int, _ level: Int) -> Double {
    let node = nodes[index]
    if node.below & (1 << UInt64(dimension)) == 0 { return node.mean }
    if node.dimension == dimension { return nodes[node.children[level]].mean }
    return node.children.reduce(0) { $0 + mean(of: $1, dimension, level) }
      / Double(node.children.count)
  }

  /// The mean variance below a node that a dimension makes while all others stay.
  private func rest(of index: Int, _ dimension: Int) -> Double {
    let node = nodes[index]
    if node.below & (1 << UInt64(dimension)) == 0 { return 0 }
    let count = Double(node.children.count)
    guard node.dimension == dimension else {
      return node.children.reduce(0) { $0 + rest(of: $1, dimension) } / count
    }
    // Half the mean squared difference of two levels drawn anew.
    var sum = 0.0
    for (place, first) in node.children.enumerated() {
      for second in node.children[..<place] { sum += distance(first, second) }
    }
    return sum / (count * count)
  }

  /// The mean squared difference of two nodes under the same later choices.
  ///
  /// A choice that matters on one side only is drawn all the same; where no later choice matters
  /// on both, the sides are independent.
  private func distance(_ left: Int, _ right: Int) -> Double {
    let (a, b) = (nodes[left], nodes[right])
    if a.below & b.below == 0 { return max(0, a.square - 2 * a.mean * b.mean + b.square) }
    var sum = 0.0
    if a.dimension == b.dimension {
      for (one, other) in zip(a.children, b.children) { sum += distance(one, other) }
    } else if a.dimension < b.dimension {
      for one in a.children { sum += distance(one, right) }
    } else {
      for other in b.children { sum += distance(left, other) }
      return sum / Double(b.children.count)
    }
    return sum / Double(a.children.count)
  }
}
