// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Randomness
import Search
import TestSupport
import Testing

/// Random rows with many ties, duplicates and infinities.
func randomCosts(width: Int, count: Int, levels: UInt64, stream: inout Randomness.Stream) -> Costs {
  var costs = Costs(width: width)
  for _ in 0..<count {
    costs.append(
      (0..<width).map { _ in
        let draw = stream.uniform(below: levels + 1)
        return draw == levels ? .infinity : Double(draw)
      }
    )
  }
  return costs
}

/// The front by comparing every pair: the twin of the sweeps.
func naiveFront(_ costs: Costs) -> [Int] {
  (0..<costs.count).filter { row in
    !(0..<costs.count).contains { costs.dominates($0, row) }
  }
}

/// The volume by counting unit cells of an integer grid: the twin of the exact methods.
func cellVolume(_ costs: Costs, edge: Int) -> Double {
  let cells = (0..<costs.width).reduce(1) { cells, _ in cells * edge }
  return Double(
    (0..<cells).filter { cell in
      var (rest, corner) = (cell, [Int]())
      for _ in 0..<costs.width {
        corner.append(rest % edge)
        rest /= edge
      }
      return (0..<costs.count).contains { row in
        zip(costs[row], corner).allSatisfy { $0 <= Double($1) }
      }
    }.count
  )
}

@Suite struct FrontTests {
  @Test(arguments: Property.seeds(60))
  func frontEqualsPairwiseComparison(seed: UInt64) {
    var stream = Seed(seed).stream("front")
    for width in 1...5 {
      let count = Int(stream.uniform(below: 40))
      let costs = randomCosts(width: width, count: count, levels: 5, stream: &stream)
      #expect(costs.front() == naiveFront(costs), "seed \(seed), width \(width): \(costs.values)")
    }
  }

  @Test func duplicatesStayTogetherAndNotANumberIsWorst() {
    let rows = [[1.0, 2], [1, 2], [2, 1], [.nan, 0], [3, 3], [1, .nan]]
    #expect(Costs(rows, width: 2).front() == [0, 1, 2, 3])
    #expect(Costs([], width: 3).front().isEmpty)
  }

  @Test func volumeHasClosedForms() {
    #expect(Costs([[1, 1]], width: 2).hypervolume(reference: [3, 4]) == 6)
    #expect(Costs([[1, 3], [2, 2], [3, 1]], width: 2).hypervolume(reference: [4, 4]) == 6)
    #expect(Costs([[0, 0, 0]], width: 3).hypervolume(reference: [2, 3, 4]) == 24)
    // Two boxes of 2 x 2 x 2 that share a cube of one.
    let pair = [[0, 0, 1.0], [1, 1, 0]]
    #expect(Costs(pair, width: 3).hypervolume(reference: [2, 2, 2]) == 4 + 2 - 1)
    #expect(Costs([[0, 0, 0, 0]], width: 4).hypervolume(reference: [1, 2, 3, 4]) == 24)
    #expect(Costs([[5, 0], [.infinity, 0]], width: 2).hypervolume(reference: [4, 4]) == 0)
    #expect(Costs([[2]], width: 1).hypervolume(reference: [5]) == 3)
  }

  @Test(arguments: Property.seeds(25))
  func volumeEqualsCountedCells(seed: UInt64) {
    var stream = Seed(seed).stream("volume")
    for width in 1...4 {
      let costs = randomCosts(width: width, count: 8, levels: 6, stream: &stream)
      let reference = [Double](repeating: 6, count: width)
      let exact = costs.hypervolume(reference: reference)
      #expect(abs(exact - cellVolume(costs, edge: 6)) < 1e-9, "seed \(seed), width \(width)")
    }
  }

  @Test(arguments: Property.seeds(10))
  func volumeGrowsWithEveryRow(seed: UInt64) {
    var stream = Seed(seed).stream("growth")
    var rows: [[Double]] = []
    var last = 0.0
    for _ in 0..<20 {
      rows.append((0..<3).map { _ in stream.uniform() })
      let volume = Costs(rows, width: 3).hypervolume(reference: [1, 1, 1])
      #expect(volume >= last - 1e-12)
      last = volume
    }
  }

  @Test func theKneeGivesUpLeast() {
    let bend = [[0.0, 10], [1, 2], [2, 1.5], [10, 0]]
    #expect(Costs(bend, width: 2).knee() == 1)
    #expect(Costs([[1, 1], [1, 1]], width: 2).knee() == 0)
    #expect(Costs([[.infinity, 0]], width: 2).knee() == nil)
  }

  @Test func aLargeFrontIsQuick() {
    var stream = Seed(1).stream("large")
    var costs = Costs(width: 3)
    for _ in 0..<20_000 { costs.append((0..<3).map { _ in stream.uniform() }) }
    let elapsed = ContinuousClock().measure { #expect(!costs.front().isEmpty) }
    #expect(elapsed < .seconds(2))
  }
}
