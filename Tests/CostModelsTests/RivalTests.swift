// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Profiles
import Randomness
import Testing

@testable import CostModels

@Suite("Simpler ways to predict")
struct RivalTests {
  /// Runs of logarithms and their product, which a log-quadratic ridge knows exactly.
  private func runs(_ count: Int, seed: UInt64) -> [Observation] {
    var chance = Seed(seed).stream("rivals")
    return (0..<count).map { _ in
      let (leaf, flush) = (pow(10, 5 + 3 * chance.uniform()), pow(10, 5 + 3 * chance.uniform()))
      let value = pow(leaf, 0.7) * pow(flush, 0.4) * exp(0.3 * log(leaf / 3e6) * log(flush / 3e6))
      return Observation(
        features: vector([.leafWork: leaf, .ipaFlushWork: flush, .fluidWhole: value]),
        values: responses([.teardownTime: value])
      )
    }
  }

  private func score(_ rival: Rival, _ known: [Observation], _ judged: [Observation]) throws
    -> RivalScore?
  {
    try rival.score(
      .teardownTime,
      on: SplitRuns(fitting: known, calibrating: Array(known.prefix(20)), held: judged),
      settings: ToyMachine.settings
    )
  }

  @Test("The nearest run of runs it knows is each of them")
  func neighbour() throws {
    let known = runs(60, seed: 1)
    let own = try #require(try score(.neighbour, known, known))
    #expect(own.median == 0 && own.ninetieth == 0 && own.rival == .neighbour)
    let other = try #require(try score(.neighbour, known, runs(60, seed: 2)))
    #expect(other.median > 1)
  }

  @Test("A ridge knows a product of logarithms, and the structure what a fluid says")
  func exact() throws {
    let (known, judged) = (runs(120, seed: 1), runs(60, seed: 2))
    let ridge = try #require(try score(.ridge, known, judged))
    let neighbour = try #require(try score(.neighbour, known, judged))
    #expect(ridge.ninetieth < 1 && ridge.ninetieth < neighbour.median, "\(ridge)")
    let structure = try #require(try score(.structure, known, judged))
    #expect(structure.ninetieth < 0.1, "\(structure)")
  }

  @Test(
    "Runs that stopped or lack the response are neither known nor judged",
    arguments: Rival.allCases
  )
  func nothing(rival: Rival) throws {
    let known = runs(40, seed: 1)
    let stopped = known.map {
      Observation(features: $0.features, values: $0.values, isCensored: true)
    }
    #expect(try score(rival, stopped, known) == nil)
    #expect(try score(rival, known, stopped) == nil)
    let split = SplitRuns(fitting: known, calibrating: known, held: known)
    #expect(try rival.score(.downtime, on: split) == nil)
  }
}
