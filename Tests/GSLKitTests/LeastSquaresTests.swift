// SPDX-License-Identifier: GPL-3.0-or-later

import GSLKit
import Randomness
import TestSupport
import Testing

@Suite("Least squares against naive twins, and what it refuses")
struct LeastSquaresTests {
  /// A random problem: an intercept and three terms, 40 observations.
  struct Problem {
    var terms: [[Double]] = []
    var response: [Double] = []
    var weights: [Double] = []

    init(seed: UInt64) {
      var stream = Seed(seed).stream("least squares")
      let truth = (0..<4).map { _ in stream.normal() }
      for _ in 0..<40 {
        let row = [1] + (0..<3).map { _ in stream.normal() }
        terms.append(row)
        response.append(zip(row, truth).reduce(0.1 * stream.normal()) { $0 + $1.0 * $1.1 })
        weights.append(0.1 + stream.uniform())
      }
    }

    func design() throws -> Design {
      try Design(columnNames: ["one", "a", "b", "c"], rows: terms)
    }
  }

  @Test("Weighted QR equals the normal equations", arguments: Property.seeds(20))
  func weighted(seed: UInt64) throws {
    let problem = Problem(seed: seed)
    let fit = try LeastSquares.qr(
      try problem.design(),
      response: problem.response,
      weights: problem.weights
    )
    let naive = naiveLeastSquares(problem.terms, problem.response, weights: problem.weights)
    #expect(distance(fit.parameters, naive) < 1e-12)
  }

  @Test("Ridge equals the penalised normal equations", arguments: Property.seeds(20))
  func ridge(seed: UInt64) throws {
    let problem = Problem(seed: seed)
    let fit = try LeastSquares.ridge(
      try problem.design(),
      response: problem.response,
      penalty: 1.5
    )
    let ones = [Double](repeating: 1, count: problem.terms.count)
    let naive = naiveLeastSquares(problem.terms, problem.response, weights: ones, ridge: 1.5)
    #expect(distance(fit.parameters, naive) < 1e-12)
    let chosen = try LeastSquares.ridge(try problem.design(), response: problem.response)
    #expect(chosen.penalty > 0 && chosen.penalty.isFinite)
  }

  @Test(
    "A robust fit shrugs off gross outliers that pull the plain one",
    arguments: Property.seeds(10),
    RobustLoss.allCases
  )
  func robust(seed: UInt64, loss: RobustLoss) throws {
    let problem = Problem(seed: seed)
    var spoiled = problem.response
    for index in stride(from: 0, to: 40, by: 8) { spoiled[index] += 50 }
    let clean = try LeastSquares.qr(try problem.design(), response: problem.response)
    let robust = try LeastSquares.robust(try problem.design(), response: spoiled, loss: loss)
    let plain = try LeastSquares.qr(try problem.design(), response: spoiled)
    #expect(distance(robust.fit.parameters, clean.parameters) < 0.2)
    #expect(distance(plain.parameters, clean.parameters) > 1)
    #expect(robust.weights[0] < 0.1)
  }

  @Test("An exact response is fitted exactly, with no scale to weigh by")
  func exact() throws {
    let problem = Problem(seed: 1)
    let response = problem.terms.map { 2 * $0[0] - 3 * $0[2] }
    let robust = try LeastSquares.robust(try problem.design(), response: response)
    #expect(distance(robust.fit.parameters, [2, 0, -3, 0]) < 1e-12)
  }

  @Test("A repeated column is named, with the condition number")
  func singular() throws {
    let rows = Problem(seed: 3).terms.map { $0 + [2 * $0[1] - $0[3]] }
    let design = try Design(columnNames: ["one", "a", "b", "c", "copy"], rows: rows)
    let failure = #expect(throws: GSLError.self) {
      try LeastSquares.qr(design, response: Problem(seed: 3).response)
    }
    guard case .singular(let column, let condition) = failure else {
      Issue.record("expected singular, got \(String(describing: failure))")
      return
    }
    #expect(["a", "c", "copy"].contains(column))
    #expect(condition > 1e14)
  }

  @Test("A column of zeros is named")
  func emptyColumn() throws {
    let rows = Problem(seed: 3).terms.map { $0 + [0] }
    let design = try Design(columnNames: ["one", "a", "b", "c", "nothing"], rows: rows)
    #expect(throws: GSLError.singular(column: "nothing", condition: .infinity)) {
      try LeastSquares.qr(design, response: Problem(seed: 3).response)
    }
  }

  @Test("NaN, wrong sizes and too few rows are refused with the place")
  func refusals() throws {
    #expect(
      throws: GSLError.notFinite(quantity: "column 'b'", row: 1, value: .infinity)
    ) { try Design(columnNames: ["a", "b"], rows: [[1, 2], [1, .infinity]]) }
    #expect(throws: GSLError.shape(quantity: "row 1 of the design", found: 1, expected: 2)) {
      try Design(columnNames: ["a", "b"], rows: [[1, 2], [1]])
    }
    let design = try Design(columnNames: ["a", "b"], rows: [[1, 2]])
    #expect(throws: GSLError.tooFewRows(rows: 1, parameters: 2)) {
      try LeastSquares.qr(design, response: [1])
    }
    let square = try Design(columnNames: ["a"], rows: [[1], [2]])
    let failure = #expect(throws: GSLError.self) {
      try LeastSquares.qr(square, response: [1, .nan])
    }
    #expect(failure?.description.contains("row 1") == true)
  }
}
