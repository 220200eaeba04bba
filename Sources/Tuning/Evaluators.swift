// SPDX-License-Identifier: GPL-3.0-or-later

package import CostModels
package import Observations
package import Policies
import Profiles
package import Randomness
import Scenarios

/// How much of an operation a run simulates.
package enum RunExtent: String, Hashable, Sendable, CaseIterable, Codable {
  /// A steady window, scaled to the whole: for comparing policies.
  case window
  /// The whole operation: for the policy that is recommended.
  case full
}

/// What runs a policy; the simulator in the product, a formula in tests.
///
/// The same policy, seed and extent give the same report, whoever asks and in whatever order.
package protocol PolicySimulator: Sendable {
  /// The report of one run of a question's workload under a policy.
  func report(
    _ question: Question,
    policy: Policy,
    seed: Seed,
    extent: RunExtent
  ) throws(TuningError) -> RunReport

  /// The report of a whole run, and what every context did in a stretch of it; nil where nothing says.
  func watched(
    _ question: Question,
    policy: Policy,
    seed: Seed,
    span: TimelineSpan
  ) throws(TuningError) -> (report: RunReport, timeline: Timeline?)
}

extension PolicySimulator {
  /// The report alone: a formula has no contexts.
  package func watched(
    _ question: Question,
    policy: Policy,
    seed: Seed,
    span: TimelineSpan
  ) throws(TuningError) -> (report: RunReport, timeline: Timeline?) {
    (try report(question, policy: policy, seed: seed, extent: .full), nil)
  }
}

/// A predicted response with its interval, and how far it may be believed.
package struct PredictedValue: Hashable, Sendable, Codable {
  /// The prediction, in the response's unit.
  package let value: Double
  /// The lower end of the interval, same unit.
  package let low: Double
  /// The upper end of the interval, same unit.
  package let high: Double
  /// Whether the question lies among what the model was fitted on, at its edge, or beyond.
  package let place: Validity.Place
  /// Why it is not inside, with the feature and its range.
  package let reason: String?

  /// Creates a prediction.
  package init(
    value: Double,
    low: Double,
    high: Double,
    place: Validity.Place = .inside,
    reason: String? = nil
  ) {
    self.value = value
    self.low = low
    self.high = high
    self.place = place
    self.reason = reason
  }

  /// Whether the model must not answer here.
  package var isExtrapolated: Bool { place == .extrapolating }

  enum CodingKeys: String, CodingKey {
    case value, low, high
    case place = "domain"
    case reason = "domain_reason"
  }
}

/// What predicts the responses of a policy without running it: a fitted cost model.
package protocol PolicyPredictor: Sendable {
  /// What the model is, for the basis of an answer: its identity and digest.
  var identity: String { get }
  /// The predicted value of each response that the model knows for the workload.
  func predictions(
    _ question: Question,
    policy: Policy
  ) throws(TuningError) -> [Response: PredictedValue]

  /// The same predictions taken apart, in the order of `Response.allCases`.
  func explanations(
    _ question: Question,
    policy: Policy
  ) throws(TuningError) -> [Explanation]
}

extension PolicyPredictor {
  /// The predictions of many policies, in their order; the same for any number of workers.
  ///
  /// A worker takes several neighbours at once: those are likely to need the same walk.
  package func predictions(
    _ question: Question,
    of policies: [Policy],
    workers: Int
  ) throws(TuningError) -> [[Response: PredictedValue]] {
    let size = max(1, policies.count / (8 * workers))
    let parts = stride(from: 0, to: policies.count, by: size).map {
      policies[$0..<min($0 + size, policies.count)]
    }
    let results = inParallel(parts.count, workers: workers) { index in
      Result { () throws(TuningError) in
        var found: [[Response: PredictedValue]] = []
        for policy in parts[index] { found.append(try predictions(question, policy: policy)) }
        return found
      }
    }
    var all: [[Response: PredictedValue]] = []
    for result in results { all += try result.get() }
    return all
  }

  /// None: what is no sum of terms cannot be taken apart.
  package func explanations(
    _ question: Question,
    policy: Policy
  ) throws(TuningError) -> [Explanation] { [] }
}

/// Whether a policy may leave a stale translation, and why.
package struct SafetyVerdict: Hashable, Sendable, Codable {
  /// Whether the policy is safe in both models of the TLB.
  package let isSafe: Bool
  /// The verdict in one sentence, with the number of the hazard where there is one.
  package let sentence: String

  /// Creates a verdict.
  package init(isSafe: Bool, sentence: String) {
    self.isSafe = isSafe
    self.sentence = sentence
  }

  enum CodingKeys: String, CodingKey {
    case isSafe = "safe"
    case sentence
  }
}

/// What judges the safety of a policy for a question.
package protocol SafetyOracle: Sendable {
  /// The verdict on a policy.
  func verdict(_ question: Question, policy: Policy) -> SafetyVerdict
}

/// Everything an answer is made with.
package struct TuningTools: Sendable {
  /// What runs policies.
  package let simulator: any PolicySimulator
  /// What predicts them; nil where no model is at hand, and then only runs decide.
  package let predictor: (any PolicyPredictor)?
  /// What judges their safety.
  package let safety: any SafetyOracle
  /// Threads that run policies; the answer does not depend on it.
  package let workers: Int
  /// Told how many of the budget's runs are done, from one thread at a time.
  package let progress: @Sendable (_ done: Int, _ of: Int) -> Void

  /// Creates a set of tools; at least one worker.
  package init(
    simulator: any PolicySimulator,
    predictor: (any PolicyPredictor)?,
    safety: any SafetyOracle,
    workers: Int = 2,
    progress: @escaping @Sendable (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) {
    precondition(workers > 0, "somebody has to run the policies")
    self.simulator = simulator
    self.predictor = predictor
    self.safety = safety
    self.workers = workers
    self.progress = progress
  }
}

extension TuningTools {
  /// The same tools with another simulator.
  package func replacing(simulator: any PolicySimulator) -> Self {
    Self(
      simulator: simulator,
      predictor: predictor,
      safety: safety,
      workers: workers,
      progress: progress
    )
  }

  /// The simulator, a cost model where there is one, and the rules of safety.
  ///
  /// - Parameters:
  ///   - model: The fitted model, or nil.
  ///   - workers: Threads that run policies.
  ///   - eventLimit: Events that a run may execute.
  ///   - progress: Told how many of the budget's runs are done.
  package init(
    model: CostModel?,
    workers: Int = 2,
    eventLimit: Int64 = Scenario.standardEventLimit,
    progress: @escaping @Sendable (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) {
    self.init(
      simulator: ScenarioSimulator(eventLimit: eventLimit),
      predictor: model.map { ModelPredictor(model: $0) },
      safety: RuleSafety(),
      workers: workers,
      progress: progress
    )
  }
}
