// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

import Randomness
import Search
import TestSupport
import Testing

/// Indices from the definition: every choice of levels of all dimensions, one after the other.
private struct NaiveShares {
  let space: Space
  var values: [[Int]: Double] = [:]

  init(_ space: Space, _ value: (Int) -> Double) throws {
    self.space = space
    var levels = space.dimensions.map { _ in 0 }
    while true {
      let canonical = try #require(try space.canonical(Point(levels: levels)))
      values[levels] = value(try #require(space.index(of: canonical)))
      var place = levels.count - 1
      while place >= 0, levels[place] + 1 == space.dimensions[place].levels.count {
        levels[place] = 0
        place -= 1
      }
      if place < 0 { return }
      levels[place] += 1
    }
  }

  private static func moments(_ values: [Double]) -> (mean: Double, variance: Double) {
    let mean = values.reduce(0, +) / Double(values.count)
    return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count))
  }

  var variance: Double { Self.moments(Array(values.values)).variance }

  /// The variance of the means of groups, and the mean of their variances.
  private func grouped(by key: ([Int]) -> [Int]) -> (between: Double, within: Double) {
    let groups = Dictionary(grouping: values) { key($0.key) }.mapValues { $0.map(\.value) }
    let parts = groups.values.map(Self.moments)
    let between = Self.moments(parts.map(\.mean)).variance
    return (between, parts.reduce(0) { $0 + $1.variance } / Double(parts.count))
  }

  func first(_ dimension: Int) -> Double { grouped { [$0[dimension]] }.between / variance }

  func total(_ dimension: Int) -> Double {
    grouped { levels in
      var others = levels
      others.remove(at: dimension)
      return others
    }.within / variance
  }
}

@Suite struct VarianceSharesTests {
  /// `count` levels at the midpoints of -pi to pi, as a dimension.
  private static func circle(_ name: String, _ count: Int) -> Dimension {
    let levels = (0..<count).map { step in
      Level("\(step)", at: .pi * (2 * (Double(step) + 0.5) / Double(count) - 1))
    }
    return Dimension(name, levels: levels)
  }

  @Test("Ishigami's function on a grid has the grid's own indices, near those of the whole cube")
  func ishigami() throws {
    let space = try Space(["x1", "x2", "x3"].map { Self.circle($0, 24) })
    let (a, b) = (7.0, 0.1)
    let shares = try VarianceShares(of: space) { index in
      let point = space.points[index]
      let x = point.levels.enumerated().map { space.dimensions[$0].levels[$1].position ?? 0 }
      return sin(x[0]) + a * pow(sin(x[1]), 2) + b * pow(x[2], 4) * sin(x[0])
    }
    // sin has mean 0 and mean square 1/2 on such a grid, its square 1/2 and 3/8; x^4 has moments.
    let powers = space.dimensions[2].levels.map { pow($0.position ?? 0, 4) }
    let (m4, m8) = (powers.reduce(0, +) / 24, powers.reduce(0) { $0 + $1 * $1 } / 24)
    let (alone, second) = (pow(1 + b * m4, 2) / 2, a * a / 8)
    let both = (1 + 2 * b * m4 + b * b * m8) / 2
    let whole = second + both
    let exact = [
      (alone / whole, both / whole), (second / whole, second / whole),
      (0, b * b * (m8 - m4 * m4) / 2 / whole),
    ]
    let published = [(0.3139, 0.5576), (0.4424, 0.4424), (0, 0.2437)]
    #expect((shares.variance - whole).magnitude < 1e-10)
    for (share, (exact, published)) in zip(shares.shares, zip(exact, published)) {
      #expect((share.first - exact.0).magnitude < 1e-12, "\(share)")
      #expect((share.total - exact.1).magnitude < 1e-12, "\(share)")
      #expect((share.first - published.0).magnitude < 0.01, "\(share)")
      #expect((share.total - published.1).magnitude < 0.01, "\(share)")
    }
  }

  @Test("Of a sum, first and total are the same and add up to one")
  func additive() throws {
    let sizes = [2, 3, 5]
    let space = try Space(
      sizes.enumerated().map { place, count in
        Dimension("\(place)", levels: (0..<count).map { Level("\($0)", at: Double($0)) })
      }
    )
    let shares = try VarianceShares(of: space) { index in
      let levels = space.points[index].levels
      return 3 * Double(levels[0]) + 2 * Double(levels[1]) + Double(levels[2])
    }
    // A uniform integer of n values has variance (n^2 - 1) / 12.
    let parts = [9 * 3.0 / 12, 4 * 8.0 / 12, 24.0 / 12]
    let sum = parts.reduce(0, +)
    #expect((shares.variance - sum).magnitude < 1e-12)
    for (share, part) in zip(shares.shares, parts) {
      #expect((share.first - part / sum).magnitude < 1e-12)
      #expect((share.total - part / sum).magnitude < 1e-12)
    }
  }

  @Test("Over random conditional spaces the indices are those of the definition")
  func definition() throws {
    for seed in Property.seeds(20) {
      var chance = Seed(seed).stream("space")
      let space = try Self.randomSpace(&chance)
      let values = space.points.map { _ in chance.uniform() * 100 - 20 }
      let naive = try NaiveShares(space) { values[$0] }
      let found = try VarianceShares(of: space) { values[$0] }
      #expect((found.variance - naive.variance).magnitude < 1e-9, "seed \(seed)")
      for (place, share) in found.shares.enumerated() {
        #expect((share.first - naive.first(place)).magnitude < 1e-9, "seed \(seed) \(share)")
        #expect((share.total - naive.total(place)).magnitude < 1e-9, "seed \(seed) \(share)")
        #expect(share.first <= share.total + 1e-9, "seed \(seed) \(share)")
      }
    }
  }

  /// Up to six dimensions of up to four levels, half of them conditional on an earlier one, and a
  /// rewrite that makes two points one.
  private static func randomSpace(_ chance: inout Randomness.Stream) throws -> Space {
    func draw(_ count: Int) -> Int { min(count - 1, Int(chance.uniform() * Double(count))) }
    var dimensions: [Dimension] = []
    for place in 0..<(2 + draw(5)) {
      let levels = (0...(1 + draw(3))).map { Level("\($0)") }
      var conditions: [Condition] = []
      if place > 0, chance.uniform() < 0.5 {
        let target = dimensions[draw(place)]
        conditions = [Condition(target.name, in: [target.levels[draw(target.levels.count)].label])]
      }
      dimensions.append(Dimension("d\(place)", levels: levels, when: conditions))
    }
    let rewrite = Rewrite(
      when: [Condition("d0", in: ["1"]), Condition("d1", in: ["1"])],
      to: [("d0", "0")]
    )
    return try Space(dimensions, rewrites: [rewrite])
  }

  @Test("A constant has no shares; a hole in the space is refused with its labels")
  func refusals() throws {
    let flat = try VarianceShares(of: exampleSpace().restricted { _ in true }.dense()) { _ in 3 }
    #expect(flat.variance == 0 && flat.shares.allSatisfy { $0.first == 0 && $0.total == 0 })
    let space = try exampleSpace()
    #expect(throws: SpaceError.self) { try VarianceShares(of: space) { Double($0) } }
    do {
      _ = try VarianceShares(of: space) { Double($0) }
    } catch {
      #expect("\(error)".contains("rule=aware"))
    }
  }
}

extension Space {
  /// The same dimensions without rewrites, so that every choice of levels is a point.
  fileprivate func dense() throws -> Space { try Space(dimensions) }
}
