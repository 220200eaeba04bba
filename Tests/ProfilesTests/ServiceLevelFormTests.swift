// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Profiles
import Quantities
import Randomness
import TestSupport
import Testing

/// Every metric's bounds: what is legal, how it is printed, and the number it stands for.
@Suite struct ServiceLevelFormTests {
  private static let kept: [Metric] = [.ioGoodput, .storageIOPS]
  private static let shares = kept + [.guestLost]
  private static let counts: [Metric] = [.connectsFailed]
  private static let times = Metric.allCases.filter { !shares.contains($0) && !counts.contains($0) }

  private static func relation(_ metric: Metric) -> String {
    kept.contains(metric) ? ">=" : "<="
  }

  private func refusal(_ text: String) -> String? {
    do throws(QuantityError) {
      _ = try ServiceLevel(parsing: text)
      return nil
    } catch {
      return error.description
    }
  }

  @Test(arguments: Metric.allCases)
  func theExamplesOfASentenceAreLegal(metric: Metric) throws {
    let examples = ServiceLevel.legal(metric).components(separatedBy: " or ")
    #expect(examples.count == 2)
    let plain = String(examples[0].prefix { $0 != " " })
    #expect(try ServiceLevel(parsing: plain).description == plain)
    let relative = try ServiceLevel(parsing: examples[1])
    #expect(relative.bound == .relative(1.2) && relative.metric == metric)
    #expect(metric.moreIsBetter == Self.kept.contains(metric))
  }

  @Test(arguments: Metric.allCases)
  func theOtherRelationIsRefused(metric: Metric) {
    let wrong = Self.kept.contains(metric) ? "<=" : ">="
    for relation in [wrong, "=", "==", "<", ">", "=<", "", "=>"] {
      for value in ["1", "1ms", "1.2x"] {
        let sentence = refusal(metric.rawValue + relation + value)
        #expect(sentence != nil, "\(metric.rawValue)\(relation)\(value)")
      }
    }
    #expect(refusal(metric.rawValue + wrong + "1.2x")?.contains(ServiceLevel.legal(metric)) == true)
  }

  @Test(arguments: Metric.allCases)
  func aBoundOfAnotherUnitIsRefused(metric: Metric) {
    let shares = ["0.5", "0", "1", "0.999", "50%"]
    let counts = ["0", "1", "40000"]
    let times = ["0ns", "2ms", "1.5us", "10 s"]
    let legal =
      Self.shares.contains(metric) ? shares : Self.counts.contains(metric) ? counts : times
    let never = ["", "-1", "-1ms", "-0.5", "nan", "inf", "2KiB", "x", "0x", "-2x", "nanx"]
    for value in shares + counts + times + ["1.2x", "0.5x"] + never {
      let isLegal = legal.contains(value) || value == "1.2x" || value == "0.5x"
      let text = metric.rawValue + Self.relation(metric) + value
      #expect((refusal(text) == nil) == isLegal, "\(text)")
    }
  }

  @Test(arguments: [
    "", ">=0.5", "io.goodput", "io.goodput0.5", "IO.goodput>=0.5", "io.goodput.x>=0.5", "io>=0.5",
    "io.goodput >= 0.5 >= 1", "io.goodput>=0.5,connects.failed<=0",
  ])
  func whatNamesNoMetricOrNoBoundIsRefused(text: String) {
    #expect(refusal(text)?.contains("is not legal here; write ") == true)
  }

  @Test func spacesAroundTheRelationDoNotMatter() throws {
    #expect(try ServiceLevel(parsing: "io.goodput >= 0.5").description == "io.goodput>=0.5")
    #expect(try ServiceLevel(parsing: " wp.p99 <=  2 ms").description == "wp.p99<=2ms")
  }

  /// Printed and read again, every bound is the same: shares and factors of up to four digits, and
  /// any whole number of nanoseconds or things.
  @Test(arguments: Property.seeds(40))
  func aBoundIsReadBack(seed: UInt64) throws {
    var chance = Seed(seed).stream("bounds")
    for metric in Metric.allCases {
      let level = ServiceLevel(metric, bound(metric, &chance))
      #expect(try ServiceLevel(parsing: level.description) == level, "S2TUNE_SEED=\(seed) \(level)")
      #expect(try ServiceLevel(metric, parsing: level.boundText) == level)
      #expect(level.description == metric.rawValue + level.boundText)
    }
  }

  private func bound(_ metric: Metric, _ chance: inout Randomness.Stream) -> ServiceLevel.Bound {
    let digits = Double(chance.uniform(below: 10_000))
    if chance.uniform() < 0.3 { return .relative((digits + 1) / 1_000) }
    if Self.shares.contains(metric) { return .share(digits / 10_000) }
    if Self.counts.contains(metric) { return .count(Int(chance.uniform(below: 1 << 40))) }
    return .time(.nanoseconds(Int64(exp2(chance.uniform() * 52))))
  }

  @Test(arguments: ["io.goodput>=0.99995", "io.goodput>=0.123456", "teardown.time<=1.23456x"])
  func aBoundOfMoreThanFourDigitsIsReadBack(text: String) throws {
    let level = try ServiceLevel(parsing: text)
    #expect(level.description == text)
  }

  @Test(arguments: Property.seeds(20))
  func aLimitIsInTheMetricsOwnUnit(seed: UInt64) {
    var chance = Seed(seed).stream("limits")
    let baseline = chance.uniform() * 1e9
    for metric in Metric.allCases {
      let level = ServiceLevel(metric, bound(metric, &chance))
      let (absolute, relative) = (level.limit(baseline: nil), level.limit(baseline: baseline))
      switch level.bound {
      case .share(let share): #expect(absolute == share && relative == share)
      case .time(let time):
        #expect(absolute == Double(time.rawValue) && relative == absolute)
      case .count(let count): #expect(absolute == Double(count) && relative == absolute)
      case .relative(let factor):
        #expect(absolute == nil && relative == baseline * factor)
      }
    }
  }
}
