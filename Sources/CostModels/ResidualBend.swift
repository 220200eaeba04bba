// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

/// How residuals are bent before a process learns them: linear around their median, logarithmic far
/// from it.
///
/// What structure leaves is small nearly everywhere and large in a few corners; without the bend,
/// the corners decide how noisy the process thinks everything else is.
struct ResidualBend: Hashable, Sendable, Codable {
  /// The median residual, on the response's scale.
  let median: Double
  /// The residual at which the bend begins, above zero.
  let scale: Double
  /// The deviation of the bent residuals, and their mean.
  let mean: Double
  let deviation: Double
  /// The bent residual that nothing is put beyond: that of the run at the 99th percentile and a half;
  /// nil is none.
  ///
  /// Intervals for nine runs in ten need no more, and one run in a corner does not make them endless.
  let reach: Double?

  /// Learns the bend from residuals, of which there is at least one.
  init(_ residuals: [Double]) {
    let median = Self.median(residuals)
    let spread = Self.median(residuals.map { ($0 - median).magnitude })
    // A millionth of a time is a nanosecond in a millisecond: less is rounding.
    let scale = max(1.5 * spread, 1e-6)
    let bent = residuals.map { asinh(($0 - median) / scale) }
    let mean = bent.reduce(0, +) / Double(bent.count)
    let variance = bent.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(bent.count)
    (self.median, self.scale, self.mean) = (median, scale, mean)
    deviation = max(variance.squareRoot(), 1e-9)
    let magnitudes = bent.map(\.magnitude).sorted()
    reach = magnitudes[(magnitudes.count - 1) * 99 / 100] + 0.5
  }

  private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  /// The bent, standardised residual.
  func forward(_ residual: Double) -> Double {
    (asinh((residual - median) / scale) - mean) / deviation
  }

  /// The residual of a bent, standardised one, hardly further out than nearly every run was.
  func backward(_ bent: Double) -> Double {
    let limit = min(reach ?? 30, 30)
    return median + scale * sinh(min(max(mean + deviation * bent, -limit), limit))
  }
}
