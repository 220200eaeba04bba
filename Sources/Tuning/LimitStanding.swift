// SPDX-License-Identifier: GPL-3.0-or-later

import Search

/// What the runs of a policy say of one limit.
enum LimitStanding: Hashable, Sendable {
  /// It is kept beyond doubt.
  case kept
  /// It is broken beyond doubt.
  case broken
  /// The mean lies so near to it that more runs may say either; or no run has a sample.
  case undecided

  /// Judges the excesses of several runs, on the response's scale: above zero is broken.
  ///
  /// - Parameters:
  ///   - excesses: One a run, at least one.
  ///   - confidence: Of each of the two verdicts, one-sided. A single run has no spread of its own; it
  ///     decides where it is further from the limit than chance seldom takes it.
  init(_ excesses: [Double], confidence: Double) {
    guard !excesses.contains(where: \.isNaN), !excesses.isEmpty else {
      self = .undecided
      return
    }
    let excess = Estimate(excesses)
    let margin =
      excesses.count > 1 ? excess.margin(confidence: 2 * confidence - 1) : Candidate.comfort
    if excess.value + margin <= 0 || excesses.allSatisfy({ $0 == 0 }) {
      self = .kept
    } else if excess.value - margin > 0 {
      self = .broken
    } else {
      self = .undecided
    }
  }
}
