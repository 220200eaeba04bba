// SPDX-License-Identifier: GPL-3.0-or-later

import GSLKit
import Testing

/// A linear reference problem and the digits that double precision leaves of it.
struct LinearCase: CustomTestStringConvertible {
  let name: String
  let digits: Double
  /// Digits of the form by singular values, where it loses more than QR: the errors of Wampler5's
  /// parameters are 10^7 times the parameters.
  var svdDigits: Double?
  var testDescription: String { name }
}

@Suite("Linear least squares against NIST's reference sets")
struct LinearNISTTests {
  static let cases = [
    LinearCase(name: "Norris", digits: 11), LinearCase(name: "Pontius", digits: 10),
    LinearCase(name: "Longley", digits: 9), LinearCase(name: "Filip", digits: 6),
    LinearCase(name: "Wampler1", digits: 8), LinearCase(name: "Wampler2", digits: 8),
    LinearCase(name: "Wampler3", digits: 8), LinearCase(name: "Wampler4", digits: 7),
    LinearCase(name: "Wampler5", digits: 6, svdDigits: 5.5),
  ]

  @Test("QR reaches the certified values", arguments: cases)
  func factorization(_ example: LinearCase) throws {
    let problem = try NISTProblem(example.name)
    let design = try Design(
      columnNames: problem.parameters.indices.map { "B\($0)" },
      rows: problem.terms
    )
    let fit = try LeastSquares.qr(design, response: problem.response)
    expect(fit, matches: problem, digits: example.digits)
  }

  @Test("Singular values reach the certified values", arguments: cases)
  func singularValues(_ example: LinearCase) throws {
    let problem = try NISTProblem(example.name)
    let design = try Design(
      columnNames: problem.parameters.indices.map { "B\($0)" },
      rows: problem.terms
    )
    let fit = try LeastSquares.svd(design, response: problem.response)
    expect(fit, matches: problem, digits: example.svdDigits ?? example.digits)
  }

  private func expect(_ fit: Fit, matches problem: NISTProblem, digits needed: Double) {
    let magnitude = problem.response.map(\.magnitude).max() ?? 1
    for (index, parameter) in problem.parameters.enumerated() {
      #expect(
        digits(fit.parameters[index], parameter.certified) >= needed,
        "B\(index) is \(fit.parameters[index]), certified \(parameter.certified)"
      )
      let error = fit.standardErrors[index]
      let enough =
        parameter.deviation == 0
        ? error < 1e-6 : digits(error, parameter.deviation) >= needed
      #expect(enough, "B\(index)'s error is \(error), certified \(parameter.deviation)")
    }
    let squares = fit.residualSumOfSquares
    #expect(digits(squares, problem.squares, scale: magnitude * magnitude) >= needed)
  }
}
