// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Tuning

@Suite struct LimitStandingTests {
  @Test(arguments: [
    ([-0.1, -0.11, -0.09], LimitStanding.kept), ([0.1, 0.11, 0.09], .broken),
    ([-0.01, 0.01, 0.02], .undecided), ([-0.02, 0.01, 0.0], .undecided),
    // A count of nothing meets its limit exactly, run after run.
    ([0, 0, 0], .kept), ([0], .kept),
    // A single run decides where chance seldom takes it to the other side.
    ([-0.1], .kept), ([0.1], .broken), ([0.001], .undecided), ([-0.001], .undecided),
    // What has no sample is held against nothing.
    ([.nan, -0.1, -0.1], .undecided), ([], .undecided),
    ([.infinity, -0.1, -0.1], .broken),
  ])
  func runsDecideOrDoNot(excesses: [Double], standing: LimitStanding) {
    #expect(LimitStanding(excesses, confidence: 0.95) == standing)
  }

  /// The same spread around the same mean decides once there are enough runs of it.
  @Test func moreRunsDecide() {
    let three = [-0.03, 0.01, -0.01]
    #expect(LimitStanding(three, confidence: 0.95) == .undecided)
    #expect(LimitStanding(three + three + three + three, confidence: 0.95) == .kept)
  }
}
