// SPDX-License-Identifier: GPL-3.0-or-later

import CostModels
import Foundation
import Observations
import Profiles
import Testing
import Tuning

@testable import Reports

/// What-if answers written down by hand.
private struct Sample {
  var points: [String] = []
  var limits = ["io.goodput>=0.97"]
  var swept = "null"
  var flips: [String] = []
  var best = "null"
  var present = point("now", 1e9, kept: 0.5)

  /// A case with a time, and a share that runs or the model gave.
  static func point(
    _ label: String,
    at position: Double? = nil,
    _ time: Double,
    kept: Double,
    by source: String = "model"
  ) -> String {
    let share =
      source == "model"
      ? Samples.predicted(kept, kept - 0.02, kept + 0.02) : Samples.simulated(kept, kept, kept)
    let violation = Samples.violation("io.goodput>=0.97", .goodputRetained, kept)
    return """
      {"label": "\(label)", "position": \(position.map { "\($0)" } ?? "null"), "host": "h",
       "kernel": "k", "workload": "w", "policy": "policy-of-\(label)", "effects":
       [\(Samples.effect(.teardownTime, Samples.simulated(time, time, time, runs: 4))),
       \(Samples.effect(.goodputRetained, share))], "present_keeps_limits": false,
       "violations": \(kept < 0.97 ? Samples.list([violation]) : "[]"), "safety":
       \(Samples.safety(kept < 0.99, kept < 0.99 ? "safe: none" : "unsafe: hazard 3")),
       "source": "\(source)", "domain": \(source == "model" ? "\"edge\"" : "null"),
       "domain_reason": \(source == "model" ? "\"edge: no run is near\"" : "null"),
       "explanation": \(explanation(time))}
      """
  }

  private static func explanation(_ time: Double) -> String {
    """
    [{"response": "teardown_time_ns", "unit": "ns", "value": \(time), "terms": [
     {"name": "leaf_work_ns", "amount": \(time * 0.9)},
     {"name": "queueing", "amount": \(time / 10)},
     {"name": "call_work_ns", "amount": 1}]}]
    """
  }

  func text() throws -> String {
    let answer: WhatIfAnswer = try Samples.read(
      """
      {"schema_version": 2, "objective": "teardown.time", "limits": \(Samples.texts(limits)),
       "model": "standard", "swept": \(swept), "present": \(present),
       "points": \(Samples.list(points)), "flips": \(Samples.list(flips)), "best": \(best)}
      """
    )
    return answer.text(Samples.context)
  }
}

@Suite struct WhatIfTextTests {
  /// Three cases of a sweep: the second flips a limit, the third is unsafe.
  private var sweep: Sample {
    var sample = Sample()
    sample.points = [
      Sample.point("chunk=4KiB", at: 4096, 4e9, kept: 0.98, by: "simulation"),
      Sample.point("chunk=2MiB", at: 0x1p21, 2e9, kept: 0.6),
      Sample.point("chunk=1GiB", at: 0x1p30, 1e9, kept: 0.995),
    ]
    sample.swept = "\"chunk\""
    sample.best = "\"chunk=4KiB\""
    sample.flips = [
      "{\"after\": \"chunk=4KiB\", \"from\": \"chunk=2MiB\", \"sentence\": \"it is broken\"}"
    ]
    return sample
  }

  @Test func onePolicyStandsBelowThePresentOne() throws {
    var sample = Sample()
    sample.points = [Sample.point("asked for", 2e9, kept: 0.98, by: "simulation")]
    let lines = try sample.text().components(separatedBy: "\n")
    #expect(lines[2].split(separator: " ") == ["policy", "teardown", "TCP", "keeps"])
    #expect(lines[4].hasPrefix("now    policy-of-now "))
    #expect(lines[5].hasPrefix("asked  policy-of-asked for "))
    #expect(lines[4].hasSuffix("1 s  ~50 % [48-52]") && lines[5].hasSuffix("2 s           98 %"))
    let text = lines.joined(separator: "\n")
    #expect(text.contains("  limits   io.goodput>=0.97: kept"))
    #expect(text.contains("  safe     safe: none") && !text.contains("  best "))
  }

  @Test func aBrokenLimitIsNamedWithTheValueThatBreaksIt() throws {
    var sample = Sample()
    sample.points = [Sample.point("asked", 2e9, kept: 0.9687)]
    #expect(try sample.text().contains("  limits   io.goodput>=0.97: broken with 96.9 %"))
    sample.limits = []
    #expect(try sample.text().contains("  limits   none were asked for"))
  }

  @Test func aLimitWithoutASampleIsNeitherKeptNorBroken() throws {
    let none = """
      "violations": [{"limit": "io.goodput>=0.97", "response": "goodput_retained_share", "bound": 1}],
      "few_samples": [{"response": "goodput_retained_share", "sample_count": 0}],
      """
    var sample = Sample()
    let point = Sample.point("asked", 2e9, kept: 0.98, by: "simulation")
      .replacing("\"violations\": [],", with: none)
    sample.points = [point]
    let text = try sample.text()
    #expect(text.contains("limits   io.goodput>=0.97: neither kept nor broken: no sample"))
    #expect(text.contains("samples  TCP keeps: no sample was seen in a run of asked"))
    sample.points += [Sample.point("other", 2e9, kept: 0.9, by: "simulation")]
    let rows = try sample.text().components(separatedBy: "\n")
      .map { $0.split(separator: " ").joined(separator: " ") }
    #expect(rows.contains { $0.hasPrefix("asked") && $0.hasSuffix("no sample yes runs") })
    #expect(rows.contains { $0.hasPrefix("other") && $0.hasSuffix("broken yes runs") })
  }

  /// A percentile of few samples says of how many, case by case.
  @Test func eachCaseSaysOfHowManySamples() throws {
    func few(_ count: Int) -> String {
      "\"violations\": [], \"few_samples\": [{\"response\": \"goodput_retained_share\", "
        + "\"sample_count\": \(count)}],"
    }
    var sample = Sample()
    sample.points = [(1, "one"), (8, "eight")].map { count, label in
      Sample.point(label, 2e9, kept: 0.98, by: "simulation")
        .replacing("\"violations\": [],", with: few(count))
    }
    let text = try sample.text().split(separator: " ").joined(separator: " ")
    #expect(text.contains("one: TCP keeps is the largest of 1 sample"), "\(text)")
    #expect(text.contains("eight: TCP keeps is the largest of 8 samples"), "\(text)")
  }

  @Test func casesAreRowsAndTheBestOneIsMarked() throws {
    let lines = try sweep.text().components(separatedBy: "\n")
    #expect(lines[2].hasPrefix("case ") && lines[2].hasSuffix("limits  safe  from"))
    let rows = lines[4..<8].map { $0.split(separator: " ").map(String.init) }
    #expect(rows.map { $0[0] } == ["now", "chunk=4KiB", "chunk=2MiB", "chunk=1GiB"])
    #expect(rows[1][1] == "*" && rows[1].suffix(3) == ["kept", "yes", "runs"])
    #expect(rows[2].suffix(4) == ["broken", "yes", "model,", "edge"])
    #expect(rows[3].contains("NO") && rows[3].contains("~100"))
    let text = lines.joined(separator: "\n")
    #expect(text.contains("chunk=4KiB (*): the best teardown.time among the cases that are safe"))
    #expect(text.contains("  flips    chunk=2MiB: it is broken"))
    #expect(text.contains("  safe     chunk=1GiB: unsafe: hazard 3"))
  }

  @Test func aSweepHasAPlotOfItsGoalAndOneOfWhatALimitBounds() throws {
    let text = try sweep.text()
    #expect(text.contains("teardown over chunk") && text.contains("TCP keeps over chunk"))
    #expect(text.contains("o teardown; | a flip") && text.contains("4KiB"))
    var few = sweep
    few.points.removeLast()
    #expect(try !few.text().contains("over chunk"))
    var free = sweep
    free.limits = []
    #expect(try !free.text().contains("TCP keeps over chunk"))
    var asked = sweep
    asked.swept = "null"
    #expect(try !asked.text().contains("over chunk"))
  }

  @Test func eachSourceOfFiguresIsSaidOnce() throws {
    var sample = sweep
    sample.points.append(Sample.point("more", 3e9, kept: 0.97, by: "simulation-without-model"))
    sample.points.append(Sample.point("less", 3e9, kept: 0.97, by: "simulation-outside-domain"))
    let text = try sample.text()
    for sentence in [
      "4 runs a case, as asked", "cost model standard: edge: no run is near",
      "4 runs a case: there is no cost model", "4 runs a case where the model does not reach",
      "host: 3 values assumed",
    ] {
      #expect(text.components(separatedBy: sentence).count == 2, "\(sentence)")
    }
  }

  @Test func withoutASafeCaseThatKeepsTheLimitsThereIsNoBest() throws {
    var sample = sweep
    sample.best = "null"
    let text = try sample.text()
    #expect(text.contains("no case keeps all limits and is safe") && !text.contains("*"))
    sample.points = [Sample.point("a", 1e9, kept: 0.9), Sample.point("b", 1e9, kept: 0.9)]
    #expect(try sample.text().contains("every case: no stale entry in either TLB model"))
  }

  @Test func termsOfEveryCaseAddUpInOneTable() throws {
    let lines = try sweep.text().components(separatedBy: "\n")
    let start = try #require(lines.firstIndex { $0.hasPrefix("teardown of ") })
    let rows = lines[(start + 2)...].prefix(4).map {
      $0.split(separator: " ").joined(separator: " ")
    }
    #expect(rows[0] == "leaf work 900 ms 3.6 s 1.8 s 900 ms")
    #expect(rows[1] == "queueing factor 100 ms 400 ms 200 ms 100 ms")
    #expect(rows[2] == "1 smaller 1 ns 1 ns 1 ns 1 ns")
    #expect(rows[3] == "= predicted 1 s 4 s 2 s 1 s")
    let text = lines.joined(separator: "\n")
    #expect(text.contains("terms add up to the prediction of the cost model"))
    #expect(text.contains("of cases that were run, the terms are the model's, not the runs'"))
  }
}

@Suite struct ExplanationTextTests {
  private func explanation(_ response: Response, _ value: Double, _ parts: [String: Double])
    -> Explanation
  {
    Explanation(
      response: response,
      value: value,
      parts: parts.map { Explanation.Part(name: $0.key, amount: $0.value) }
    )
  }

  @Test func moreThanFiveCasesStandBelowEachOther() {
    let cases = (1...6).map { index in
      let parts = ["constant": Double(index), "residual": 0.5]
      return ("case \(index)", explanation(.connectsFailed, Double(index) + 0.5, parts))
    }
    let wide = ExplanationTable(cases: Array(cases.prefix(5))).table
    #expect(
      wide.columns.count == 6
        && wide.rows.map { $0[0] } == [
          "constant", "process correction", "= predicted",
        ]
    )
    let long = ExplanationTable(cases: cases).table
    #expect(
      long.columns.map(\.title) == [
        "failed connects of", "constant", "process correction", "= predicted",
      ]
    )
    #expect(long.rows.last == ["case 6", "6", "0.5", "6.5"])
  }

  @Test func amountsOfSharesArePointsAndSmallTermsAreOneLine() {
    let parts = [
      "constant": 0.9, "ring_fill_ns": -0.25, "chunk_count": 0.0004, "jiffy_ns": 0.0003,
      "residual": 0.01,
    ]
    let share = explanation(.goodputRetained, 0.6607, parts)
    let rows = ExplanationTable(cases: [("x", share)]).table.rows
    #expect(
      rows == [
        ["constant", "90 pt"], ["ring fill", "-25 pt"], ["process correction", "1 pt"],
        ["2 smaller", "0.07 pt"],
        ["= predicted", "66.1 pt"],
      ]
    )
  }

  @Test(arguments: [
    ("ipa_flush_work_ns", "ipa flush work"), ("softirq_load_share", "softirq load"),
    ("chunk_count", "chunk"), ("constant", "constant"), ("queueing", "queueing factor"),
    ("residual", "process correction"), ("link_bits_per_s", "link bits per s"),
  ])
  func aTermIsWrittenWithoutItsUnit(name: String, title: String) {
    #expect(ExplanationTable.title(name) == title)
  }

  @Test(arguments: Feature.allCases)
  func everyFeatureHasATitle(feature: Feature) {
    let title = ExplanationTable.title(feature.rawValue)
    #expect(!title.isEmpty && !title.contains("_") && !title.hasSuffix(" ns"))
  }
}
