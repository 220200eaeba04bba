// SPDX-License-Identifier: GPL-3.0-or-later

/// A mixed, conditional, discrete space, described as data and enumerated in canonical form.
///
/// Two points that mean the same (they differ only where a dimension does not matter, or a rewrite
/// makes them equal) have one canonical form, and only canonical points are enumerated, in
/// lexicographic order of their level indices.
package struct Space: Sendable {
  /// The dimensions, conditions pointing backwards.
  package let dimensions: [Dimension]
  /// The rules that remove duplicates and impossible combinations.
  package let rewrites: [Rewrite]
  /// Every canonical point, in lexicographic order.
  package let points: [Point]

  private let tests: [[Test]]
  private let rules: [Rule]
  private let indices: [Point: Int]

  /// Builds and enumerates a space.
  ///
  /// Throws `SpaceError` for duplicate names, empty dimensions and tests that name nothing.
  package init(_ dimensions: [Dimension], rewrites: [Rewrite] = []) throws(SpaceError) {
    self.dimensions = dimensions
    self.rewrites = rewrites
    var compiler = Compiler(dimensions: dimensions)
    tests = try compiler.activityTests()
    rules = try compiler.rules(rewrites)
    let canon = Canon(dimensions: dimensions, tests: tests, rules: rules)
    points = try canon.enumerate()
    indices = Dictionary(uniqueKeysWithValues: points.enumerated().map { ($1, $0) })
  }

  /// The same space with only those canonical points that pass a test, in the same order.
  package func restricted(_ keep: (Point) -> Bool) -> Space {
    Space(
      dimensions: dimensions,
      rewrites: rewrites,
      points: points.filter(keep),
      tests: tests,
      rules: rules
    )
  }

  private init(
    dimensions: [Dimension],
    rewrites: [Rewrite],
    points: [Point],
    tests: [[Test]],
    rules: [Rule]
  ) {
    self.dimensions = dimensions
    self.rewrites = rewrites
    self.points = points
    self.tests = tests
    self.rules = rules
    indices = Dictionary(uniqueKeysWithValues: points.enumerated().map { ($1, $0) })
  }

  /// The number of canonical points.
  package var count: Int { points.count }

  /// The index of a canonical point, or nil where the point is not one.
  package func index(of point: Point) -> Int? { indices[point] }

  /// Whether a dimension matters at a point.
  package func isActive(_ dimension: Int, at point: Point) -> Bool {
    tests[dimension].allSatisfy { $0.holds(point.levels) }
  }

  /// The canonical form of any choice of levels, or nil where the space forbids it.
  ///
  /// Throws `SpaceError.rewriteLoop` where the rules do not settle.
  package func canonical(_ point: Point) throws(SpaceError) -> Point? {
    try Canon(dimensions: dimensions, tests: tests, rules: rules).canonical(point)
  }

  /// The labels of a point's active dimensions, by dimension name, in order.
  package func labels(of point: Point) -> [(dimension: String, label: String)] {
    dimensions.indices.filter { isActive($0, at: point) }
      .map { (dimensions[$0].name, dimensions[$0].levels[point.levels[$0]].label) }
  }

  /// The canonical point with these labels; dimensions that are not named get their first level.
  ///
  /// Returns nil where the space forbids the combination; throws for a name or label it lacks.
  package func point(
    labels: [(dimension: String, label: String)]
  ) throws(SpaceError) -> Point? {
    var point = Point(levels: dimensions.map { _ in 0 })
    for (name, label) in labels {
      guard let place = dimensions.firstIndex(where: { $0.name == name }) else {
        throw .unknownDimension(name: name, legal: dimensions.map(\.name))
      }
      guard let level = dimensions[place].index(of: label) else {
        let legal = dimensions[place].levels.map(\.label)
        throw .unknownLevel(dimension: name, label: label, legal: legal)
      }
      point.levels[place] = level
    }
    return try canonical(point)
  }
}

/// A compiled condition: a dimension's index and which of its levels satisfy.
struct Test: Sendable {
  let dimension: Int
  let accepted: [Bool]

  func holds(_ levels: [Int]) -> Bool { accepted[levels[dimension]] }
}

/// A compiled rewrite.
struct Rule: Sendable {
  let tests: [Test]
  let changes: [(dimension: Int, level: Int)]
}

/// Turns names into indices, once, and finds the names that mean nothing.
struct Compiler {
  let dimensions: [Dimension]

  mutating func activityTests() throws(SpaceError) -> [[Test]] {
    var tests: [[Test]] = []
    var seen: [String] = []
    for dimension in dimensions {
      guard !dimension.levels.isEmpty else { throw .noLevels(dimension: dimension.name) }
      guard !seen.contains(dimension.name) else { throw .duplicate(name: dimension.name) }
      let labels = dimension.levels.map(\.label)
      if let twice = labels.first(where: { label in labels.filter { $0 == label }.count > 1 }) {
        throw .duplicate(name: "\(dimension.name)=\(twice)")
      }
      var own: [Test] = []
      for condition in dimension.conditions { own.append(try test(condition, among: seen.count)) }
      tests.append(own)
      seen.append(dimension.name)
    }
    return tests
  }

  func rules(_ rewrites: [Rewrite]) throws(SpaceError) -> [Rule] {
    var rules: [Rule] = []
    for rewrite in rewrites {
      var tests: [Test] = []
      for condition in rewrite.conditions {
        tests.append(try test(condition, among: dimensions.count))
      }
      var changes: [(dimension: Int, level: Int)] = []
      for change in rewrite.levels {
        let target = try test(change, among: dimensions.count)
        if let level = target.accepted.firstIndex(of: true) {
          changes.append((target.dimension, level))
        }
      }
      rules.append(Rule(tests: tests, changes: changes))
    }
    return rules
  }

  func test(_ condition: Condition, among count: Int) throws(SpaceError) -> Test {
    let legal = dimensions.prefix(count)
    guard let place = legal.firstIndex(where: { $0.name == condition.dimension }) else {
      throw .unknownDimension(name: condition.dimension, legal: legal.map(\.name))
    }
    let labels = dimensions[place].levels.map(\.label)
    if let wrong = condition.levels.first(where: { !labels.contains($0) }) {
      throw .unknownLevel(dimension: condition.dimension, label: wrong, legal: labels)
    }
    return Test(dimension: place, accepted: labels.map { condition.levels.contains($0) })
  }
}

/// The canonical form, and the enumeration of every point that has it.
struct Canon {
  let dimensions: [Dimension]
  let tests: [[Test]]
  let rules: [Rule]

  func canonical(_ point: Point) throws(SpaceError) -> Point? {
    var current = settled(point.levels)
    for _ in 0...rules.count {
      guard let rule = rules.first(where: { applies($0, to: current) }) else {
        return Point(levels: current)
      }
      if rule.changes.isEmpty { return nil }
      for change in rule.changes { current[change.dimension] = change.level }
      current = settled(current)
    }
    throw .rewriteLoop(
      point: zip(dimensions, current).map { "\($0.name)=\($0.levels[$1].label)" }
    )
  }

  func enumerate() throws(SpaceError) -> [Point] {
    var points: [Point] = []
    guard !dimensions.isEmpty else { return points }
    var levels = dimensions.map { _ in 0 }
    var limits = dimensions.map { _ in 1 }
    var place = 0
    levels[0] = -1
    limits[0] = dimensions[0].levels.count
    while place >= 0 {
      levels[place] += 1
      guard levels[place] < limits[place] else {
        place -= 1
        continue
      }
      if place + 1 < dimensions.count {
        place += 1
        let active = tests[place].allSatisfy { $0.holds(levels) }
        limits[place] = active ? dimensions[place].levels.count : 1
        levels[place] = -1
      } else {
        let point = Point(levels: levels)
        if try canonical(point) == point { points.append(point) }
      }
    }
    return points
  }

  private func settled(_ levels: [Int]) -> [Int] {
    var levels = levels
    for (place, own) in tests.enumerated() where !own.allSatisfy({ $0.holds(levels) }) {
      levels[place] = 0
    }
    return levels
  }

  private func applies(_ rule: Rule, to levels: [Int]) -> Bool {
    rule.tests.allSatisfy { $0.holds(levels) }
      && (rule.changes.isEmpty || rule.changes.contains { levels[$0.dimension] != $0.level })
  }
}
