// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import GSLKit
import Randomness
import TestSupport
import Testing

@testable import CostModels

@Suite("A process on some of its points")
struct SparseProcessTests {
  /// A small set on the grid of a file, a kernel of lengths one, and targets by chance.
  struct Case {
    let kernel = ArdKernel(logLengths: [0, 0], logSignal: 0.3, logNoise: -0.7)
    let points: [[Double]]
    let targets: [Double]
    var noise: Double { kernel.noiseVariance / kernel.signalVariance }

    init(seed: UInt64, count: Int = 24) {
      var chance = Seed(seed).stream("sparse")
      points = (0..<count).map { index in
        let column = 0.75 * Double(index % 6) + 0.001 * chance.normal().rounded()
        return [column, 0.75 * Double(index / 6)]
      }
      targets = points.map { sin($0[0]) + 0.2 * chance.normal() }
    }

    var fit: SparseFit {
      get throws {
        try SparseFit(kernel, points: points, targets: targets, limit: points.count)
      }
    }

    /// The mean of a dense process that has seen some of the points.
    func dense(_ seen: [Int], at place: [Double]) -> Double {
      let known = seen.map { points[$0] }
      let matrix = Naive.kernel(known, lengths: [1, 1], diagonal: noise)
      let weights = Naive.solve(matrix, seen.map { targets[$0] })
      return dot(weights, known.map { Naive.matern($0, place, lengths: [1, 1]) })
    }
  }

  @Test("On all points it is the dense process", arguments: Property.seeds(10))
  func dense(seed: UInt64) throws {
    let small = Case(seed: seed)
    let fit = try small.fit
    #expect(fit.inducing.count == small.points.count)
    let process = try fit.process(errors: small.targets)
    var chance = Seed(seed).stream("places")
    for place in Naive.points(20, 2, &chance) {
      let dense = small.dense(Array(small.points.indices), at: place)
      #expect(process.answer(place).mean.isNear(dense, 1e-5), "S2TUNE_SEED=\(seed)")
    }
  }

  @Test(
    "The errors out of fold are those of dense processes on the other folds",
    arguments: [2, 3, 5]
  )
  func folds(folds: Int) throws {
    let small = Case(seed: 4)
    let errors = try small.fit.outOfFoldErrors(folds: folds)
    for run in small.points.indices {
      let others = small.points.indices.filter { $0 % folds != run % folds }
      let error = small.targets[run] - small.dense(others, at: small.points[run])
      #expect(errors[run].isNear(error, 1e-5), "run \(run)")
    }
  }

  @Test("Fewer points say nearly the same where the function is smooth")
  func fewer() throws {
    var chance = Seed(8).stream("smooth")
    let points = Naive.points(200, 2, &chance)
    let targets = points.map { sin($0[0]) * cos($0[1]) }
    let kernel = ArdKernel(logLengths: [0.7, 0.7], logSignal: 0, logNoise: -4)
    let fit = try SparseFit(kernel, points: points, targets: targets, limit: 60)
    #expect(fit.inducing.count == 60)
    let process = try fit.process(errors: try fit.outOfFoldErrors(folds: 5))
    for place in Naive.points(50, 2, &chance) {
      let truth = sin(place[0]) * cos(place[1])
      #expect(abs(process.answer(place).mean - truth) < 0.05, "\(place)")
    }
  }

  @Test("Far from every point it says nothing, errs as usual, and knows that no run is near")
  func far() throws {
    let small = Case(seed: 2)
    let process = try small.fit.process(errors: small.targets)
    let far = process.answer([1e3, -1e3])
    #expect(far.mean == 0 && far.nearness == 0)
    #expect(far.error.isNear(exp(process.errorLevel)))
    let near = process.answer(small.points[5])
    #expect(near.nearness.isNear(1, 1e-5) && near.error > 0)
    let between = process.answer([small.points[5][0] + 10, small.points[5][1]])
    #expect(between.nearness < near.nearness)
  }

  @Test("Where errors are large the process expects large ones")
  func errors() throws {
    let small = Case(seed: 6)
    let errors = small.points.map { $0[0] > 1.8 ? 1.0 : 0.01 }
    let process = try small.fit.process(errors: errors)
    let (calm, wild) = (process.answer([0.4, 1]).error, process.answer([3.4, 1]).error)
    #expect(wild > 4 * calm, "\(calm) \(wild)")
  }

  @Test("Without its mean it is one size of error everywhere")
  func withoutMean() throws {
    let small = Case(seed: 3)
    let process = try small.fit.process(errors: small.targets).withoutMean(errors: [3, -4])
    for place in small.points + [[9, 9]] {
      #expect(process.answer(place).mean == 0)
      #expect(process.answer(place).error.isNear(12.5.squareRoot()))
    }
  }
}

@Suite("The points that a process stands on")
struct InducingPointsTests {
  /// What points say least about, by the dense variance that some of them leave of each.
  private func variance(_ point: [Double], given chosen: [[Double]]) -> Double {
    guard !chosen.isEmpty else { return 1 }
    let lengths = point.map { _ in 1.0 }
    let matrix = Naive.kernel(chosen, lengths: lengths, diagonal: 0)
    let row = chosen.map { Naive.matern($0, point, lengths: lengths) }
    return 1 - dot(row, Naive.solve(matrix, row))
  }

  @Test("Each is the one that those before it say least about", arguments: Property.seeds(10))
  func pivots(seed: UInt64) {
    var chance = Seed(seed).stream("pivots")
    let points = Naive.points(25, 3, &chance)
    let chosen = InducingPoints.choose(points, limit: 12)
    #expect(chosen.count == 12 && Set(chosen).count == 12 && chosen.first == 0)
    for count in 1..<chosen.count {
      let before = chosen.prefix(count).map { points[$0] }
      let left = points.map { variance($0, given: before) }
      let most = left.max() ?? 0
      #expect(left[chosen[count]].isNear(most, 1e-9), "S2TUNE_SEED=\(seed), point \(count)")
    }
  }

  @Test("A lower limit gives the beginning of the same list")
  func prefixes() {
    var chance = Seed(2).stream("prefixes")
    let points = Naive.points(40, 2, &chance)
    let all = InducingPoints.choose(points, limit: 30)
    for limit in 0...30 {
      #expect(InducingPoints.choose(points, limit: limit) == Array(all.prefix(limit)))
    }
  }

  @Test("Points that repeat others are left out, and the rest is explained")
  func repeats() {
    var chance = Seed(3).stream("repeats")
    let points = Naive.points(6, 2, &chance)
    let chosen = InducingPoints.choose(points + points + points, limit: 18)
    #expect(chosen.sorted() == Array(0..<6))
    #expect(InducingPoints.choose([], limit: 5).isEmpty)
    let dense = (0..<400).map { [Double($0) / 400] }
    let few = InducingPoints.choose(dense, limit: 400)
    #expect(few.count < 100, "\(few.count)")
    #expect(dense.allSatisfy { variance($0, given: few.map { dense[$0] }) < 2e-5 })
  }
}

@Suite("Points on the grid of a file")
struct GridPointsTests {
  @Test("Coordinates are moved by half a thousandth at most", arguments: Property.seeds(10))
  func nearest(seed: UInt64) {
    var chance = Seed(seed).stream("grid")
    let points = Naive.points(7, 3, &chance)
    let grid = GridPoints(nearest: points)
    #expect(grid.count == 7 && grid.dimensions == 3 && grid.rows.count == 7)
    for (row, point) in zip(grid.rows, points) {
      for (found, wanted) in zip(row, point) {
        #expect(abs(found - wanted) <= 0.0005 + 1e-12)
        #expect((found * 1_000).rounded().isNear(found * 1_000, 1e-9))
      }
    }
    for index in 0..<7 {
      let distance = squaredDistance(points[0], grid.rows[index])
      #expect(grid.squaredDistance(points[0], from: index) == distance)
    }
  }

  /// Eight points at once against a loop over one, with any number left over.
  @Test(arguments: Property.seeds(40)) func distancesHaveTheSameBits(seed: UInt64) {
    var chance = Seed(seed).stream("distances")
    let (count, dimensions) = (Int(chance.uniform() * 30), 1 + Int(chance.uniform() * 45))
    let grid = GridPoints(nearest: Naive.points(count, dimensions, &chance))
    let place = Naive.points(1, dimensions, &chance)[0]
    let alone = grid.rows.map { squaredDistance(place, $0) }
    #expect(grid.squaredDistances(place) == alone, "S2TUNE_SEED=\(seed)")
    #expect((0..<count).map { grid.squaredDistance(place, from: $0) } == alone)
    let process = SparseProcess(
      inverseLengths: Naive.points(1, dimensions, &chance)[0],
      inducing: grid,
      weights: Naive.points(1, count, &chance)[0],
      errorWeights: Naive.points(1, count, &chance)[0],
      errorLevel: chance.uniform()
    )
    let (answer, plain) = (process.answer(place), Naive.answer(process, at: place))
    #expect(answer.mean.bitPattern == plain.mean.bitPattern, "S2TUNE_SEED=\(seed)")
    #expect(answer.error.bitPattern == plain.error.bitPattern)
    #expect(answer.nearness.bitPattern == plain.nearness.bitPattern)
  }

  @Test("A file holds them exactly, as whole thousandths", arguments: Property.seeds(10))
  func coding(seed: UInt64) throws {
    var chance = Seed(seed).stream("coding")
    let grid = GridPoints(nearest: Naive.points(5, 2, &chance).map { $0.map { 1e3 * $0 } })
    let data = try JSONEncoder().encode(grid)
    #expect(try JSONDecoder().decode(GridPoints.self, from: data) == grid)
    #expect(!String(decoding: data, as: UTF8.self).contains("."))
    let empty = GridPoints(nearest: [])
    #expect(empty.count == 0 && empty.rows.isEmpty)
    #expect(try JSONDecoder().decode(GridPoints.self, from: Data("[]".utf8)) == empty)
  }

  @Test(
    "Lists of unequal lengths and parts of thousandths are refused",
    arguments: [
      "[\"1 2\", \"3\"]", "[\"1\", \"\"]", "[\"\", \"1\"]", "[\"1.5\"]", "[1, 2]", "{}",
      "[\"1\", null]", "[[1]]", "[\"1e30\"]", "[\"99999999999\"]", "[\"1,2\"]", "[\"1",
    ]
  )
  func refusals(text: String) {
    #expect(throws: (any Error).self) {
      try JSONDecoder().decode(GridPoints.self, from: Data(text.utf8))
    }
  }
}
