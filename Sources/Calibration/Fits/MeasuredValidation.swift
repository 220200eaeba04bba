// SPDX-License-Identifier: GPL-3.0-or-later

package import Profiles

/// A host's predictions beside what was measured on it.
package struct MeasuredValidation: Hashable, Sendable, Encodable {
  /// One measured value and its prediction.
  package struct Row: Hashable, Sendable, Encodable {
    /// The file that says so.
    package let source: String
    /// What was measured.
    package let name: String
    /// The measured value: nanoseconds, or the unit of its metric.
    package let measured: Double
    /// What the host gives.
    package let predicted: Double
    /// Whether it is a time in nanoseconds.
    package let isTime: Bool
    /// Whether the host's costs were fitted to the same file, so that it judges nothing.
    package let wasFitted: Bool

    /// Predicted over measured.
    package var ratio: Double { predicted / measured }

    enum CodingKeys: String, CodingKey {
      case source, name, measured, predicted
      case isTime = "is_time"
      case wasFitted = "was_fitted"
    }
  }

  /// The host's name.
  package let host: String
  /// The values in the order of the files.
  package let rows: [Row]
  /// What of the files is no measurement of an operation.
  package let passedOver: [String]

  enum CodingKeys: String, CodingKey {
    case host, rows
    case passedOver = "passed_over"
  }

  /// Predicts what files measured; a file whose name is in a value's source was fitted to.
  package init(
    _ host: Loaded<HostProfile>,
    named name: String,
    _ files: CalibrationFiles
  ) throws(HostFitError) {
    let fitted = Set(
      host.entries.filter { $0.provenance == .fitted }.flatMap { entry in
        HostFit.sources(of: entry.source)
      }
    )
    var rows: [Row] = []
    for evidence in files.all {
      for (sample, predicted) in zip(
        evidence.samples,
        try evidence.predictions(on: host.profile)
      ) {
        rows.append(
          Row(
            source: sample.source,
            name: sample.id,
            measured: sample.measured,
            predicted: predicted,
            isTime: sample.isTime,
            wasFitted: fitted.contains(HostFit.fileName(sample.source))
          )
        )
      }
    }
    (self.host, self.rows, passedOver) = (name, rows, files.passedOver)
  }

  /// The distances of predictions from what no fit saw, as shares of the measured value, sorted.
  package var errors: [Double] {
    rows.filter { !$0.wasFitted }.map { ($0.ratio - 1).magnitude }.sorted()
  }
}
