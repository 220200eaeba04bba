// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
package import CostModels
import Machine
import Observations
import Operations
import Policies
package import Profiles
import Quantities
import Randomness
import Reports
import Scenarios
import Synchronization
import Tuning

/// What answers are made with: profiles, one cost model that stays warm, and lanes of threads.
package final class Desk: Sendable {
  /// Where profiles come from.
  let store: ProfileStore
  /// Published measurements with what the simulator gives.
  let validation: StoredValidation
  /// Threads of one long answer.
  let workers: Int
  /// Profiles that were asked about.
  let profiles: LoadedProfiles
  /// Files that were dropped on the page.
  let kept = KeptFiles()
  /// Where quick answers wait for their turn.
  let quick: Lane
  /// Where long ones do.
  let long: Lane

  private let model: CostModel?
  /// How long a long answer may take.
  let limits: ServerLimits
  private let warm: Mutex<Warm>

  /// A predictor and an oracle that remember what they were asked.
  private struct Warm {
    var predictor: ModelPredictor?
    var safety = RuleSafety()
    var questions = 0
  }

  /// Questions after which what was remembered is forgotten, so that memory stays what it is.
  private static let remembered = 1_000

  /// Creates a desk.
  ///
  /// - Parameters:
  ///   - store: The profiles, answers and validation record.
  ///   - model: The cost model; nil where runs alone answer.
  ///   - workers: Threads of one long answer, at least one.
  ///   - limits: How many answers may be in the making.
  package init(
    store: ProfileStore,
    model: CostModel?,
    workers: Int,
    limits: ServerLimits = ServerLimits()
  ) {
    (self.store, self.model, self.workers) = (store, model, workers)
    (self.limits, profiles) = (limits, LoadedProfiles(store))
    validation = StoredValidation(in: store)
    quick = Lane("predictions", width: limits.quick, depth: limits.quickQueue, retryAfter: 1)
    long = Lane(
      "runs and recommendations",
      width: limits.long,
      depth: limits.longQueue,
      retryAfter: 10
    )
    warm = Mutex(Warm(predictor: model.map { ModelPredictor(model: $0) }))
  }

  /// What surrounds an answer.
  func context(_ loaded: LoadedSetup) -> AnswerContext {
    AnswerContext(
      workload: loaded.workload,
      host: loaded.host,
      kernel: loaded.kernel,
      validation: validation
    )
  }

  /// Tools that only predict: a run that the model's place would ask for is refused.
  func quickTools() -> TuningTools {
    let (predictor, safety) = warm.withLock { warm in
      warm.questions += 1
      if warm.questions > Self.remembered {
        warm = Warm(predictor: model.map { ModelPredictor(model: $0) })
      }
      return (warm.predictor, warm.safety)
    }
    return TuningTools(
      simulator: NoSimulator(),
      predictor: predictor,
      safety: safety,
      workers: 1
    )
  }

  /// Tools that run the machine under a watch, with a predictor of their own: a search asks for
  /// thousands of policies.
  func longTools(
    _ watch: RunWatch,
    progress: @escaping @Sendable (_ done: Int, _ of: Int) -> Void
  ) -> TuningTools {
    var simulator = ScenarioSimulator(eventLimit: Scenario.wholeEventLimit)
    simulator.prepare = { $0.watch = watch }
    return TuningTools(
      simulator: simulator,
      predictor: model.map { ModelPredictor(model: $0) },
      safety: RuleSafety(),
      workers: workers,
      progress: progress
    )
  }
}

/// Stands where nothing may be run.
struct NoSimulator: PolicySimulator {
  /// Refuses every run.
  func report(
    _ question: Question,
    policy: Policy,
    seed: Seed,
    extent: RunExtent
  ) throws(TuningError) -> RunReport {
    throw .simulation(Self.reason)
  }

  /// What the refusal says; it is told apart by it.
  static let reason = "only a prediction was asked for"

  /// Whether an error is this refusal.
  static func refused(_ error: any Error) -> Bool {
    (error as? TuningError) == .simulation(reason)
  }
}
