// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

/// One of NIST's reference problems, with its certified answer.
struct NISTProblem {
  struct Parameter {
    let certified: Double
    let deviation: Double
    let starts: [Double]
  }

  var model: [String] = []
  var squares = 0.0
  var parameters: [Parameter] = []
  /// Rows: the response first, then the predictors.
  var rows: [[Double]] = []

  init(_ name: String) throws {
    let url = try #require(
      Bundle.module.url(forResource: name, withExtension: "txt", subdirectory: "NIST")
    )
    for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      switch words[0] {
      case "#": continue
      case "model": model = Array(words.dropFirst())
      case "squares": squares = try #require(Double(words[1]))
      case "parameter":
        let numbers = try words.dropFirst().map { try #require(Double($0)) }
        parameters.append(
          Parameter(
            certified: numbers[0],
            deviation: numbers[1],
            starts: Array(numbers.dropFirst(2))
          )
        )
      case "data": rows.append(try words.dropFirst().map { try #require(Double($0)) })
      default: Issue.record("unknown line '\(line)' in \(name)")
      }
    }
  }

  var response: [Double] { rows.map { $0[0] } }

  /// The linear problems' terms: an intercept, then powers of x or the predictors themselves.
  var terms: [[Double]] {
    guard model[0] == "polynomial", let degree = Int(model[1]) else {
      return rows.map { [1] + $0.dropFirst() }
    }
    return rows.map { row in
      (0...degree).reduce(into: [Double]()) { powers, power in
        powers.append(power == 0 ? 1 : powers[power - 1] * row[1])
      }
    }
  }
}

/// Decimal digits that two numbers share; 15 at most, and digits of absolute error at zero.
func digits(_ value: Double, _ certified: Double, scale: Double = 1) -> Double {
  let size = certified == 0 ? scale : certified.magnitude
  return min(15, -log10(max((value - certified).magnitude / size, 1e-15)))
}
