// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import GSLKit
import Testing

/// A nonlinear reference problem, and which of its two starts are tried.
struct NonlinearCase: CustomTestStringConvertible {
  let name: String
  var starts = [0, 1]
  /// Digits asked of the parameters, where the problem's own conditioning leaves fewer than 6.
  var digits = 6.0
  /// Digits asked of the standard errors and half as much again of the squares; zero for
  /// Lanczos1, whose certified squares of 1.4e-25 are rounding of the data.
  var errorDigits = 4.0
  let curve: @Sendable (_ b: [Double], _ x: Double) -> Double
  var testDescription: String { name }
}

@Suite("Nonlinear least squares against NIST's reference sets")
struct NonlinearNISTTests {
  static let misra: @Sendable ([Double], Double) -> Double = { $0[0] * (1 - exp(-$0[1] * $1)) }
  static let chwirut: @Sendable ([Double], Double) -> Double = {
    exp(-$0[0] * $1) / ($0[1] + $0[2] * $1)
  }
  static let lanczos: @Sendable ([Double], Double) -> Double = {
    $0[0] * exp(-$0[1] * $1) + $0[2] * exp(-$0[3] * $1) + $0[4] * exp(-$0[5] * $1)
  }
  static let gauss: @Sendable ([Double], Double) -> Double = { b, x in
    let (first, second) = ((x - b[3]) / b[4], (x - b[6]) / b[7])
    return b[0] * exp(-b[1] * x) + b[2] * exp(-first * first) + b[5] * exp(-second * second)
  }
  static let rational: @Sendable ([Double], Double) -> Double = { b, x in
    let top = b[0] + x * (b[1] + x * (b[2] + x * b[3]))
    return top / (1 + x * (b[4] + x * (b[5] + x * b[6])))
  }

  static let cases = [
    NonlinearCase(name: "Misra1a", curve: misra),
    NonlinearCase(name: "Misra1b") { b, x in b[0] * (1 - 1 / pow(1 + b[1] * x / 2, 2)) },
    NonlinearCase(name: "Misra1c") { b, x in b[0] * (1 - 1 / (1 + 2 * b[1] * x).squareRoot()) },
    NonlinearCase(name: "Misra1d") { b, x in b[0] * b[1] * x / (1 + b[1] * x) },
    NonlinearCase(name: "Chwirut1", curve: chwirut),
    NonlinearCase(name: "Chwirut2", curve: chwirut),
    NonlinearCase(name: "DanWood") { b, x in b[0] * pow(x, b[1]) },
    NonlinearCase(name: "Eckerle4", starts: [1]) { b, x in
      b[0] / b[1] * exp(-0.5 * pow((x - b[2]) / b[1], 2))
    },
    NonlinearCase(name: "ENSO") { b, x in
      b[0] + b[1] * cos(2 * .pi * x / 12) + b[2] * sin(2 * .pi * x / 12)
        + b[4] * cos(2 * .pi * x / b[3]) + b[5] * sin(2 * .pi * x / b[3])
        + b[7] * cos(2 * .pi * x / b[6]) + b[8] * sin(2 * .pi * x / b[6])
    },
    NonlinearCase(name: "Gauss1", curve: gauss), NonlinearCase(name: "Gauss2", curve: gauss),
    NonlinearCase(name: "Gauss3", curve: gauss),
    NonlinearCase(name: "Hahn1", curve: rational),
    NonlinearCase(name: "Kirby2") { b, x in
      (b[0] + x * (b[1] + x * b[2])) / (1 + x * (b[3] + x * b[4]))
    },
    NonlinearCase(name: "Lanczos1", errorDigits: 0, curve: lanczos),
    NonlinearCase(name: "Lanczos2", curve: lanczos),
    NonlinearCase(name: "Lanczos3", curve: lanczos),
    NonlinearCase(name: "Bennett5") { b, x in b[0] * pow(b[1] + x, -1 / b[2]) },
    NonlinearCase(name: "MGH10", starts: [1]) { b, x in b[0] * exp(b[1] / (x + b[2])) },
    NonlinearCase(name: "MGH09", starts: [1]) { b, x in
      b[0] * (x * x + x * b[1]) / (x * x + x * b[2] + b[3])
    },
    NonlinearCase(name: "MGH17", starts: [1]) { b, x in
      b[0] + b[1] * exp(-x * b[3]) + b[2] * exp(-x * b[4])
    },
    NonlinearCase(name: "Rat42") { b, x in b[0] / (1 + exp(b[1] - b[2] * x)) },
    NonlinearCase(name: "Rat43") { b, x in b[0] / pow(1 + exp(b[1] - b[2] * x), 1 / b[3]) },
    NonlinearCase(name: "Roszman1") { b, x in b[0] - b[1] * x - atan(b[2] / (x - b[3])) / .pi },
    NonlinearCase(name: "Thurber", curve: rational),
    NonlinearCase(name: "BoxBOD", starts: [1], curve: misra),
  ]

  @Test("Levenberg-Marquardt reaches the certified values", arguments: cases)
  func certified(_ example: NonlinearCase) throws {
    let problem = try NISTProblem(example.name)
    let predictors = problem.rows.map { $0[1] }
    for start in example.starts {
      let result = try LeastSquares.nonlinear(
        problem.response,
        start: problem.parameters.map { $0.starts[start] }
      ) { b in predictors.map { example.curve(b, $0) } }
      for (index, parameter) in problem.parameters.enumerated() {
        #expect(
          digits(result.fit.parameters[index], parameter.certified) >= example.digits,
          "b\(index + 1) from start \(start + 1): \(result.fit.parameters[index])"
        )
        #expect(
          digits(result.fit.standardErrors[index], parameter.deviation) >= example.errorDigits,
          "b\(index + 1)'s error from start \(start + 1): \(result.fit.standardErrors[index])"
        )
      }
      #expect(digits(result.fit.residualSumOfSquares, problem.squares) >= 1.5 * example.errorDigits)
    }
  }

  @Test("A fit that runs out of iterations says so")
  func iterationLimit() throws {
    let problem = try NISTProblem("Misra1a")
    var options = NonlinearOptions()
    options.iterationLimit = 2
    #expect(throws: GSLError.notConverged(operation: "multifit_nlinear", iterations: 2)) {
      try LeastSquares.nonlinear(
        problem.response,
        start: [500, 0.0001],
        options: options
      ) { b in problem.rows.map { Self.misra(b, $0[1]) } }
    }
  }

  @Test("A model that is not finite at its start is refused")
  func badStart() throws {
    #expect(throws: GSLError.self) {
      try LeastSquares.nonlinear([1, 2, 3], start: [1]) { _ in [1, .nan, 3] }
    }
  }
}
