// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Profiles
import Testing

@testable import CostModels

@Suite("Runs as a fit sees them")
struct ObservationTests {
  private func run(_ value: Double, at work: Double, stopped: Bool = false) -> Observation {
    Observation(
      features: vector([.leafWork: work]),
      values: responses([.teardownTime: value, .goodputRetained: 0.5]),
      isCensored: stopped
    )
  }

  @Test(
    "Runs are dealt out once each, five, two and three of ten, the same way always",
    arguments: [0, 1, 9, 10, 100, 457]
  )
  func split(count: Int) {
    let runs = (0..<count).map { run(Double($0), at: 1) }
    let split = SplitRuns(runs)
    let all = split.fitting + split.calibrating + split.held
    let values = all.compactMap { $0.value(of: .teardownTime) }
    #expect(values.sorted() == runs.compactMap { $0.value(of: .teardownTime) })
    #expect(split.fitting.count == count / 2)
    #expect(split.fitting.count + split.calibrating.count == count * 7 / 10)
    #expect(SplitRuns(runs) == split)
    // By chance, not by turns: neither the first half nor every second.
    let first = split.fitting.compactMap { $0.value(of: .teardownTime) }
    #expect(
      count < 100
        || (0.3...0.7).contains(
          Double(first.count { $0 < Double(count) / 2 }) / Double(first.count)
        )
    )
  }

  @Test("A share above one counts as one, and at least one connection was tried")
  func clamped() {
    let run = Observation(
      features: vector([:]),
      values: responses([.goodputRetained: 1.02, .teardownTime: 1.02, .iopsRetained: 0.4]),
      connects: -3
    )
    #expect(run.value(of: .goodputRetained) == 1 && run.value(of: .iopsRetained) == 0.4)
    #expect(run.value(of: .teardownTime) == 1.02 && run.value(of: .downtime) == nil)
    #expect(run.connects == 1)
  }

  @Test("A sample keeps order, transforms its values, and counts only times as lower bounds")
  func sample() throws {
    let runs = [run(5e6, at: 1), run(7e6, at: 2, stopped: true), run(6e6, at: 3)]
    let times = try ResponseSample(.teardownTime, of: runs)
    #expect(times.values == [5e6, 7e6, 6e6] && times.isCensored == [false, true, false])
    #expect(zip(times.targets, times.values).allSatisfy { $0.isNear(log($1 + 1_000)) })
    #expect(times.complete.values == [5e6, 6e6] && times.complete.count == 2)
    #expect(try ResponseSample(.goodputRetained, of: runs).isCensored == [false, false, false])
    #expect(try ResponseSample(.downtime, of: runs).count == 0)
  }

  @Test("What no fit can be made of is refused with its evidence")
  func refusals() throws {
    func check(_ runs: [Observation], terms: Int = 2) -> CostModelError? {
      do throws(CostModelError) {
        try ResponseSample(.teardownTime, of: runs).validate(terms: terms)
        return nil
      } catch { return error }
    }
    let good = (1...4).map { run(Double($0), at: Double($0)) }
    #expect(check(good) == nil)
    #expect(check(good, terms: 4) == .tooFewRuns(response: .teardownTime, runs: 4, needed: 5))
    let stopped = (1...4).map { run(Double($0), at: Double($0), stopped: true) }
    #expect(check(stopped) == .allCensored(response: .teardownTime, runs: 4))
    let same = (1...4).map { run(8, at: Double($0)) }
    #expect(check(same) == .constantResponse(response: .teardownTime, value: 8, runs: 4))
    let place = (1...4).map { run(Double($0), at: 8) }
    #expect(check(place) == .nothingVaries(response: .teardownTime, runs: 4))
    let endless = good + [run(1, at: .infinity)]
    #expect(check(endless) == .notFinite(quantity: "leaf_work_ns", run: 4, value: .infinity))
    #expect(check(good + [run(.infinity, at: 1)]) != nil)
  }
}
