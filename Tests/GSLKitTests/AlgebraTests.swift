// SPDX-License-Identifier: GPL-3.0-or-later

import GSLKit
import Randomness
import TestSupport
import Testing

@Suite("Handles, Cholesky factors, Sobol points and minimizers")
struct AlgebraTests {
  /// A random symmetric positive definite matrix.
  static func positive(_ size: Int, seed: UInt64) -> [[Double]] {
    var stream = Seed(seed).stream("cholesky")
    let root = (0..<size).map { _ in (0..<size).map { _ in stream.normal() } }
    return (0..<size).map { row in
      (0..<size).map { column in
        (0..<size).reduce(row == column ? 0.5 : 0) { $0 + root[row][$1] * root[column][$1] }
      }
    }
  }

  @Test(
    "Solutions, determinants and inverses agree with elimination",
    arguments: Property.seeds(20)
  )
  func cholesky(seed: UInt64) throws {
    let rows = Self.positive(7, seed: seed)
    let factor = try Cholesky(Matrix(rows: 7, columns: 7, elements: rows.flatMap { $0 }))
    let right = (0..<7).map { Double($0) - 2.5 }
    let solution = factor.solve(right)
    #expect(distance(solution, naiveSolve(rows, right)) < 1e-9)
    let half = factor.solveLower(right)
    let form = zip(right, solution).reduce(0) { $0 + $1.0 * $1.1 }
    #expect(distance([half.reduce(0) { $0 + $1 * $1 }], [form]) < 1e-9)
    let product = (0..<7).map { row in
      (0..<7).reduce(0) { $0 + factor[row, $1] * factor[0, $1] }
    }
    #expect(distance(product, rows.map { $0[0] }) < 1e-10)
    let inverse = try factor.inverse()
    #expect(distance(inverse.times(right), solution) < 1e-9)
  }

  @Test("The determinant of a diagonal matrix is the product of its elements")
  func determinant() throws {
    let factor = try Cholesky(
      Matrix(rows: 3, columns: 3, elements: [2, 0, 0, 0, 4, 0, 0, 0, 0.5])
    )
    #expect((factor.logDeterminant - 1.3862943611198906).magnitude < 1e-14)
    #expect(factor.condition >= 7.9 && factor.condition <= 8.1)
  }

  @Test("A matrix that is not positive definite, or nearly singular, is refused")
  func refused() throws {
    #expect(throws: GSLError.notPositiveDefinite(size: 2, condition: .infinity)) {
      _ = try Cholesky(Matrix(rows: 2, columns: 2, elements: [1, 2, 2, 1]))
    }
    let failure = #expect(throws: GSLError.self) {
      let close = Matrix(rows: 2, columns: 2, elements: [1, 1, 1, 1 + 1e-12])
      _ = try Cholesky(close, conditionLimit: 1e9)
    }
    guard case .notPositiveDefinite(_, let condition) = failure else {
      Issue.record("expected a condition")
      return
    }
    #expect(condition > 1e11)
  }

  @Test("Cross products and products agree with sums")
  func products() throws {
    let matrix = Matrix(rows: 3, columns: 2, elements: [1, 2, 3, 4, 5, 6])
    #expect(try matrix.crossProduct().elements == [35, 44, 44, 56])
    #expect(matrix.times([1, -1]) == [-1, -1, -1])
    #expect(matrix.transposeTimes([1, 0, 2]) == [11, 14])
  }

  @Test("Reads outside of a vector or a matrix trap")
  func bounds() async {
    await #expect(processExitsWith: .failure) { _ = Vector([1, 2])[2] }
    await #expect(processExitsWith: .failure) { _ = Matrix(rows: 2, columns: 2)[0, 2] }
    await #expect(processExitsWith: .failure) { _ = Matrix(rows: 2, columns: 2)[-1, 0] }
  }

  @Test("Every dyadic interval of a Sobol sequence is hit equally often", arguments: [1, 7, 40])
  func sobol(dimensions: Int) throws {
    let points =
      [[Double](repeating: 0, count: dimensions)]
      + (try Sobol.points(255, dimensions: dimensions))
    for dimension in 0..<dimensions {
      var hits = [Int](repeating: 0, count: 256)
      for point in points { hits[Int(point[dimension] * 256)] += 1 }
      #expect(hits.allSatisfy { $0 == 1 }, "dimension \(dimension)")
    }
  }

  @Test("A shift wraps around; more than 40 dimensions are refused")
  func sobolLimits() throws {
    let shifted = try Sobol.points(3, dimensions: 2, shift: [0.75, 0])
    #expect(shifted == [[0.25, 0.5], [0.5, 0.25], [0, 0.75]])
    #expect(throws: GSLError.tooManyDimensions(asked: 41, limit: 40)) {
      _ = try Sobol(dimensions: 41)
    }
  }

  /// Rosenbrock's valley, lowest at (1, 1).
  static func valley(_ point: [Double]) -> (value: Double, gradient: [Double]) {
    let (a, b) = (1 - point[0], point[1] - point[0] * point[0])
    return (a * a + 100 * b * b, [-2 * a - 400 * point[0] * b, 200 * b])
  }

  @Test("Both minimizers reach the floor of Rosenbrock's valley")
  func minimizers() throws {
    let simplex = try Minimizer.nelderMead(
      start: [-1.2, 1],
      steps: [0.5, 0.5],
      iterationLimit: 500
    ) { Self.valley($0).value }
    #expect(distance(simplex.point, [1, 1]) < 1e-6)
    #expect(simplex.stopReason == .converged)
    let descent = try Minimizer.bfgs(start: [-1.2, 1], tolerance: 1e-6, function: Self.valley)
    #expect(distance(descent.point, [1, 1]) < 1e-6)
    #expect(descent.value < 1e-12)
  }

  @Test("A function that is nowhere finite is an error; one with holes is searched around them")
  func holes() throws {
    #expect(throws: GSLError.self) {
      try Minimizer.nelderMead(start: [0], steps: [1]) { _ in .nan }
    }
    let result = try Minimizer.nelderMead(start: [3], steps: [1]) {
      $0[0] < 0 ? .nan : ($0[0] - 1) * ($0[0] - 1)
    }
    #expect(distance(result.point, [1]) < 1e-6)
  }

  @Test("A search that reaches its limit says so and returns its best point")
  func limit() throws {
    let result = try Minimizer.bfgs(
      start: [-1.2, 1],
      iterationLimit: 2,
      function: Self.valley
    )
    #expect(result.stopReason == .limit)
    #expect(result.value < Self.valley([-1.2, 1]).value)
  }
}
