// SPDX-License-Identifier: GPL-3.0-or-later

import CostModels
import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness
import Testing

@testable import Tuning

@Suite struct WhatIfTests {
  @Test func answersFromTheModelInsideItsDomain() throws {
    let answer = try WhatIf(exampleQuestion(), tools: exampleTools())
      .point(Policy(parsing: "chunk=1MiB", over: exampleQuestion().presentPolicy))
    #expect(answer.points[0].source == .model)
    #expect(answer.points[0].effects.allSatisfy { $0.simulated == nil })
    #expect(answer.points[0].violations.isEmpty)
    #expect(!answer.present.violations.isEmpty)
  }

  @Test func simulatesOutsideOfItAndSaysSo() throws {
    let tools = TuningTools(
      simulator: FormulaSimulator(),
      predictor: Outside(),
      safety: FormulaSafety()
    )
    let answer = try WhatIf(exampleQuestion(), tools: tools).point(exampleQuestion().presentPolicy)
    #expect(answer.points[0].source == .simulationOutsideDomain)
    #expect(answer.points[0].effects[0].simulated != nil)
    let exact = try WhatIf(exampleQuestion(), tools: exampleTools(), exact: true)
      .point(exampleQuestion().presentPolicy)
    #expect(exact.points[0].source == .simulation)
  }

  @Test func theTermsAreThereWhereTheyAreAskedFor() throws {
    let tools = TuningTools(
      simulator: FormulaSimulator(),
      predictor: Explained(),
      safety: FormulaSafety()
    )
    var whatIf = WhatIf(exampleQuestion(), tools: tools)
    let policy = exampleQuestion().presentPolicy
    #expect(try whatIf.point(policy).points[0].explanation == nil)
    whatIf.explains = true
    let point = try whatIf.point(policy).points[0]
    let explained = try #require(point.explanation)
    #expect(explained.map(\.response) == point.effects.map(\.response))
    for (effect, one) in zip(point.effects, explained) {
      #expect(one.value == effect.predicted?.value)
    }
  }

  @Test func aSweepMarksWhereALimitFlips() throws {
    let question = exampleQuestion()
    var cases: [WhatIfCase] = []
    for value in try Sweep(parsing: "chunk=4KiB..1GiB").values {
      let policy = try Policy(parsing: "chunk=\(value)", over: question.presentPolicy)
      cases.append(WhatIfCase(label: "chunk=\(value)", question: question, policy: policy))
    }
    let answer = try WhatIf(question, tools: exampleTools()).answer(cases, swept: "chunk")
    #expect(answer.points.count == 19)
    #expect(answer.flips.map(\.sentence) == ["io.goodput>=0.97 is broken from here on"])
    #expect(answer.best == answer.flips.first?.after)
  }

  @Test func aLimitOfNoSampleIsSaidAndNothingIsTheBest() throws {
    let tools = TuningTools(simulator: NoRequests(), predictor: nil, safety: FormulaSafety())
    var question = exampleQuestion()
    question.workload.network.requests = 200
    question.serviceLevels = [ServiceLevel(.requestP99, .time(.milliseconds(2)))]
    let answer = try WhatIf(question, tools: tools).point(question.presentPolicy)
    let point = answer.points[0]
    #expect(point.violations.map(\.value) == [nil])
    #expect(point.fewSamples?.map(\.response) == [.requestP99])
    #expect(answer.best == nil && answer.limits == ["request.p99<=2ms"])
    #expect(try JSON.text(answer).contains("\"few_samples\""), "it can be written")
    // A default of the profile is not dropped in silence either.
    question.workload.serviceLevels = question.serviceLevels ?? []
    question.serviceLevels = nil
    #expect(try WhatIf(question, tools: tools).point(question.presentPolicy).best == nil)
    question.serviceLevels = [ServiceLevel(.requestP99, .relative(1.2))]
    #expect(throws: TuningError.noSample(limit: "request.p99<=1.2x", workload: "churn")) {
      try WhatIf(question, tools: tools).point(question.presentPolicy)
    }
  }

  @Test func unsafePoliciesAreAnsweredWithTheHazard() throws {
    var policy = exampleQuestion().presentPolicy
    policy.flush = .none
    let answer = try WhatIf(exampleQuestion(), tools: exampleTools()).point(policy)
    #expect(!answer.points[0].safety.isSafe)
    #expect(answer.best == nil)
  }

  @Test func impossiblePoliciesAreRefused() {
    #expect(throws: TuningError.self) {
      try WhatIf(exampleQuestion(), tools: exampleTools())
        .point(Policy(parsing: "tlbi=deferred", over: exampleQuestion().presentPolicy))
    }
  }

  @Test(arguments: [
    ("chunk=4KiB..16KiB", ["4KiB", "8KiB", "16KiB"]),
    ("chunk=3KiB..7KiB", ["3KiB", "6KiB", "7KiB"]),
    ("pause=20us..100us", ["20us", "40us", "80us", "100us"]),
    ("tlbi=per-leaf,deferred", ["per-leaf", "deferred"]),
    (
      "vm.block_share=0..1",
      ["0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1"]
    ),
  ])
  func sweepsAreRead(text: String, values: [String]) throws {
    #expect(try Sweep(parsing: text).values == values)
  }

  @Test(arguments: ["chunk", "=1..2", "chunk=", "chunk=2MiB..1MiB", "chunk=a,,b", "x=1..0"])
  func otherTextIsRefused(text: String) {
    #expect(throws: TuningError.illegalSweep(text: text, legal: Sweep.legal)) {
      try Sweep(parsing: text)
    }
  }

  /// The formula beside a client of which no request was answered.
  private struct NoRequests: PolicySimulator {
    func report(
      _ question: Question,
      policy: Policy,
      seed: Seed,
      extent: RunExtent
    ) throws(TuningError) -> RunReport {
      var report = try FormulaSimulator()
        .report(question, policy: policy, seed: seed, extent: extent)
      report.requests = LatencySummary()
      return report
    }
  }

  /// Says of every prediction that it is one term.
  private struct Explained: PolicyPredictor {
    let identity = "one term"
    func predictions(
      _ question: Question,
      policy: Policy
    ) throws(TuningError) -> [Response: PredictedValue] {
      try FormulaPredictor().predictions(question, policy: policy)
    }
    func explanations(_ question: Question, policy: Policy) throws(TuningError) -> [Explanation] {
      let found = try predictions(question, policy: policy)
      return Response.allCases.compactMap { response in
        found[response].map {
          Explanation(
            response: response,
            value: $0.value,
            parts: [.init(name: "constant", amount: $0.value)]
          )
        }
      }
    }
  }

  /// Predicts, but never inside its domain.
  private struct Outside: PolicyPredictor {
    let identity = "nowhere"
    func predictions(
      _ question: Question,
      policy: Policy
    ) throws(TuningError) -> [Response: PredictedValue] {
      try FormulaPredictor().predictions(question, policy: policy).mapValues {
        PredictedValue(value: $0.value, low: $0.low, high: $0.high, place: .extrapolating)
      }
    }
  }
}

@Suite struct FrontAndVariantTests {
  @Test func theFrontHoldsOnlyFeasiblePoliciesAndOneKnee() throws {
    var question = exampleQuestion()
    question.knobs = .any
    let answer = try ParetoFinder(question, tools: exampleTools())
      .front([.teardownTime, .ioGoodput, .longestHold])
    #expect(answer.objectives == [.teardownTime, .goodputRetained, .longestHold])
    #expect(answer.points.count > 2)
    #expect(answer.points.filter(\.isKnee).count == 1)
    #expect(answer.points.allSatisfy { $0.violations.isEmpty })
  }

  @Test func aMetricTheWorkloadLacksIsRefused() {
    #expect(throws: TuningError.self) {
      try ParetoFinder(exampleQuestion(), tools: exampleTools()).front([.migrationTime, .ioGoodput])
    }
  }

  @Test func unknownPreemptionGivesAnAnswerForEach() throws {
    let answers = try Recommender.variants(
      exampleQuestion(),
      unknown: [.preemption, .reader],
      tools: exampleTools()
    )
    #expect(answers.variants.count == 6)
    #expect(answers.variants[0].label == "preemption=none,reader=same")
    // The formula knows no preemption and no reader, so all agree and nothing needs measuring.
    #expect(answers.isAgreed && answers.decidedBy.isEmpty)
  }

  @Test func theReproductionHoldsCommandsAndIntervals() throws {
    let answer = try Recommender(exampleQuestion(), tools: exampleTools()).recommend()
    let repro = answer.reproduction()
    #expect(repro.commands.contains { $0.contains("iperf3 -s") })
    #expect(repro.commands.contains { $0.contains("munmap(p,") })
    let policies = Set(repro.expected.map(\.policy))
    #expect(policies.count == 2)
    for expectation in repro.expected {
      #expect(expectation.low <= expectation.high)
      #expect(!expectation.sentence.isEmpty)
    }
  }
}

@Suite struct SafetyTests {
  @Test func conditionalFlushesNeedChunksOverTheLeaf() throws {
    var question = exampleQuestion(
      release: (6, 12),
      features: .init(forcedWriteBack: true, rangeTLBI: true)
    )
    var policy = question.presentPolicy
    policy.flush = .deferredIfCleared(.call)
    for size in [ByteCount.kibibytes(64), .mebibytes(2)] {
      // A guest of pages alone today may have blocks tomorrow: the rule itself is judged.
      policy.chunk = .fixed(size)
      question.workload.memory.blockShare = size == .mebibytes(2) ? 0.5 : 0
      let verdict = RuleSafety().verdict(question, policy: policy)
      #expect(!verdict.isSafe && verdict.sentence.contains("hazard 1"))
      #expect(verdict.sentence.contains("The kernel's rule"))
    }
    policy.chunk = .largestBlock
    #expect(RuleSafety().verdict(question, policy: policy).isSafe)
    policy.controller = .feedback(floor: .kibibytes(64), patience: 4)
    #expect(!RuleSafety().verdict(question, policy: policy).isSafe)
    policy.controller = .fixed
    policy.chunk = .fixed(.kibibytes(64))
    policy.flush = .deferredIfCleared(.clearedLeaves)
    #expect(RuleSafety().verdict(question, policy: policy).isSafe)
  }

  @Test func noFlushIsOnlyForTheExitPath() {
    var policy = exampleQuestion().presentPolicy
    policy.flush = .none
    #expect(!RuleSafety().verdict(exampleQuestion(), policy: policy).isSafe)
    policy.path = .processExit
    #expect(RuleSafety().verdict(exampleQuestion(), policy: policy).isSafe)
  }

  @Test func deferringWithoutWriteBackIsRefused() {
    let question = exampleQuestion(release: (6, 12), features: .init(rangeTLBI: true))
    var policy = question.presentPolicy
    policy.flush = .deferredRange
    #expect(!RuleSafety().verdict(question, policy: policy).isSafe)
  }
}
