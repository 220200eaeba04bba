// SPDX-License-Identifier: GPL-3.0-or-later

import Randomness
import TestSupport
import Testing

@testable import PageTables

/// Sequences with repeats inside repeats, against plain arrays.
@Suite struct RunTreeTests {
  @Test func batchesAreThoseOfTheArray() {
    for seed in Property.seeds(300) {
      var random = Seed(seed).stream("run-tree")
      let tree = Self.tree(depth: 3, &random)
      let size = 1 + pick(9, &random)
      let all = Self.elements(tree)
      let expected = stride(from: 0, to: all.count, by: size).map {
        Array(all[$0..<min($0 + size, all.count)])
      }
      let batches = tree.batches(of: Int64(size))
      var found: [[Int]] = []
      batches.forEachRun { batch, repeats in
        for _ in 0..<repeats { found.append(Self.elements(batch)) }
      }
      #expect(found == expected, "seed \(seed)")
      #expect(batches.count == Int64(expected.count), "seed \(seed)")
    }
  }

  @Test func storedElementsOccurAsOftenAsInTheArray() {
    for seed in Property.seeds(100) {
      var random = Seed(seed).stream("run-tree-stored")
      let tree = Self.tree(depth: 3, &random)
      var found: [Int: Int64] = [:]
      tree.forEachStored { found[$0, default: 0] += $1 }
      let expected = Self.elements(tree).reduce(into: [:]) { $0[$1, default: Int64(0)] += 1 }
      #expect(found == expected, "seed \(seed)")
    }
  }

  @Test func suffixesAreThoseOfTheArray() {
    for seed in Property.seeds(200) {
      var random = Seed(seed).stream("run-tree-suffix")
      let tree = Self.tree(depth: 3, &random)
      let all = Self.elements(tree)
      let length = pick(all.count + 3, &random)
      let suffix = tree.suffix(Int64(length))
      #expect(Self.elements(suffix) == Array(all.suffix(length)), "seed \(seed)")
      #expect(suffix.count == Int64(min(length, all.count)), "seed \(seed)")
    }
  }

  @Test func distinctElementsComeInTheOrderOfTheArray() {
    for seed in Property.seeds(100) {
      var random = Seed(seed).stream("run-tree-distinct")
      var tree = Self.tree(depth: 2, &random)
      tree.appendShared(Self.tree(depth: 3, &random))
      let all = Self.elements(tree)
      var order: [Int] = []
      for element in all where !order.contains(element) { order.append(element) }
      let found = tree.distinct
      #expect(found.map(\.element) == order, "seed \(seed)")
      let times = order.map { one in Int64(all.count { $0 == one }) }
      #expect(found.map(\.times) == times, "seed \(seed)")
    }
  }

  private static func elements(_ tree: RunTree<Int>) -> [Int] {
    var all: [Int] = []
    tree.forEachRun { all += Array(repeating: $0, count: Int($1)) }
    return all
  }

  private static func tree(depth: Int, _ random: inout Stream) -> RunTree<Int> {
    var tree = RunTree<Int>()
    for _ in 0..<(1 + pick(4, &random)) {
      let repeats = Int64(1 + pick(6, &random))
      if depth > 0, random.uniform() < 0.5 {
        tree.append(Self.tree(depth: depth - 1, &random), repeats)
      } else {
        tree.append(pick(3, &random), repeats)
      }
    }
    return tree
  }
}
