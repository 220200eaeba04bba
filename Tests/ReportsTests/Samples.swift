// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Profiles
import Reports
import Tuning

/// Small answers in the JSON that `--json` writes, so that a test names only what it is about.
enum Samples {
  static let context = AnswerContext(
    heading: "churn on toy, Linux 6.1",
    provenance: "host: 3 values assumed",
    files: []
  )

  static func read<Value: Decodable>(_ json: String) throws -> Value {
    try JSONDecoder().decode(Value.self, from: Data(json.utf8))
  }

  /// A list of parts.
  static func list(_ parts: [String]) -> String { "[" + parts.joined(separator: ", ") + "]" }

  /// A list of texts.
  static func texts(_ texts: [String]) -> String { list(texts.map { "\"\($0)\"" }) }

  /// What a model says of a response.
  static func predicted(_ value: Double, _ low: Double, _ high: Double, at place: String = "inside")
    -> String
  {
    "\"predicted\": {\"value\": \(value), \"low\": \(low), \"high\": \(high), "
      + "\"domain\": \"\(place)\"}"
  }

  /// What runs say of a response.
  static func simulated(_ value: Double, _ low: Double, _ high: Double, runs: Int = 3) -> String {
    "\"simulated\": {\"value\": \(value), \"low\": \(low), \"high\": \(high), \"runs\": \(runs)}"
  }

  static func effect(_ response: Response, _ parts: String...) -> String {
    "{" + (["\"response\": \"\(response.rawValue)\""] + parts).joined(separator: ", ") + "}"
  }

  static func violation(_ limit: String, _ response: Response, _ value: Double) -> String {
    "{\"limit\": \"\(limit)\", \"response\": \"\(response.rawValue)\", \"value\": \(value), "
      + "\"bound\": 1}"
  }

  static func safety(_ isSafe: Bool, _ sentence: String) -> String {
    "{\"safe\": \(isSafe), \"sentence\": \"\(sentence)\"}"
  }
}
