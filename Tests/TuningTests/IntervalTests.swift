// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Randomness
import Search
import TestSupport
import Testing

@testable import Tuning

@Suite struct IntervalTests {
  private func value(_ runs: [Double], _ response: Response, _ spread: PooledSpread? = nil)
    -> SimulatedValue
  {
    SimulatedValue(Estimate(runs), response, confidence: 0.9, spread: spread)
  }

  /// No share lies under none or over all of it, and nothing lies under zero.
  @Test func anIntervalStaysInItsRange() {
    let share = value([0.02, 0.5, 0.98], .goodputRetained)
    #expect(share.low == 0 && share.high == 1)
    let time = value([1, 100, 1_000], .teardownTime)
    #expect(time.low == 0 && time.high > 1_000)
  }

  /// Nine in ten further runs lie inside: the interval is one of a run and not of the mean.
  @Test func anotherRunLiesInside() {
    var chance = Seed(3).stream("runs")
    func run() -> Double { 1_000 + 10 * chance.normal() }
    let inside = (0..<4_000).count { _ in
      let said = value([run(), run(), run()], .teardownTime)
      return (said.low...said.high).contains(run())
    }
    #expect((3_500...3_700).contains(inside), "\(inside) of 4000")
  }

  /// A single run has the spread of other policies' runs, in proportion to its own value; without
  /// any it stands for itself.
  @Test func aSingleRunBorrowsASpread() {
    let alone = value([500], .teardownTime)
    #expect(alone.low == 500 && alone.high == 500)
    var spread = PooledSpread()
    spread.add([99, 101], isRelative: true)
    spread.add([990, 1_010], isRelative: true)
    #expect(spread.freedom == 2)
    // Two policies a hundredth off their mean: variance 0.0002, two degrees of freedom.
    let margin = Quantiles.student(0.95, freedom: 2) * 0.0002.squareRoot() * 2.0.squareRoot()
    let borrowed = value([500], .teardownTime, spread)
    #expect((borrowed.high - 500 - 500 * margin).magnitude < 1e-9)
    #expect((borrowed.low - 500 + 500 * margin).magnitude < 1e-9)
  }
}
