// SPDX-License-Identifier: GPL-3.0-or-later

import CostModels
import Estimates
import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness
import Scenarios
import TestSupport
import Testing

@testable import Tuning

/// Features of policies that share walks and fluids, against those of each policy alone.
@Suite("Sharing changes no bit of a feature or prediction")
struct SharedFeaturesTests {
  /// Policies drawn from a question's space, after one whose calls end anywhere modulo 64 KiB.
  private func drawn(_ question: Question, _ count: Int) throws -> [Policy] {
    var question = question
    question.knobs = .any
    let policies = try PolicySpace(question).policies
    var random = Seed(5).stream("policies")
    let flush = question.host.features.rangeTLBI ? "deferred" : "per-leaf"
    let odd = try Policy(parsing: "chunk=visits:101,tlbi=\(flush)", over: question.presentPolicy)
    return [odd.canonical(in: question.setting)]
      + (0..<count).map { _ in policies[Int(random.uniform() * Double(policies.count))] }
  }

  private func bits(
    _ question: Question,
    _ policy: Policy,
    _ shared: (walks: SharedWalks, fluids: SharedFluids)?
  ) throws -> [UInt64] {
    let operation = BatchedOperation(question.setup, policy)
    return FeatureVector(
      of: operation,
      plan: try operation.gatheredPlan(sharing: shared?.walks),
      sharing: shared?.fluids
    ).values.map(\.bitPattern)
  }

  /// Hosts, kernels and granules that walk differently; the last uses LPA2.
  private func questions(_ workload: String) throws -> [Question] {
    var all = try [("graviton4", "6.12"), ("ampere-altra", "6.1"), ("graviton3", "7.3")].map {
      try shipped(workload: workload, host: $0.0, kernel: $0.1)
    }
    var large = all[0]
    large.host.features.largeAddresses = true
    all.append(large)
    return all
  }

  @Test func features() throws {
    let shared = (walks: SharedWalks(), fluids: SharedFluids())
    for workload in [
      "container-churn", "container-churn-small", "mixed-thp", "rpc-latency", "memory-reclaim",
      "live-migration", "container-churn-exit",
    ] {
      for (index, question) in try questions(workload).enumerated() {
        for policy in try drawn(question, Property.cases(20)) {
          let alone = try bits(question, policy, nil)
          let same = try bits(question, policy, shared) == alone
          #expect(same, "\(workload) question \(index) \(policy)")
        }
      }
    }
  }

  @Test("A predictor that has seen other policies says what a new one does")
  func predictions() throws {
    let model = try ShippedModelTests.load()
    let used = ModelPredictor(model: model)
    for kernel in ["6.1", "6.12"] {
      let question = try shipped(kernel: kernel)
      for policy in try drawn(question, Property.cases(15)) {
        let alone = try ModelPredictor(model: model).predictions(question, policy: policy)
        #expect(try used.predictions(question, policy: policy) == alone, "\(kernel) \(policy)")
      }
    }
  }

  /// Many policies at once, on several threads, against each alone with nothing shared.
  @Test(arguments: [1, 2, 5]) func batches(workers: Int) throws {
    let model = try ShippedModelTests.load()
    for workload in ["container-churn", "rpc-latency", "live-migration", "container-churn-exit"] {
      for question in try questions(workload) {
        let policies = try drawn(question, Property.cases(20))
        let found = try ModelPredictor(model: model)
          .predictions(question, of: policies, workers: workers)
        #expect(found.count == policies.count)
        for (values, policy) in zip(found, policies) {
          let plain = try plain(model, question, policy)
          #expect(values.mapValues(Self.bits) == plain, "\(question.host.name) \(policy)")
        }
      }
    }
  }

  private static func bits(_ value: PredictedValue) -> [UInt64] {
    [value.value, value.low, value.high].map(\.bitPattern)
  }

  /// Every response from its own model; walks, fluids and features from nobody.
  private func plain(
    _ model: CostModel,
    _ question: Question,
    _ policy: Policy
  ) throws -> [Response: [UInt64]] {
    let operation = BatchedOperation(question.setup, policy)
    let features = FeatureVector(of: operation, plan: try operation.gatheredPlan())
    var found: [Response: [UInt64]] = [:]
    for one in model.models where question.workload.isModelled(one.response, policy: policy) {
      let estimate = one.predict(features)
      found[one.response] = [estimate.value, estimate.low, estimate.high].map(\.bitPattern)
    }
    return found
  }

  @Test("No policies have no predictions, and one that cannot be predicted is refused")
  func oddBatches() throws {
    let predictor = ModelPredictor(model: try ShippedModelTests.load())
    let question = try shipped()
    #expect(try predictor.predictions(question, of: [], workers: 2).isEmpty)
    var wrong = question
    wrong.workload.memory.size = .zero
    let policies = [question.presentPolicy]
    #expect(throws: TuningError.self) {
      try predictor.predictions(wrong, of: policies, workers: 2)
    }
  }

  /// A sweep over neighbours answered each value with the plan of the first, whose price has the
  /// fabric's queue in it.
  @Test(
    "A predictor that has seen other setups says what a new one does",
    arguments: [[0, 7], [7, 0], [3, 7, 0]]
  )
  func setups(_ order: [Int]) throws {
    let model = try ShippedModelTests.load()
    let used = ModelPredictor(model: model)
    var times: [Int: Double] = [:]
    for neighbours in order {
      var question = try shipped(workload: "map-create-storm", host: "graviton4", kernel: "6.12")
      question.workload.neighbours = neighbours
      let policy = question.presentPolicy
      let found = try used.predictions(question, policy: policy)
      #expect(try found == ModelPredictor(model: model).predictions(question, policy: policy))
      times[neighbours] = found[.teardownTime]?.value
    }
    let (alone, beside) = (try #require(times[0]), try #require(times[7]))
    #expect(beside > 2 * alone)
  }

  @Test("Every cost of a host is seen by a predictor that has seen the host before")
  func costs() throws {
    let model = try ShippedModelTests.load()
    let used = ModelPredictor(model: model)
    let question = try shipped(workload: "container-churn", host: "graviton4", kernel: "6.1")
    let policy = question.presentPolicy
    _ = try used.predictions(question, policy: policy)
    for change in [\HostProfile.tlbi.ipaFlush, \.stage2.leafCleared, \.hostFree.page] {
      var dearer = question
      dearer.host[keyPath: change] = .nanoseconds(9_983)
      let found = try used.predictions(dearer, policy: policy)
      #expect(try found == ModelPredictor(model: model).predictions(dearer, policy: policy))
      #expect(try found != used.predictions(question, policy: policy))
    }
  }
}
