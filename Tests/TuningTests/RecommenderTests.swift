// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness
import Search
import Synchronization
import TestSupport
import Testing

@testable import Tuning

@Suite struct RecommenderTests {
  @Test(arguments: [true, false])
  func slicesTheTeardownWhereOnlyTodayIsAllowed(predicts: Bool) throws {
    let question = exampleQuestion()
    let answer = try Recommender(question, tools: exampleTools(predicts: predicts)).recommend()
    #expect(answer.verdict == .change)
    let row = try #require(answer.recommended)
    #expect(row.role == .today)
    #expect(row.violations.isEmpty && row.isConfirmed)
    #expect(answer.rows[0].role == .now)
    #expect(!answer.rows[0].violations.isEmpty)
    #expect(answer.changes.allSatisfy { $0.knobClass == .today })
    #expect(answer.basis.hazardous > 0)
    #expect(answer.safety.isSafe)
    #expect(!answer.why.isEmpty && !answer.apply.isEmpty && !answer.cost.isEmpty)
  }

  /// The winner is as good as the best of the whole space by the formula.
  @Test(arguments: Property.seeds(2))
  func theRegretIsSmall(seed: UInt64) throws {
    for knobs in KnobChoice.allCases {
      var question = exampleQuestion()
      question.knobs = knobs
      question.seed = seed
      let answer = try Recommender(question, tools: exampleTools()).recommend()
      let space = try PolicySpace(question)
      let safe = space.policies.filter { FormulaSafety().verdict(question, policy: $0).isSafe }
      let feasible = safe.map { FormulaSimulator.truth(question, $0) }.filter { $0.kept >= 0.97 }
      let best = try #require(feasible.map(\.time).min())
      let text = try #require(answer.recommended?.policy)
      let chosen = try Policy(parsing: text, over: question.presentPolicy)
      let truth = FormulaSimulator.truth(question, chosen)
      #expect(truth.kept >= 0.965, "\(text)")
      #expect(truth.time <= best * 1.05, "\(knobs): \(text) takes \(truth.time), best \(best)")
    }
  }

  @Test func neverRecommendsAHazard() throws {
    let features = CPUFeatures(forcedWriteBack: true, rangeTLBI: true)
    var question = exampleQuestion(release: (6, 12), features: features)
    question.knobs = .kernel
    let answer = try Recommender(question, tools: exampleTools()).recommend()
    #expect(answer.safety.isSafe)
    for row in answer.rows where row.role != .now {
      #expect(!row.policy.contains("tlbi=if-cleared,") && !row.policy.contains("tlbi=none"))
    }
    #expect(answer.basis.hazardous > 0)
  }

  @Test func noneFeasibleNamesTheNearestAndByHowMuch() throws {
    var question = exampleQuestion()
    question.serviceLevels = [
      ServiceLevel(.ioGoodput, .share(0.97)), ServiceLevel(.teardownTime, .time(.seconds(1))),
    ]
    let answer = try Recommender(question, tools: exampleTools()).recommend()
    #expect(answer.verdict == .noneFeasible)
    #expect(answer.recommended == nil)
    let nearest = try #require(answer.why.last)
    #expect(nearest.hasPrefix("nearest is"))
    #expect(nearest.contains("teardown.time<=1s"))
  }

  @Test func keepsAPolicyThatIsBest() throws {
    var question = exampleQuestion(path: .processExit)
    question.knobs = .today
    let answer = try Recommender(question, tools: exampleTools()).recommend()
    #expect(answer.verdict == .keep)
    #expect(answer.changes.isEmpty)
  }

  @Test func comparesPathsBeforeChunks() throws {
    let answer = try Recommender(exampleQuestion(), tools: exampleTools()).recommend()
    #expect(answer.paths.map(\.path) == TeardownPath.allCases)
    let exit = try #require(answer.paths.first { $0.path == .processExit })
    #expect(exit.violations.isEmpty)
    // A path that breaks a limit for certain is run once; the present one has a row of its own.
    for path in answer.paths where path.path != .munmap {
      let runs = path.effects.compactMap(\.simulated?.runs).max()
      #expect(path.violations.isEmpty ? runs ?? 0 >= Recommender.rowRuns : runs == 1, "\(path)")
    }
  }

  /// A path is a knob like others: unless it is pinned, one that is better wins, and no verdict denies
  /// a path that the same answer shows to keep the limits.
  @Test func searchesThePathUnlessItIsPinned() throws {
    var question = exampleQuestion()
    question.pinned = []
    let answer = try Recommender(question, tools: exampleTools()).recommend()
    #expect(answer.verdict == .change)
    #expect(answer.changes.map(\.knob) == ["path"])
    #expect(answer.recommended?.policy.contains("path=process-exit") == true)
    question.serviceLevels = [
      ServiceLevel(.ioGoodput, .share(0.97)), ServiceLevel(.teardownTime, .time(.seconds(8))),
    ]
    let tight = try Recommender(question, tools: exampleTools()).recommend()
    #expect(tight.paths.contains { $0.violations.isEmpty } && tight.verdict == .change)
    question.pinned = [.path]
    let pinned = try Recommender(question, tools: exampleTools()).recommend()
    #expect(pinned.verdict == .noneFeasible && pinned.asked.pinned == ["path"])
  }

  /// Only what the guest's program can be told is searched, and what it does by itself is the present.
  @Test func asksOnlyForWhatTheProgramOffers() throws {
    var question = exampleQuestion()
    question.pinned = []
    question.vmm = .cloudHypervisor
    let policies = try PolicySpace(question).policies
    #expect(policies.allSatisfy { $0.slice == nil && $0.pause == .zero })
    #expect(Set(policies.compactMap(\.path)) == [.munmap, .processExit])
    question.workload.operation = .migration
    #expect(question.presentPolicy.logStart == .protect)
    #expect(try PolicySpace(question).policies.allSatisfy { $0.clearRange == nil })
    question.vmm = .qemu
    #expect(question.presentPolicy.clearRange == .gibibytes(1))
    #expect(question.presentPolicy.logStart == .allSet)
    question.vmm = .other
    let starts = Set(try PolicySpace(question).policies.map(\.logStart))
    #expect(starts == [.allSet, .protect])
  }

  /// A knob of the kernel stays as it is where it is pinned.
  @Test(arguments: [PolicyKey.tlbi, .controller, .chunk])
  func pinsKernelKnobs(key: PolicyKey) throws {
    var question = exampleQuestion()
    question.knobs = .kernel
    func texts() throws -> Set<String?> {
      Set(try PolicySpace(question).policies.map { $0.text(of: key) })
    }
    question.pinned = []
    #expect(try texts().count > 1)
    question.pinned = [key]
    #expect(try texts() == [question.presentPolicy.text(of: key)])
  }

  /// Nothing can be moved to another CPU where there is none.
  @Test(arguments: [1, 2])
  func movesInterruptsOnlyWhereThereIsAnotherCPU(cpus: Int) throws {
    var question = exampleQuestion()
    question.pinned = []
    question.setup.host.cpus = cpus
    question.setup.host.nic.queues = 1
    let moves = try PolicySpace(question).policies.contains { $0.interrupt == .moved }
    #expect(moves == (cpus > 1))
  }

  /// What saves a few milliseconds is no reason to change anything.
  @Test func keepsWhatNobodyNotices() throws {
    var question = exampleQuestion()
    question.pinned = []
    question.workload.memory.size = .mebibytes(8)
    question.serviceLevels = []
    let answer = try Recommender(question, tools: exampleTools()).recommend()
    #expect(answer.verdict == .keep, "\(answer.changes)")
  }

  /// Each change that is left is needed: without it a limit breaks or the objective gets worse.
  @Test(arguments: [KnobChoice.today, .kernel, .any])
  func everyChangeIsNeeded(knobs: KnobChoice) throws {
    var question = exampleQuestion()
    (question.knobs, question.pinned) = (knobs, [])
    let answer = try Recommender(question, tools: exampleTools()).recommend()
    let check = try AnswerChecker(question, tools: exampleTools()).check(answer, name: "formula")
    #expect(check.changes > 0 && check.idle.isEmpty, "\(check.idle)")
    #expect(check.contradictions.isEmpty && check.alike == check.policies)
  }

  /// What changes nothing goes back, one change after the other; what a limit needs stays.
  @Test func turnsBackWhatChangesNothing() throws {
    let run = try Self.run(exampleQuestion(), exampleTools())
    let busy = "slice=1MiB,napi=threaded,breaks=no,split=2MiB"
    #expect(try Self.plain(busy, in: run) == "slice=1MiB")
  }

  /// The beginning of an answer: the present policy was run, and nothing else.
  private static func run(_ question: Question, _ tools: TuningTools) throws -> RecommendationRun {
    let bench = Bench(question, tools: tools)
    let present = question.presentPolicy
    let now = try bench.runs(present, replicates: Recommender.rowRuns, .full)
    return RecommendationRun(
      question: question,
      tools: tools,
      bench: bench,
      goal: try Goal(question, present: Recommender.means(now)),
      present: present
    )
  }

  /// What is left of some changes of the present policy.
  private static func plain(_ changes: String, in run: RecommendationRun) throws -> String {
    let policy = try Policy(parsing: changes, over: run.present)
    _ = try run.bench.runs(policy, replicates: Recommender.rowRuns, .full)
    return try run.plain(policy, sparing: 0) { _ in true }.changes(from: run.present)
      .map { "\($0.key.rawValue)=\($0.to)" }.joined(separator: ",")
  }

  /// Beside a small slice a moved interrupt saves a tenth of the time, beside a large one nothing.
  @Test func turnsBackWhatALargerSizeNeedsNoMore() throws {
    var question = exampleQuestion()
    question.pinned = [.path]
    let tools = TuningTools(
      simulator: SliceSimulator(),
      predictor: nil,
      safety: FormulaSafety(),
      workers: 2
    )
    var run = try Self.run(question, tools)
    try run.search()
    #expect(try Self.plain("slice=64KiB,irq=moved", in: run) == "slice=4MiB")
  }

  /// A moved interrupt allows larger slices; where smaller ones are as good, it goes.
  @Test func aSmallerSliceTakesTheFurtherChangesPlace() throws {
    var question = exampleQuestion()
    question.pinned = [.path]
    let tools = TuningTools(
      simulator: SliceSimulator(largestBeside: .mebibytes(1)),
      predictor: nil,
      safety: FormulaSafety(),
      workers: 2
    )
    var run = try Self.run(question, tools)
    try run.search()
    #expect(try Self.plain("slice=4MiB,irq=moved", in: run) == "slice=1MiB")
  }

  /// What 7 MiB win over the 4 MiB that are searched, a tenth of the time, is found; what they would
  /// win by a hundredth is left at a power of two.
  @Test(arguments: [(1.0, "slice=7MiB"), (0.03, "slice=4MiB")])
  func looksBetweenPowersOfTwoWhereThatPays(weight: Double, choice: String) throws {
    var question = exampleQuestion()
    question.pinned = [.path, .irq, .napi]
    question.budget = 256
    let tools = TuningTools(
      simulator: SliceSimulator(largest: .mebibytes(7), weight: weight),
      predictor: nil,
      safety: FormulaSafety(),
      workers: 2
    )
    let answer = try Recommender(question, tools: tools).recommend()
    let changes = answer.changes.map { "\($0.knob)=\($0.to)" }.joined(separator: ",")
    #expect(changes == choice)
  }

  /// What lies on a limit by chance is run more often than other rows and said to be undecided.
  @Test func aPolicyOnALimitIsUndecided() throws {
    var question = exampleQuestion()
    question.pinned = [.path, .irq, .napi]
    question.budget = 256
    let tools = TuningTools(
      simulator: SliceSimulator(flicker: 0.04),
      predictor: nil,
      safety: FormulaSafety(),
      workers: 2
    )
    let answer = try Recommender(question, tools: tools).recommend()
    let now = try #require(answer.rows.first { $0.role == .now })
    #expect(now.undecided.map(\.limit) == ["io.goodput>=0.97"])
    #expect(now.effects.first?.simulated?.runs == 8 && !now.isConfirmed)
    let chosen = try #require(answer.recommended)
    #expect(chosen.undecided.isEmpty && chosen.isConfirmed)
    let check = try AnswerChecker(question, tools: tools).check(answer, name: "flicker")
    #expect(check.undecided > 0 && check.alike == check.judged && check.unlike.isEmpty)
  }

  /// Where several knobs are turned, each is turned back alone and its worth shown.
  @Test func showsWhatEachKnobIsWorth() throws {
    var question = exampleQuestion()
    question.knobs = .kernel
    let answer = try Recommender(question, tools: exampleTools()).recommend()
    let partial = answer.alternatives.filter { $0.name.hasPrefix("without ") }
    try #require(answer.changes.count > 1, "\(answer.changes)")
    #expect(partial.count == answer.changes.count)
    for change in answer.changes {
      let one = partial.first { $0.name == "without \(change.knob)=\(change.to)" }
      #expect(try #require(one).reason.contains("->"))
    }
  }

  /// Half of the budget is not enough for the class that may not win: both are searched alike, and
  /// what is shown of it keeps the limits for certain.
  @Test func theOtherClassIsConfirmedToo() throws {
    let answer = try Recommender(exampleQuestion(), tools: exampleTools()).recommend()
    let kernel = try #require(answer.rows.first { $0.role == .kernel })
    #expect(kernel.isConfirmed && kernel.violations.isEmpty && !kernel.isRecommended)
  }

  /// No answer spends more runs than it was given, and what it says that it spent is what it spent;
  /// few runs make a shorter answer, but not a wrong one.
  @Test(arguments: [9, 10, 11, 12, 13, 16, 21, 25, 30, 40, 64, 128])
  func theBudgetBoundsEveryRun(budget: Int) throws {
    let cases: [(KnobChoice, ServiceLevel, predicts: Bool)] = [
      (.today, ServiceLevel(.ioGoodput, .share(0.97)), true),
      (.any, ServiceLevel(.ioGoodput, .share(0.97)), false),
      (.kernel, ServiceLevel(.teardownTime, .relative(1.1)), true),
      (.today, ServiceLevel(.teardownTime, .time(.zero)), true),
    ]
    for (knobs, level, predicts) in cases {
      var question = exampleQuestion()
      (question.budget, question.knobs, question.serviceLevels) = (budget, knobs, [level])
      let counter = CountingSimulator()
      let tools = exampleTools(predicts: predicts).replacing(simulator: counter)
      let answer = try Recommender(question, tools: tools).recommend()
      let label = "\(budget) runs, \(knobs), \(level)"
      #expect(counter.runs == answer.basis.runs, "\(label)")
      #expect(answer.basis.runs <= budget, "\(label)")
      #expect((answer.verdict == .noneFeasible) == (answer.recommended == nil), "\(label)")
      #expect(answer.recommended?.violations.isEmpty ?? true, "\(label)")
      if knobs == .today, level.metric == .ioGoodput, budget > 20 {
        #expect(answer.verdict == .change, "\(label)")
      }
    }
  }

  @Test func aFrontStaysWithinItsBudget() throws {
    for budget in [9, 10, 20, 64] {
      var question = exampleQuestion()
      question.budget = budget
      let counter = CountingSimulator()
      let tools = exampleTools().replacing(simulator: counter)
      let front = try ParetoFinder(question, tools: tools).front([.teardownTime, .ioGoodput])
      #expect(counter.runs == front.runs && front.runs <= budget)
    }
  }

  @Test func saysWhenTheChoiceFlips() throws {
    let answer = try Recommender(exampleQuestion(), tools: exampleTools()).recommend()
    let blocks = try #require(answer.holds.first { $0.key == "vm.block_share" })
    #expect(blocks.flipsAt != nil)
    #expect(blocks.tried.last == blocks.flipsAt)
  }

  @Test func theSameBytesForAnyNumberOfWorkers() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let texts = try [1, 4].map { workers in
      try encoder.encode(
        Recommender(exampleQuestion(), tools: exampleTools(workers: workers)).recommend()
      )
    }
    #expect(texts[0] == texts[1])
  }

  @Test func theAnswerSurvivesJSON() throws {
    let answer = try Recommender(exampleQuestion(), tools: exampleTools()).recommend()
    let data = try JSONEncoder().encode(answer)
    #expect(try JSONDecoder().decode(Recommendation.self, from: data) == answer)
  }
}

/// Slices over 4 MiB break the limit on goodput; small ones take longer where the interrupt is not moved.
private struct SliceSimulator: PolicySimulator {
  /// The largest slice that leaves the flow what it has.
  var largest = ByteCount.mebibytes(4)
  /// The largest beside the queue's interrupt; nil for the same.
  var largestBeside: ByteCount?
  /// What the calls of a slice of 1 MiB add to a teardown, as a share; nil for little, and nothing
  /// with a moved interrupt.
  var weight: Double?
  /// How far larger slices lie from the limit at most, by chance; nil for far below it.
  var flicker: Double?

  func report(
    _ question: Question,
    policy: Policy,
    seed: Seed,
    extent: RunExtent
  ) throws(TuningError) -> RunReport {
    let slice = policy.slice ?? question.workload.memory.size
    var report = try FormulaSimulator().report(
      question,
      policy: question.presentPolicy,
      seed: seed,
      extent: extent
    )
    let more = policy.interrupt == .moved ? 0 : 6_400 / Double(slice.rawValue)
    let calls = weight.map { $0 * 1_048_576 / Double(slice.rawValue) }
    report.operation.whole = .seconds(rounding: 10 * (1 + (calls ?? more)))
    report.operation.stageTwo = report.operation.whole
    var chance = seed.stream("flicker")
    let above = flicker.map { 0.97 + $0 * (chance.uniform() - 0.5) }
    let bound = policy.interrupt == .moved ? largest : largestBeside ?? largest
    report.network?.retained = slice <= bound ? 1 : above ?? 0.5
    return report
  }
}

/// The formula, counting how often it is asked.
private final class CountingSimulator: PolicySimulator {
  private let count = Mutex(0)
  var runs: Int { count.withLock { $0 } }

  func report(
    _ question: Question,
    policy: Policy,
    seed: Seed,
    extent: RunExtent
  ) throws(TuningError) -> RunReport {
    count.withLock { $0 += 1 }
    return try FormulaSimulator().report(question, policy: policy, seed: seed, extent: extent)
  }
}

@Suite struct QuestionTests {
  @Test func refusesWhatCannotBeAnswered() throws {
    var question = exampleQuestion()
    question.budget = 3
    #expect(throws: TuningError.budgetTooSmall(budget: 3, least: Question.leastBudget)) {
      try question.check()
    }
    question = exampleQuestion()
    question.confidence = 1
    #expect(throws: TuningError.illegalConfidence(1)) { try question.check() }
    question = exampleQuestion()
    question.serviceLevels = [
      ServiceLevel(.ioGoodput, .share(0.9)), ServiceLevel(.ioGoodput, .share(0.99)),
    ]
    #expect(throws: TuningError.contradiction("io.goodput>=0.9", "io.goodput>=0.99")) {
      try question.check()
    }
  }

  @Test func refusesLimitsOnWhatTheWorkloadLacks() throws {
    var question = exampleQuestion()
    question.serviceLevels = [ServiceLevel(.protectP99, .time(.milliseconds(2)))]
    #expect {
      _ = try Recommender(question, tools: exampleTools()).recommend()
    } throws: { error in
      "\(error)".contains("has no wp.p99; it has io.goodput")
    }
  }

  /// Slices that the call refuses are no part of the space: of hugetlb memory whole pages go.
  @Test(arguments: [TeardownPath.munmap, .madviseSlices])
  func slicesOfHugetlbMemoryAreWholePages(_ path: TeardownPath) throws {
    var question = exampleQuestion(release: (6, 12), path: path)
    question.present = try Policy(parsing: "slice=1GiB", over: question.setting.baseline)
    let slices = Set(try PolicySpace(question).policies.compactMap(\.slice))
    #expect(slices.contains(.kibibytes(4)) && slices.contains(.gibibytes(1)))
    question.workload.memory.hugeBlockShare = 1
    let whole = Set(try PolicySpace(question).policies.compactMap(\.slice))
    #expect(whole == [.gibibytes(1), .gibibytes(2), .gibibytes(4)])
    question.workload.memory.hugeBlockShare = 0
    question.workload.memory.hugetlb = .mebibytes(2)
    let small = Set(try PolicySpace(question).policies.compactMap(\.slice))
    #expect(small == slices.filter { $0 >= .mebibytes(2) })
    question.present = try Policy(parsing: "slice=1MiB", over: question.setting.baseline)
    let error = #expect(throws: TuningError.self) { try question.check() }
    #expect(error?.description.contains("legal is a multiple of 2MiB") == true)
  }

  @Test func everyPolicyOfTheSpaceIsPossibleCanonicalAndDistinct() throws {
    let features = CPUFeatures(forcedWriteBack: true, rangeTLBI: true)
    for release in [(6, 1), (6, 12)] {
      for knobs in KnobChoice.allCases {
        var question = exampleQuestion(release: release, features: features)
        question.knobs = knobs
        let space = try PolicySpace(question)
        #expect(Set(space.policies).count == space.policies.count)
        #expect(space.policies.count == space.space.count)
        #expect(space.present != nil)
        for policy in space.policies {
          try policy.validate(in: question.setting)
          #expect(policy.canonical(in: question.setting) == policy)
          let needed = PolicySpace.knobClass(of: policy, from: question.presentPolicy)
          #expect(
            knobs == .any || policy == question.presentPolicy || needed.rawValue == knobs.rawValue
          )
        }
      }
    }
  }
}
