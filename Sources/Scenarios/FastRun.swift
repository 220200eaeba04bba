// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
package import Operations
import Quantities

/// How a fast run skips through steady state: batches of equal work, a mean, and its error.
///
/// A part of the operation is run as a window is, but in batches. What is left out is taken to be
/// like their mean, and how the batches scatter gives the half-width of a 95 % interval. The part
/// is doubled until that is small enough, or nothing is left out any more.
package struct FastRun: Hashable, Sendable {
  /// The half-width, as a share of the time, at which the run is good enough.
  package var target = 0.02
  /// Batches of each stretch of equal work, at least two.
  package var batches: Int64 = 16
  /// What is run at first.
  package var window: Window

  /// Two seconds of stage-2 work in sixteen batches, to two percent.
  package init() {
    window = Window()
    window.stageTwo = .seconds(2)
    window.hostSide = .milliseconds(400)
    window.longestUnit = .seconds(600)
    window.warmUp = .milliseconds(100)
  }

  /// The same with twice as much run.
  var doubled: FastRun {
    var more = self
    more.window.stageTwo = window.stageTwo * 2
    more.window.hostSide = window.hostSide * 2
    return more
  }
}

extension ScaledPlan {
  /// The same plan with every part that was cut divided into batches; their sum is what it was.
  func divided(into batches: Int64) -> ScaledPlan {
    var divided = self
    divided.plan = WorkPlan()
    divided.scales = []
    divided.isRound = []
    for (index, group) in plan.groups.enumerated() {
      if isRound[index] {
        for count in Self.parts(of: group.repeats, batches) {
          divided.append(WorkGroup(group.steps, repeats: count), scales[index], isRound: true)
        }
      } else {
        let cut = Self.divided(group, scales[index], batches)
        divided.append(cut.group, cut.scales, isRound: false)
      }
    }
    return divided
  }

  private static func divided(
    _ group: WorkGroup,
    _ scales: [Double],
    _ batches: Int64
  ) -> (group: WorkGroup, scales: [Double]) {
    var steps: [WorkStep] = []
    var repeated: [Double] = []
    for (step, scale) in zip(group.steps, scales) {
      let parts = scale == 1 ? [step.units] : parts(of: step.units, batches)
      for (index, units) in parts.enumerated() {
        var part = step
        part.units = units
        part.continues = step.continues || index + 1 < parts.count
        steps.append(part)
        repeated.append(scale)
      }
    }
    return (WorkGroup(steps), repeated)
  }

  /// A count in as many near-equal parts, or in ones.
  private static func parts(of count: Int64, _ batches: Int64) -> [Int64] {
    let number = Swift.min(batches, count)
    return (0..<number).map { count * ($0 + 1) / number - count * $0 / number }
  }
}

/// What batches consist of, one like the other: rounds of these steps, or units of this one.
enum WorkStretch: Hashable {
  case rounds([WorkStep])
  case units(WorkKind, Nanoseconds)
}

/// The error of a sum that was scaled up from batches.
struct BatchMeans {
  /// Variance of the whole, in seconds squared.
  private(set) var variance = 0.0
  /// Fewest batches of any stretch that was scaled.
  private(set) var fewest = Int.max

  /// Adds a stretch of batches: for each its time in seconds and its work, and the scale.
  mutating func add(_ batches: [(time: Double, work: Double)], scale: Double) {
    guard scale > 1, !batches.isEmpty else { return }
    fewest = min(fewest, batches.count)
    guard batches.count > 1 else { return }
    let work = batches.reduce(0) { $0 + $1.work }
    let time = batches.reduce(0) { $0 + $1.time }
    let slope = time / max(work, 1e-12)
    let rest = batches.reduce(0.0) { sum, batch in
      let off = batch.time - slope * batch.work
      return sum + off * off
    }
    // What was left out is (scale - 1) times as long; its mean is known as well as the batches'.
    let count = Double(batches.count)
    let perBatch = rest / (count - 1)
    variance += perBatch * count * (scale - 1) * (scale - 1)
  }

  /// The half-width of the 95 % interval of a whole of so many seconds, as a share of it.
  func halfWidth(of whole: Double) -> Double {
    guard fewest < .max, whole > 0 else { return 0 }
    guard fewest > 1 else { return 1 }
    return Self.student(fewest - 1) * variance.squareRoot() / whole
  }

  /// Student's 97.5 % quantile, by the expansion of Abramowitz and Stegun 26.7.5; below three
  /// degrees of freedom the exact values.
  static func student(_ degrees: Int) -> Double {
    if degrees == 1 { return 12.706 }
    if degrees == 2 { return 4.303 }
    let (x, n) = (1.959_964, Double(degrees))
    let y = x * x
    let first = (y + 1) / 4
    let second = ((5 * y + 16) * y + 3) / 96
    let third = (((3 * y + 19) * y + 17) * y - 15) / 384
    let fourth = ((((79 * y + 776) * y + 1_482) * y - 1_920) * y - 945) / 92_160
    return x * (1 + (first + (second + (third + fourth / n) / n) / n) / n)
  }
}
