// SPDX-License-Identifier: GPL-3.0-or-later

public import CostModels
public import PageTables
public import Policies
public import Profiles
public import Randomness

/// How much of an operation a run simulates.
public enum RunExtent: String, Hashable, Sendable, CaseIterable, Codable {
  /// A steady window, scaled to the whole: for comparing policies.
  case window
  /// The whole operation: for the policy that is recommended.
  case full
}

/// What runs a policy; the simulator in the product, a formula in tests.
///
/// The same policy, seed and extent give the same report, whoever asks and in whatever order.
public protocol PolicySimulator: Sendable {
  /// The report of one run of a question's workload under a policy.
  func report(
    _ question: Question,
    policy: Policy,
    seed: Seed,
    extent: RunExtent
  ) throws(TuningError) -> RunReport

  /// Whether runs use tables of their own, such as a dump's, whatever mix the workload names.
  var hasOwnTables: Bool { get }
}

extension PolicySimulator {
  /// No: the guest is laid out as the workload says.
  public var hasOwnTables: Bool { false }
}

/// A predicted response with its interval, and how far it may be believed.
public struct PredictedValue: Hashable, Sendable, Codable {
  /// The prediction, in the response's unit.
  public let value: Double
  /// The lower end of the interval, same unit.
  public let low: Double
  /// The upper end of the interval, same unit.
  public let high: Double
  /// Whether the question lies among what the model was fitted on, at its edge, or beyond.
  public let place: Validity.Place
  /// Why it is not inside, with the feature and its range.
  public let reason: String?

  /// Creates a prediction.
  public init(
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
  public var isExtrapolated: Bool { place == .extrapolating }

  enum CodingKeys: String, CodingKey {
    case value, low, high
    case place = "domain"
    case reason = "domain_reason"
  }
}

/// What predicts the responses of a policy without running it: a fitted cost model.
public protocol PolicyPredictor: Sendable {
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
  /// None: what is no sum of terms cannot be taken apart.
  public func explanations(
    _ question: Question,
    policy: Policy
  ) throws(TuningError) -> [Explanation] { [] }
}

/// Whether a policy may leave a stale translation, and why.
public struct SafetyVerdict: Hashable, Sendable, Codable {
  /// Whether the policy is safe in both models of the TLB.
  public let isSafe: Bool
  /// The verdict in one sentence, with the number of the hazard where there is one.
  public let sentence: String

  /// Creates a verdict.
  public init(isSafe: Bool, sentence: String) {
    self.isSafe = isSafe
    self.sentence = sentence
  }

  enum CodingKeys: String, CodingKey {
    case isSafe = "safe"
    case sentence
  }
}

/// What judges the safety of a policy for a question.
public protocol SafetyOracle: Sendable {
  /// The verdict on a policy.
  func verdict(_ question: Question, policy: Policy) -> SafetyVerdict
}

/// Everything an answer is made with.
public struct TuningTools: Sendable {
  /// What runs policies.
  public let simulator: any PolicySimulator
  /// What predicts them; nil where no model is at hand, and then only runs decide.
  public let predictor: (any PolicyPredictor)?
  /// What judges their safety.
  public let safety: any SafetyOracle
  /// Threads that run policies; the answer does not depend on it.
  public let workers: Int
  /// Told how many of the budget's runs are done, from one thread at a time.
  public let progress: @Sendable (_ done: Int, _ of: Int) -> Void

  /// Creates a set of tools; at least one worker.
  public init(
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
  func replacing(simulator: any PolicySimulator) -> Self {
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
  ///   - tables: The guest's tables where a dump says what they are.
  ///   - workers: Threads that run policies.
  ///   - progress: Told how many of the budget's runs are done.
  public init(
    model: CostModel?,
    tables: StageTwo? = nil,
    workers: Int = 2,
    progress: @escaping @Sendable (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) {
    self.init(
      simulator: ScenarioSimulator(tables: tables),
      predictor: model.map { ModelPredictor(model: $0, tables: tables) },
      safety: RuleSafety(),
      workers: workers,
      progress: progress
    )
  }
}
