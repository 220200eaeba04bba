// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
import Testing

@testable import Randomness

@Suite struct StreamTests {
  func draws(_ seed: UInt64, _ name: String, _ count: Int = 8) -> [UInt64] {
    var stream = Seed(seed).stream(name)
    return (0..<count).map { _ in stream.next() }
  }

  @Test func drawsAreTheSameInEveryProcess() {
    // Recorded once; a change of these breaks every stored run.
    #expect(draws(42, "softirq", 2) == [recorded.first, recorded.second])
  }

  let recorded = (first: UInt64(5869629670967956301), second: UInt64(10325811592362232578))

  @Test func aNameOrASeedGivesOtherDraws() {
    let reference = draws(42, "softirq")
    #expect(reference == draws(42, "softirq"))
    for other in [draws(42, "arrivals"), draws(43, "softirq")] {
      #expect(zip(reference, other).allSatisfy { $0 != $1 })
    }
  }

  @Test func replicatesDifferFromTheirSeedAndEachOther() {
    let seeds = (0..<1000).map { Seed(7).replicate($0).rawValue } + [7]
    #expect(Set(seeds).count == seeds.count)
  }

  @Test(arguments: [1, 2, 3, 10, 1000] as [UInt64])
  func choicesAreUniform(count: UInt64) {
    var stream = Seed(count).stream("choice")
    var seen = [Int](repeating: 0, count: Int(count))
    let draws = 20_000
    for _ in 0..<draws { seen[Int(stream.uniform(below: count))] += 1 }
    let expected = Double(draws) / Double(count)
    let chiSquare = seen.reduce(0.0) { $0 + pow2(Double($1) - expected) / expected }
    // Mean k - 1, variance 2 (k - 1): six standard deviations, one in a thousand million.
    let freedom = Double(count) - 1
    #expect(abs(chiSquare - freedom) <= 6 * (2 * freedom).squareRoot() + 1e-9)
  }

  @Test func momentsAreThoseOfTheDistributions() {
    var stream = Seed(5).stream("moments")
    let count = 100_000
    let uniform = (0..<count).map { _ in stream.uniform() }
    let normal = (0..<count).map { _ in stream.normal() }
    let gaps = (0..<count).map { _ in
      Double(stream.exponential(mean: .microseconds(20)).rawValue) / 20_000
    }
    expectMoments(uniform, mean: 0.5, variance: 1.0 / 12)
    expectMoments(normal, mean: 0, variance: 1)
    expectMoments(gaps, mean: 1, variance: 1)
  }

  func expectMoments(_ sample: [Double], mean: Double, variance: Double) {
    let count = Double(sample.count)
    let average = sample.reduce(0, +) / count
    let spread = sample.reduce(0) { $0 + pow2($1 - average) } / (count - 1)
    #expect(abs(average - mean) < 5 * (variance / count).squareRoot())
    #expect(abs(spread / variance - 1) < 0.03)
  }

  @Test func chanceFollowsItsRatio() {
    var stream = Seed(9).stream("chance")
    let hits = (0..<64_000).filter { _ in stream.chance(Ratio(1, over: 64)) }.count
    #expect(abs(hits - 1000) < 5 * 32)
    #expect((0..<100).allSatisfy { _ in !stream.chance(Ratio(0, over: 3)) })
    #expect((0..<100).allSatisfy { _ in stream.chance(Ratio(3, over: 3)) })
  }

  func pow2(_ value: Double) -> Double { value * value }
}
