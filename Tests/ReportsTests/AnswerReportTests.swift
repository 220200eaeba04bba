// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Quantities
import TestSupport
import Testing
import Tuning

@testable import Reports

/// A report around the recommendation that is written down by hand.
private func report(_ answer: Recommendation, context: AnswerContext = Samples.context) throws
  -> AnswerReport
{
  let json = String(decoding: try JSON.data(answer), as: UTF8.self)
  let lanes =
    "[{\"lane\": \"lock\", \"values\": [0, 1, 0.25]}, {\"lane\": \"drops\", \"values\": [0, 0, 7]}]"
  func run(_ role: String, _ digest: String) -> String {
    """
    {"role": "\(role)", "policy": "p-\(role)", "digest": "\(digest)", "simulated_share": 1,
     "timeline": {"start_ns": -1000, "step_ns": 1000, "tracks": \(lanes)},
     "accounts": [{"whole": "cpu", "parts": [{"kind": "visits", "time_ns": 3e9}, {"kind": "flushes",
     "time_ns": 1e9}]}]}
    """
  }
  let study: AnswerStudy = try Samples.read(
    """
    {"recommendation": \(json), "compositions": [],
     "runs": {"runs": [\(run("now", "aa")), \(run("recommended", "bb"))], "replicate": 0,
     "has_running_guest": false},
     "host_values": {"response": "teardown_time_ns", "model": "standard", "others": 4, "rows": [
     {"key": "tlbi.ipa_flush", "value": "100ns", "summary": "one flush", "why": "as on another core",
     "now": {"half": 5e9, "as_is": 10e9, "twice": 20e9}, "turns": false}]},
     "absent": [{"part": "front", "reason": "no front here"}, {"part": "sweep", "reason": "no sweep"},
     {"part": "sensitivity", "reason": "no model"}, {"part": "compositions", "reason": "no terms"}]}
    """
  )
  return AnswerReport(
    study: study,
    context: context,
    checks: [],
    origin: .init(
      program: "s2tune 0",
      simulator: "10",
      command: "s2tune report --workload churn",
      setup: "00ff",
      sources: [.init(kind: "stage2-dump", name: "<img src=x>.dump", digest: "d1")]
    )
  )
}

@Suite struct AnswerReportTests {
  /// Everything that the answer says stands on the page, with the same figures.
  @Test func everyFigureOfTheAnswerIsOnThePage() throws {
    let answer = try SampleAnswer().answer
    let page = XMLPage(try report(answer).document().html())
    #expect(page.isWellFormed && page.dangers.isEmpty, "\(page.dangers)")
    for row in answer.rows {
      #expect(page.text.contains(row.policy))
      for effect in row.effects {
        guard let run = effect.simulated else { continue }
        let text = effect.response.text(run.value, low: run.low, high: run.high)
        #expect(page.text.contains(text), "\(text)")
      }
    }
    let sentences =
      answer.why + answer.cost + answer.holds.map(\.sentence) + answer.apply.map(\.text)
      + answer.alternatives.map(\.reason) + [answer.safety.sentence] + answer.verdictSentences
      + [answer.sureSentence(Samples.context), answer.basisSentence(Samples.context)]
    for sentence in sentences { #expect(page.text.contains(sentence), "\(sentence)") }
  }

  @Test func sectionsStandInTheirOrder() throws {
    let document = try report(try SampleAnswer().answer).document()
    #expect(
      document.sections.map(\.id) == [
        "answer", "runs", "front", "chunk", "time", "decides", "wrong", "origin",
      ]
    )
    for text in [document.text(), document.markdown(), document.html()] {
      let places = document.sections.compactMap { section in
        text.range(of: section.title, options: .backwards)?.lowerBound
      }
      #expect(places.count == 8)
    }
  }

  @Test func whatIsMissingSaysWhy() throws {
    let text = try report(try SampleAnswer().answer).document().text()
    for reason in ["no front here", "no sweep", "no model", "no terms"] {
      #expect(text.contains("Not here: \(reason)."))
    }
    #expect(text.contains("Measure first: tlbi.ipa_flush"))
    #expect(text.contains("now 5 s with half of it, 10 s as it is, 20 s with twice"))
    #expect(text.contains("No published measurement speaks for this kind of workload"))
  }

  @Test func theSameReportHasTheSameBytes() throws {
    let answer = try SampleAnswer().answer
    let (first, second) = (try report(answer), try report(answer))
    #expect(first.document().html() == second.document().html())
    #expect(first.document().html().utf8.count < 2_000_000)
    #expect(try JSON.data(first) == JSON.data(second))
  }

  @Test(arguments: DocumentTests.hostile)
  func textsOfProfilesAreOnlyShown(text: String) throws {
    let context = AnswerContext(heading: text, provenance: text, files: [text])
    let page = XMLPage(try report(try SampleAnswer().answer, context: context).document().html())
    #expect(page.isWellFormed && page.dangers.isEmpty, "\(page.dangers)")
  }
}
