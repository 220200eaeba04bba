// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import Policies
import Profiles
import Quantities
import Randomness
import Testing

@testable import Tuning

/// Times in seconds that a candidate takes, and the limits that it breaks: `!` in front is clearly.
private typealias Trials = [(candidate: String, seconds: [Double], broken: [String])]

private func question(_ name: String, _ trials: Trials) -> RobustCheck {
  RobustCheck(
    name: name,
    replicates: trials[0].seconds.count,
    seed: 1,
    vmm: .other,
    sample: 1 << 30,
    laidOut: 1 << 30,
    objective: .teardownTime,
    limits: ["a", "b"],
    trials: trials.map { trial in
      RobustTrial(
        candidate: trial.candidate,
        values: trial.seconds.map { $0 * 1e9 },
        broken: trial.broken.map {
          BrokenLimit(limit: $0.filter { $0 != "!" }, isClear: $0.hasPrefix("!"))
        }
      )
    }
  )
}

private func choice(_ questions: RobustCheck...) -> RobustChoice {
  RobustChoice(simulator: "t", model: nil, checks: questions)
}

@Suite struct RobustChoiceTests {
  @Test func theWorstAndTheMeanRegretAreThoseOfTheQuestions() throws {
    let found = choice(
      question(
        "x",
        [("now", [10, 10], ["!a"]), ("chunk=4MiB", [10, 10], []), ("chunk=2MiB", [12, 12], [])]
      ),
      question(
        "y",
        [("now", [10, 10], ["!a"]), ("chunk=4MiB", [15, 15], []), ("chunk=2MiB", [12, 12], [])]
      ),
      question(
        "z",
        [("now", [10, 10], []), ("chunk=4MiB", [10, 10], []), ("chunk=2MiB", [12, 12], [])]
      )
    )
    // The best that keeps y's limits takes 12 s; on z now is the best.
    let row = try #require(found.row("chunk=4MiB"))
    #expect(row.worst?.value == 0.25 && row.worstQuestion == "y")
    #expect(abs(try #require(row.mean).value - 0.25 / 3) < 1e-9)
    #expect(found.row("chunk=2MiB")?.worst?.value == 0.2)
    #expect(found.minimax == "chunk=2MiB" && found.mean == "chunk=4MiB")
    #expect(found.row("chunk=2MiB")?.slower == 1 && row.slower == 0)
    #expect(found.row("now")?.failures == 2 && found.row("now")?.kept == 1)
  }

  @Test func failuresComeBeforeRegrets() {
    let trials: Trials = [
      ("now", [10, 10], ["!a"]), ("chunk=4MiB", [11, 11], ["!a"]), ("chunk=2MiB", [30, 30], []),
    ]
    let found = choice(question("x", trials))
    #expect(found.minimax == "chunk=2MiB" && found.row("chunk=4MiB")?.failures == 1)
    #expect(found.row("chunk=4MiB")?.worst == nil && found.row("chunk=4MiB")?.mean == nil)
    // Whatever the larger chunk gains elsewhere.
    let other = question("y", trials.map { ($0.candidate, $0.seconds, []) })
    #expect(choice(question("x", trials), other).minimax == "chunk=2MiB")
  }

  /// A limit that no candidate keeps is nobody's failure.
  @Test func whatNobodyKeepsIsNoFailure() {
    let found = choice(
      question("x", [("now", [10, 10], ["!a"]), ("chunk=2MiB", [8, 8], ["!a", "!b"])])
    )
    #expect(found.row("now")?.failures == 0 && found.row("chunk=2MiB")?.failures == 1)
    #expect(found.minimax == "now" && found.row("now")?.kept == 0)
  }

  @Test func whatBreaksALimitThatNowKeepsIsNeverChosen() {
    let keeps: Trials = [("now", [10, 10], ["!a"]), ("chunk=2MiB", [10, 10], [])]
    let found = choice(
      question("x", keeps),
      question("y", keeps),
      question("z", [("now", [10, 10], []), ("chunk=2MiB", [5, 5], ["!b"])])
    )
    #expect(found.row("chunk=2MiB")?.failures == 1 && found.row("chunk=2MiB")?.regressions == 1)
    #expect(found.minimax == "now" && found.mean == "now")
  }

  @Test func tiesGoToNowThenToTheLargerChunk() {
    func best(_ now: Double, _ four: Double, _ two: Double, _ timed: Double) -> String {
      choice(
        question(
          "x",
          [
            ("now", [now, now], []), ("chunk=4MiB", [four, four], []),
            ("chunk=2MiB", [two, two], []), ("controller=time:1ms/64", [timed, timed], []),
          ]
        )
      ).minimax
    }
    #expect(best(10.09, 10.05, 10, 10) == "now")
    #expect(best(10.2, 10.05, 10, 10) == "chunk=4MiB")
    #expect(best(10.2, 10.2, 10, 10) == "chunk=2MiB")
    #expect(best(10.2, 10.2, 10.2, 10) == "controller=time:1ms/64")
    // Nobody notices 5 ms.
    #expect(best(0.014, 0.012, 0.010, 0.010) == "now")
  }

  /// The chunk is said beside a budget of time that is better.
  @Test func theBestChunkIsSaidBesideABudget() {
    let found = choice(
      question(
        "x",
        [
          ("now", [20, 20], []), ("chunk=2MiB", [12, 12], []),
          ("controller=time:1ms/64", [10, 10], []),
        ]
      )
    )
    #expect(found.minimax == "controller=time:1ms/64" && found.chunk == "chunk=2MiB")
  }

  @Test func noiseIsNoReasonToChange() {
    let noisy: Trials = [("now", [11, 13, 12], []), ("chunk=2MiB", [12, 10, 11], [])]
    #expect(choice(question("x", noisy)).minimax == "now")
    let steady: Trials = [("now", [12, 13, 11], []), ("chunk=2MiB", [11, 12, 10], [])]
    #expect(choice(question("x", steady)).minimax == "chunk=2MiB")
    // A limit that now may break by chance is not yet a reason either.
    let near: Trials = [("now", [10, 10], ["a"]), ("chunk=2MiB", [10, 10], [])]
    #expect(choice(question("x", near)).minimax == "now")
  }

  @Test func aCandidateThatIsNotPossibleEverywhereHasNoRow() {
    let found = choice(
      question("x", [("now", [10, 10], []), ("chunk=2MiB", [1, 1], [])]),
      question("y", [("now", [10, 10], [])])
    )
    #expect(found.rows.map(\.candidate) == ["now"] && found.minimax == "now")
    #expect(choice().minimax == "now")
  }
}

@Suite struct RobustCheckerTests {
  @Test func candidatesRunFromTheKernelsRuleDownToBudgets() throws {
    let names = RobustCandidate.all.map(\.name)
    #expect(names.count == 19 && names[0] == "now" && names[1] == "chunk=1GiB")
    #expect(names[15] == "chunk=64KiB" && names[18] == "controller=time:500us/64")
    let store = ProfileStore.standard(named: nil)
    let load = try store.load(WorkloadProfile.self, named: "container-churn").profile
    let kernel = try store.load(KernelProfile.self, named: "6.1").profile
    for host in store.names(of: .host) {
      let host = try store.load(HostProfile.self, named: host).profile
      let question = Question(host: host, kernel: kernel, workload: load)
      for candidate in RobustCandidate.all { _ = try candidate.policy(question) }
    }
  }

  @Test func everyCandidateIsRunWithTheSameChance() throws {
    let question = exampleQuestion()
    let checker = RobustChecker(tools: exampleTools(), replicates: 3, sample: .gibibytes(8))
    let check = try checker.check(question, name: "x")
    #expect(check.trials.map(\.candidate) == RobustCandidate.all.map(\.name))
    #expect(check.limits == question.limits.map(\.description))
    // By the formula a chunk of 2 MiB keeps the flow, and the kernel's 1 GiB does not.
    let broken = check.trials.filter { !$0.broken.isEmpty }.map(\.candidate)
    #expect(broken.contains("now") && !broken.contains("chunk=2MiB"))
    #expect(check.trials.allSatisfy { $0.broken.allSatisfy(\.isClear) })
    let ratios = zip(check.trials[0].values, check.trials[10].values).map { $0 / $1 }
    #expect(check.trials[0].values[0] != check.trials[0].values[1])
    #expect(ratios.allSatisfy { abs($0 / ratios[0] - 1) < 1e-6 }, "\(ratios)")
  }

  @Test func workloadsWithoutChunksAreLeftOut() throws {
    let store = ProfileStore.standard(named: nil)
    let names = try store.names(of: .workload).filter {
      RobustChecker.concerns(try store.load(WorkloadProfile.self, named: $0).profile)
    }
    #expect(names.contains("container-churn") && names.contains("live-migration"))
    for name in ["container-churn-exit", "map-create-storm", "balloon", "memory-reclaim"] {
      #expect(!names.contains(name))
    }
  }

  /// What is over in a moment is laid out whole, and what is not is not.
  @Test func asMuchMemoryIsLaidOutAsTakesASecond() throws {
    let store = ProfileStore.standard(named: nil)
    func laidOut(_ workload: String) throws -> Int64 {
      var question = Question(
        host: try store.load(HostProfile.self, named: "ampereone").profile,
        kernel: try store.load(KernelProfile.self, named: "6.1").profile,
        workload: try store.load(WorkloadProfile.self, named: workload).profile
      )
      question.workload.memory.size = .gibibytes(64)
      let tools = TuningTools(model: nil, workers: 2)
      let checker = RobustChecker(tools: tools, replicates: 2, sample: .gibibytes(8))
      return try checker.check(question, name: "x").laidOut >> 30
    }
    #expect(try laidOut("database-hugetlb-1g") == 64)
    #expect(try laidOut("container-churn") == 8)
  }

  /// A run of a part of a guest's memory gives the figures of the whole.
  @Test func aSampleOfMemoryStandsForTheWhole() throws {
    let store = ProfileStore.standard(named: nil)
    var question = Question(
      host: try store.load(HostProfile.self, named: "graviton3").profile,
      kernel: try store.load(KernelProfile.self, named: "6.1").profile,
      workload: try store.load(WorkloadProfile.self, named: "container-churn").profile
    )
    question.workload.memory.size = .gibibytes(32)
    let policy = try Policy(parsing: "chunk=16MiB", over: question.presentPolicy)
    func report(_ most: ByteCount?) throws -> RunReport {
      var simulator = ScenarioSimulator()
      simulator.mostMemory = most
      return try simulator.report(question, policy: policy, seed: Seed(1), extent: .full)
    }
    let (whole, part) = (try report(nil), try report(.gibibytes(8)))
    #expect(part.digest != whole.digest)
    for (response, slack) in [(Response.teardownTime, 0.02), (.goodputRetained, 0.02)] {
      let (one, other) = (
        try #require(whole.value(of: response)), try #require(part.value(of: response))
      )
      #expect(abs(one / other - 1) < slack, "\(response): \(one), \(other)")
    }
  }
}
