// SPDX-License-Identifier: GPL-3.0-or-later

import CostModels
import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness
import Scenarios
import Testing

@testable import Tuning

/// Answers where the harm of unmaps is the guest's.
@Suite struct GuestAnswerTests {
  private static let tools = TuningTools(
    simulator: ScenarioSimulator(),
    predictor: nil,
    safety: RuleSafety()
  )

  private static func question(
    _ workload: String,
    host: String = "graviton3",
    _ change: (inout WorkloadProfile) -> Void = { _ in }
  ) throws -> Question {
    var question = try shipped(workload: workload, host: host)
    question.workload.memory.size = .gibibytes(1)
    question.workload.network.flows = 0
    question.budget = 40
    change(&question.workload)
    return question
  }

  /// The profiles say by themselves what the guest may lose.
  @Test(arguments: ["memory-reclaim", "numa-balancing", "free-page-reporting", "balloon"])
  func unmapsOfARunningGuestHaveLimits(workload: String) throws {
    let profile = try shipped(workload: workload).workload
    #expect(profile.operation == .reclaim)
    let metrics = profile.serviceLevels.map(\.metric)
    #expect(metrics.contains(.guestLost) && metrics.contains(.protectStall))
  }

  /// Page by page the guest loses too much, and no policy changes that: what does is named, and keeps
  /// the limits in a run of its own.
  @Test func whatHelpsOutsideBatchingIsNamedAndHolds() throws {
    let question = try Self.question("memory-reclaim")
    let answer = try Recommender(question, tools: Self.tools).recommend()
    #expect(answer.verdict == .noneFeasible)
    #expect(answer.rows[0].violations.contains { $0.response == .guestLost })
    let remedies = try #require(answer.remedies)
    let changed = remedies.filter { !$0.settings.isEmpty }
    #expect(!changed.isEmpty && remedies.contains { $0.settings.isEmpty })
    #expect(remedies.allSatisfy { $0.steps.allSatisfy { $0.knobClass == .today } })
    for remedy in changed {
      var other = question
      for setting in remedy.settings {
        let parts = setting.split(separator: "=").map(String.init)
        let key = try #require(WorkloadProfile.keys.first { $0.name == parts[0] })
        #expect(key.write(parts[1], to: &other.workload))
      }
      let report = try Self.tools.simulator.report(
        other,
        policy: other.presentPolicy,
        seed: Seed(4_711),
        extent: .full
      )
      #expect(try #require(report.value(of: .guestLost)) <= 0.05, "\(remedy.settings)")
      #expect(remedy.values.contains { $0.response == .guestLost && $0.value <= 0.05 })
    }
  }

  /// Hints of a page break the limit where reports of a block keep it: larger reports are named.
  @Test func largerReportsAreNamedForSmallOnes() throws {
    let question = try Self.question("free-page-reporting") {
      $0.unmap.range = .kibibytes(4)
      $0.unmap.stride = .mebibytes(2)
      $0.unmap.rate = 10_000
    }
    let answer = try Recommender(question, tools: Self.tools).recommend()
    #expect(answer.verdict == .noneFeasible)
    let texts = (answer.remedies ?? []).flatMap(\.steps).map(\.text)
    #expect(texts.contains { $0.contains("page_reporting_order=9") }, "\(texts)")
    #expect(texts.contains { $0.contains("free-page-reporting=off") })
  }

  @Test func whereTheLimitsAreKeptThereIsNothingToRemedy() throws {
    let question = try Self.question("free-page-reporting")
    let answer = try Recommender(question, tools: Self.tools).recommend()
    #expect(answer.verdict == .keep, "\(answer.rows[0].violations)")
    #expect(answer.remedies == nil)
  }

  /// Scanning is switched off, or the memory bound; the answer never says to keep things as they are.
  @Test func balancingOffIsNamed() throws {
    let question = try Self.question("numa-balancing", host: "ampere-altra") {
      $0.memory.size = .gibibytes(8)
    }
    let answer = try Recommender(question, tools: Self.tools).recommend()
    #expect(answer.verdict == .noneFeasible && answer.asked.objective == .guestLost)
    let texts = (answer.remedies ?? []).flatMap(\.steps).map(\.text)
    #expect(texts.contains { $0.contains("kernel.numa_balancing=0") })
    #expect(texts.contains { $0.contains("--membind") })
  }

  /// The fitted model knows nothing of what unmaps cost a guest, and says nothing.
  @Test func theModelLeavesTheGuestToRuns() throws {
    guard case .model(let model, _) = try ShippedModel(in: Shipped().store) else {
      Issue.record("no model")
      return
    }
    let predictor = ModelPredictor(model: model)
    func known(_ workload: String) throws -> Set<Response> {
      let question = try shipped(workload: workload)
      let policy = question.presentPolicy
      let explained = try predictor.explanations(question, policy: policy).map(\.response)
      let predicted = Set(try predictor.predictions(question, policy: policy).keys)
      #expect(predicted == Set(explained))
      return predicted
    }
    #expect(try known("memory-reclaim").isDisjoint(with: [.guestLost, .worstStall]))
    #expect(try known("memory-reclaim").contains(.teardownTime))
    #expect(try known("live-migration").isSuperset(of: [.guestLost, .worstStall]))
  }
}
