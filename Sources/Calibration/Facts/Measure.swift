// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations
import Profiles

/// What a fact reads from a run's report.
package enum Measure: Hashable, Sendable, CaseIterable {
  /// A number that policies are judged by.
  case response(Response)
  /// A number that only recordings are compared by.
  case capture(CaptureMetric)

  /// Every response, then every metric of recordings.
  package static let allCases: [Measure] =
    Response.allCases.map { .response($0) } + CaptureMetric.allCases.map { .capture($0) }

  /// What it is measured in.
  package var unit: Response.Unit {
    switch self {
    case .response(let response): response.unit
    case .capture(let metric): metric.unit
    }
  }

  /// Its value in a report, or nil where the run has none.
  package func value(in report: RunReport) -> Double? {
    switch self {
    case .response(let response): report.value(of: response)
    case .capture(let metric): report.value(of: metric)
    }
  }
}

extension Measure: RawRepresentable, Encodable {
  /// Its name in a file of facts, such as `largest_read_gap_ns`.
  package var rawValue: String {
    switch self {
    case .response(let response): response.rawValue
    case .capture(let metric): metric.rawValue
    }
  }

  /// The measure of this name, or nil.
  package init?(rawValue: String) {
    if let response = Response(rawValue: rawValue) {
      self = .response(response)
    } else if let metric = CaptureMetric(rawValue: rawValue) {
      self = .capture(metric)
    } else {
      return nil
    }
  }
}
