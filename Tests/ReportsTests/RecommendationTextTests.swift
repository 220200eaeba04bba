// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Profiles
import Reports
import Testing
import Tuning

/// A recommendation written down by hand, part by part.
struct SampleAnswer {
  var verdict = "change"
  var nearest = "null"
  var model = "\"standard\""
  var isInside = "true"
  var pinned = "[]"
  var rows = [
    row(
      "now",
      "chunk=1GiB",
      "as it is",
      [
        Samples.effect(.teardownTime, Samples.simulated(99.2e9, 99.1e9, 99.4e9)),
        Samples.effect(.goodputRetained, Samples.simulated(0.01, 0.01, 0.01)),
        Samples.effect(.longestHold),
      ],
      misses: [Samples.violation("io.goodput>=0.97", .goodputRetained, 0.01)]
    ),
    row(
      "today",
      "slice=8MiB",
      "slices of 8MiB",
      isRecommended: true,
      [
        Samples.effect(
          .teardownTime,
          Samples.predicted(123e9, 120e9, 125e9, at: "extrapolating"),
          Samples.simulated(122e9, 122e9, 122e9)
        ),
        Samples.effect(.goodputRetained, Samples.predicted(0.99, 0.97, 1)),
        Samples.effect(.longestHold, Samples.predicted(2.38e6, 2.27e6, 4.75e6)),
      ]
    ),
  ]

  static func row(
    _ role: String,
    _ policy: String,
    _ summary: String,
    isRecommended: Bool = false,
    _ effects: [String],
    misses: [String] = [],
    near: [String] = []
  ) -> String {
    "{\"role\": \"\(role)\", \"policy\": \"\(policy)\", \"summary\": \"\(summary)\", \"effects\": "
      + "\(Samples.list(effects)), \"violations\": \(Samples.list(misses)), \"undecided\": "
      + "\(Samples.list(near)), \"confirmed\": true, \"recommended\": \(isRecommended), \"warnings\": []}"
  }

  private var asked: String {
    """
    {"host": "toy", "kernel": "6.1", "release": "6.1", "preemption": "voluntary", "hz": 250,
     "workload": "churn", "operation": "teardown", "path": "munmap", "memory_bytes": 4096,
     "objective": "teardown.time", "limits": ["io.goodput>=0.97"], "vmm": "other", "pinned": \(pinned), "knobs": "any",
     "budget": 100, "confidence": 0.95}
    """
  }

  private var basis: String {
    """
    {"model": \(model), "inside_domain": \(isInside), "scored": 704, "hazardous": 82,
     "simulated": 105, "finalists": 6, "runs": 173, "race_end": "separated", "seed": 11}
    """
  }

  var answer: Recommendation {
    get throws {
      try Samples.read(
        """
        {"schema_version": 4, "asked": \(asked), "verdict": "\(verdict)",
         "rows": \(Samples.list(rows)), "nearest": \(nearest), "why": ["a chunk takes 305.8 ms"],
         "cost": ["teardown grows"],
         "changes": [{"knob": "slice", "from": "none", "to": "8MiB", "class": "today"}],
         "apply": [{"class": "today", "place": "vmm", "text": "munmap in slices"}],
         "holds": [{"key": "net.offered", "tried": ["1"], "sentence": "holds down to 1 Gbit/s"}],
         "safety": {"safe": true, "sentence": "safe: no stale entry"}, "basis": \(basis),
         "alternatives": [{"name": "large chunks", "policy": "chunk=1GiB", "reason": "starves"}],
         "paths": [{"path": "process-exit", "policy": "path=process-exit", "violations": [], "undecided": [],
         "effects": [\(Samples.effect(.teardownTime, Samples.simulated(42e9, 41e9, 43e9)))]}]}
        """
      )
    }
  }

  func text(details: Bool = true) throws -> String {
    try answer.text(Samples.context, details: details)
  }
}

private typealias Sample = SampleAnswer

@Suite struct RecommendationTextTests {
  /// Words that stand in the margin; the lines of tables have others.
  private static let labels: Set<String> = [
    "verdict", "kernel", "dmesg", "cost", "apply", "unsafe", "sure", "now", "today", "effect",
    "why",
    "holds", "safe", "tested", "basis", "not", "paths", "if", "so", "measure",
  ]

  /// The paragraphs of a text by their labels, each on one line.
  private func paragraphs(_ text: String) -> [(label: String, text: String)] {
    var found: [(label: String, text: String)] = []
    var isInTable = false
    for line in text.components(separatedBy: "\n").dropFirst() {
      let words = line.split(separator: " ").joined(separator: " ")
      let label = line.prefix(11).split(separator: " ").joined(separator: " ")
      if line.isEmpty {
        isInTable = true
      } else if Self.labels.contains(label), line.hasPrefix("  \(label)") {
        found.append((label, words.dropFirst(label.count + 1).description))
        isInTable = false
      } else if label.isEmpty, !isInTable, !found.isEmpty {
        found[found.count - 1].text += " " + words
      }
    }
    return found
  }

  @Test func partsStandInTheOrderInWhichOneActsOnThem() throws {
    let text = try Sample().text()
    let found = paragraphs(text)
    #expect(
      found.map(\.label) == [
        "verdict", "cost", "apply", "sure", "now", "today", "effect", "why", "apply", "holds",
        "safe", "basis", "not", "paths",
      ]
    )
    #expect(text.hasPrefix("churn on toy, Linux 6.1\n") && text.hasSuffix("\n"))
    #expect(text.components(separatedBy: "\n").allSatisfy { $0.count <= 100 && !$0.hasSuffix(" ") })
  }

  /// What is read first fits a small terminal; the rest is asked for.
  @Test func theShortFormIsTheBeginningOfTheLongOne() throws {
    let (short, long) = (try Sample().text(details: false), try Sample().text())
    #expect(long.hasPrefix(short))
    let lines = short.components(separatedBy: "\n").dropLast()
    #expect(lines.count <= 20 && lines.allSatisfy { $0.count <= 100 })
    #expect(!short.contains("large chunks"))
  }

  @Test(arguments: [
    ("verdict", "change slice from none to 8MiB"), ("why", "a chunk takes 305.8 ms"),
    ("cost", "teardown grows"), ("apply", "vmm: munmap in slices"),
    ("sure", "3 whole runs; host: 3 values assumed"),
    ("holds", "holds down to 1 Gbit/s"), ("safe", "safe: no stale entry"),
    ("not", "large chunks: starves"), ("paths", "path=process-exit: teardown 42 s [41-43 s]"),
    (
      "effect",
      "teardown: predicted 123 s [120-125 s] (outside the model's domain), simulated 122 s "
        + "in 3 runs"
    ),
    (
      "basis",
      "standard, inside its domain; 704 policies scored, 82 hazardous left out, 105 simulated, "
        + "6 finalists raced (separated), 173 runs, seed 11; host: 3 values assumed"
    ),
  ])
  func aPartSaysItsValues(label: String, text: String) throws {
    #expect(paragraphs(try Sample().text()).first { $0.label == label }?.text == text)
  }

  @Test func figuresStandUnderTheirPolicies() throws {
    let lines = try Sample().text(details: false).components(separatedBy: "\n")
    let titles = try #require(lines.first { $0.hasSuffix("recommended") })
    let places = try ["now", "recommended"].map { title in
      try #require(titles.range(of: title)).lowerBound.utf16Offset(in: titles)
    }
    for (title, first, second) in [
      ("teardown", "99.2 s [99.1-99.4 s]", "122 s"),
      ("TCP keeps", "1 %  (io.goodput>=0.97)", "~99 % [97-100]"),
      ("longest hold", "none", "~2.38 ms [2.27-4.75 ms]"),
    ] {
      let line = Array(try #require(lines.first { $0.hasPrefix("  \(title)") }))
      for (place, figure) in zip(places, [first, second]) {
        #expect(String(line.dropFirst(place)).hasPrefix(figure), "\(title)")
      }
    }
  }

  /// A limit that runs do not decide is neither missed nor kept.
  @Test func anUndecidedLimitIsSaidToBeNear() throws {
    var sample = Sample()
    let limit = "io.goodput>=0.97"
    sample.rows[0] = Sample.row(
      "now",
      "chunk=1GiB",
      "as it is",
      [Samples.effect(.goodputRetained, Samples.simulated(0.968, 0.95, 0.99))],
      misses: [Samples.violation(limit, .goodputRetained, 0.968)],
      near: ["{\"limit\": \"\(limit)\", \"response\": \"goodput_retained_share\"}"]
    )
    let text = try sample.text()
    #expect(text.contains("97 % [95-99]  (near io.goodput>=0.97)"))
    #expect(text.contains("(undecided, near io.goodput>=0.97)"))
    #expect(!text.contains("misses"))
  }

  @Test(arguments: [
    ("null", "null", "no cost model, runs only; "), ("\"m\"", "null", "m; "),
    ("\"m\"", "false", "m, outside its domain; "), ("\"m\"", "true", "m, inside its domain; "),
  ])
  func theBasisSaysWhatTheAnswerRestsOn(model: String, isInside: String, start: String) throws {
    var sample = Sample()
    (sample.model, sample.isInside) = (model, isInside)
    let basis = paragraphs(try sample.text()).first { $0.label == "basis" }
    #expect(basis?.text.hasPrefix(start) == true, "\(basis?.text ?? "")")
  }

  @Test func aPolicyThatIsKeptIsSaidToBeKept() throws {
    var sample = Sample()
    sample.verdict = "keep"
    let verdict = paragraphs(try sample.text()).first { $0.label == "verdict" }
    #expect(verdict?.text == "keep the present policy: nothing simulated beats it")
  }

  @Test func whereNothingKeepsTheLimitsTheNearestIsNamedWithWhatItBreaks() throws {
    var sample = Sample()
    sample.verdict = "none-feasible"
    sample.rows = [sample.rows[0]]
    let missed = Samples.violation("io.goodput>=0.97", .goodputRetained, 0.9687)
    sample.nearest = Sample.row("kernel", "chunk=2MiB", "x", [], misses: [missed])
    let verdict = paragraphs(try sample.text()).first { $0.label == "verdict" }
    let first = "none: no policy that was simulated keeps the limits"
    #expect(
      verdict?.text == first + " nearest is chunk=2MiB: it breaks io.goodput>=0.97 with 96.9 %"
    )
    sample.nearest = Sample.row("kernel", "chunk=2MiB", "x", [])
    let kept = paragraphs(try sample.text()).first { $0.label == "verdict" }
    #expect(kept?.text == first + " nearest is chunk=2MiB: it keeps them on average only")
    sample.nearest = "null"
    #expect(paragraphs(try sample.text()).first { $0.label == "verdict" }?.text == first)
    #expect(try !sample.text().contains("effect"))
  }

  /// A pinned path says what another one would give, where that keeps the limits.
  @Test func aPinnedPathSaysWhatAnotherWouldGive() throws {
    var sample = Sample()
    sample.verdict = "keep"
    #expect(try !sample.text().contains("pinned"))
    sample.pinned = "[\"path\"]"
    let verdict = paragraphs(try sample.text()).first { $0.label == "verdict" }
    let text = "the path is pinned; path=process-exit keeps the limits with teardown 42 s [41-43 s]"
    #expect(verdict?.text.hasSuffix(text) == true, "\(verdict?.text ?? "")")
  }

  @Test func whatTheKernelWouldLogIsSaid() throws {
    var sample = Sample()
    #expect(try !sample.text().contains("dmesg"))
    sample.rows[0] = sample.rows[0].replacing(
      "\"warnings\": []",
      with: "\"warnings\": [{\"kind\": \"soft-lockup\", \"time_ns\": 78000000000}]"
    )
    let found = paragraphs(try sample.text(details: false)).first { $0.label == "dmesg" }
    #expect(found?.text == "now: soft-lockup, 78 s against 20 s")
  }

  @Test func variantsSayWhetherTheyAgree() throws {
    var other = Sample()
    other.rows = [other.rows[0]]
    let answers = [("FULL", try Sample().answer), ("LAZY", try other.answer)]
    let variants = try answers.map { label, answer in
      let json = String(decoding: try JSONEncoder().encode(answer), as: UTF8.self)
      return "{\"label\": \"\(label)\", \"answer\": \(json)}"
    }
    func text(_ agreed: Bool, _ decidedBy: [String]) throws -> String {
      let answers: VariantAnswers = try Samples.read(
        "{\"variants\": \(Samples.list(variants)), \"agreed\": \(agreed), "
          + "\"decided_by\": \(Samples.texts(decidedBy))}"
      )
      return answers.text(Samples.context)
    }
    let found = paragraphs(try text(false, ["read uname -v"]))
    #expect(found.map(\.label) == ["if", "so", "measure"])
    // What is only predicted is no evidence, so it is left out.
    #expect(
      found[0].text == "FULL: slices of 8MiB: teardown 122 s LAZY: no policy keeps the limits"
    )
    #expect(found[1].text == "the answer depends on it; measure first")
    #expect(found[2].text == "read uname -v")
    #expect(paragraphs(try text(true, [])).map(\.label) == ["if", "so"])
    #expect(try text(true, []).contains("all possibilities have the same answer"))
  }

  @Test func aReproductionNamesCommandsAndWhatTheyShow() throws {
    let reproduction: Reproduction = try Samples.read(
      """
      {"commands": ["perf stat", "cat /proc/interrupts"], "expected": [{"policy": "chunk=2MiB",
       "response": "teardown_time_ns", "low": 1, "high": 2, "sentence": "1 s to 2 s"}]}
      """
    )
    #expect(
      reproduction.text()
        == "  repro    perf stat\n           cat /proc/interrupts\n"
        + "  expect   chunk=2MiB: 1 s to 2 s\n"
    )
  }
}
