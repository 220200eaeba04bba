// SPDX-License-Identifier: GPL-3.0-or-later

/// One choice of a dimension: its label and, where levels have an order, its place in it.
package struct Level: Hashable, Sendable, Codable {
  /// What a person reads and writes, such as `2MiB`; unique within its dimension.
  package let label: String
  /// The place on the dimension's scale in any unit, or nil for a level without order.
  package let position: Double?

  /// Creates a level; a position must be finite.
  package init(_ label: String, at position: Double? = nil) {
    precondition(position?.isFinite ?? true, "the position of level \(label) is finite")
    self.label = label
    self.position = position
  }
}

/// A test on one dimension: it has one of the named levels.
package struct Condition: Hashable, Sendable, Codable {
  /// The dimension's name.
  package let dimension: String
  /// The labels that satisfy the test.
  package let levels: [String]

  /// Creates the test "dimension has one of the levels".
  package init(_ dimension: String, in levels: [String]) {
    self.dimension = dimension
    self.levels = levels
  }
}

/// One decision: a finite list of levels that matters only where all its conditions hold.
package struct Dimension: Hashable, Sendable, Codable {
  /// The name, unique within its space.
  package let name: String
  /// What kind of decision it is, for filters of the user; free text.
  package let tag: String
  /// The levels, at least one; the first is what an inactive dimension is given.
  package let levels: [Level]
  /// Tests on earlier dimensions, all of which must hold for this one to matter.
  package let conditions: [Condition]

  /// Creates a dimension.
  package init(
    _ name: String,
    tag: String = "",
    levels: [Level],
    when conditions: [Condition] = []
  ) {
    self.name = name
    self.tag = tag
    self.levels = levels
    self.conditions = conditions
  }

  /// The index of the level with this label, or nil.
  package func index(of label: String) -> Int? { levels.firstIndex { $0.label == label } }
}

/// A rule that removes duplicates: where its tests hold, other levels say the same.
///
/// An empty `levels` forbids what the tests describe instead of rewriting it.
package struct Rewrite: Hashable, Sendable, Codable {
  /// The tests, all of which must hold.
  package let conditions: [Condition]
  /// The dimensions to change and the labels they get.
  package let levels: [Condition]

  /// Creates the rule "where all conditions hold, these levels stand for the same point".
  package init(when conditions: [Condition], to levels: [(dimension: String, label: String)]) {
    self.conditions = conditions
    self.levels = levels.map { Condition($0.dimension, in: [$0.label]) }
  }

  /// Creates the rule "points for which all conditions hold are not part of the space".
  package init(forbidding conditions: [Condition]) {
    self.conditions = conditions
    levels = []
  }
}

/// A point of a space: one level index for each dimension, in the order of the dimensions.
package struct Point: Hashable, Sendable, Codable {
  /// The level indices.
  package var levels: [Int]

  /// Creates a point from its level indices.
  package init(levels: [Int]) { self.levels = levels }
}

/// Why a space cannot be built or a point is not in it.
package enum SpaceError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Two dimensions, or two levels of one, share a name.
  case duplicate(name: String)
  /// A dimension has no level.
  case noLevels(dimension: String)
  /// A test or a point names a dimension that does not stand before it.
  case unknownDimension(name: String, legal: [String])
  /// A test or a point names a level that its dimension does not have.
  case unknownLevel(dimension: String, label: String, legal: [String])
  /// A choice of levels that the space forbids, where every choice must mean something.
  case hole(point: [String])
  /// More dimensions than can be told apart.
  case tooManyDimensions(count: Int, limit: Int)
  /// The rewriting rules do not settle on one form.
  case rewriteLoop(point: [String])

  /// One sentence with what was given and what is legal.
  package var description: String {
    switch self {
    case .duplicate(let name): "the name '\(name)' is used twice in the space"
    case .noLevels(let dimension): "dimension '\(dimension)' has no level"
    case .unknownDimension(let name, let legal):
      "'\(name)' is not a dimension; legal here: \(legal.joined(separator: ", "))"
    case .unknownLevel(let dimension, let label, let legal):
      "'\(label)' is not a level of \(dimension); legal: \(legal.joined(separator: ", "))"
    case .hole(let point):
      "the space has no \(point.joined(separator: ", ")), so its dimensions are not independent"
    case .tooManyDimensions(let count, let limit):
      "the space has \(count) dimensions; at most \(limit) are legal"
    case .rewriteLoop(let point):
      "the rewriting rules never settle for \(point.joined(separator: ", "))"
    }
  }
}
