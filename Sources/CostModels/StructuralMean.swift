// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

import GSLKit
import Observations

/// The part of a response that follows from structure: counts times unit costs for times, a few
/// logarithms for shares and counts.
struct StructuralMean: Hashable, Sendable, Codable {
  /// A term and how much of it the response holds.
  struct Term: Hashable, Sendable, Codable {
    let feature: Feature
    let coefficient: Double
  }

  /// A term of the queueing factor, fitted nonlinearly.
  struct Queueing: Hashable, Sendable, Codable {
    /// How the load of interrupts stretches the work: `interrupts * load / (1 - load)`.
    let interrupts: Double
    /// How the load of tasks stretches it where the lock can be broken.
    let tasks: Double
  }

  let scale: ResponseScale
  /// What stays when every term is zero, on the response's scale (shares) or in ns (times).
  let constant: Double
  let terms: [Term]
  let queueing: Queueing?
  /// The condition number of the terms over the runs, prior included.
  let condition: Double

  /// The structural value on the response's scale.
  func value(_ features: FeatureVector) -> Double {
    guard scale == .logarithm else {
      return terms.reduce(constant) { $0 + $1.coefficient * $1.feature.place(features) }
    }
    let sum = terms.reduce(constant) { $0 + $1.coefficient * features[$1.feature] }
    return scale.forward(max(0, sum)) + (queueing?.logarithm(features) ?? 0)
  }
}

extension StructuralMean.Queueing {
  /// The logarithm of the factor by which load stretches the work.
  func logarithm(_ features: FeatureVector) -> Double {
    Self.logarithm(interrupts, tasks, features)
  }

  static func logarithm(_ a: Double, _ b: Double, _ features: FeatureVector) -> Double {
    let interrupts = min(features[.softirqLoad], 0.9)
    let tasks = min(features[.taskLoad] + 0.5 * features[.competitors], 0.9)
    // Tasks come to the CPU where the walker can be interrupted within a slice, else they wait.
    let slice = max(features[.schedulerSlice], 1_000)
    let broken = slice / (slice + features[.longestStretch])
    return log(1 + a * interrupts / (1 - interrupts) + b * broken * tasks / (1 - tasks))
  }
}

extension Feature {
  /// The feature on its own transformed scale.
  func place(_ features: FeatureVector) -> Double { transformed(features[self]) }
}
