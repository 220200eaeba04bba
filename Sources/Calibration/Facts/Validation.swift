// SPDX-License-Identifier: GPL-3.0-or-later

import Dispatch
package import Observations
import Operations
package import Profiles
import Quantities
package import Randomness
package import Scenarios
import Synchronization

/// What the simulator says to one fact.
package struct FactResult: Sendable {
  /// The fact.
  package let fact: Fact
  /// The metric of each seed's run, in its unit; empty where the fact could not be run.
  package let predictions: [Double]
  /// The same of the compared run; empty where there is none.
  package let compared: [Double]
  /// How the mean prediction stands to the claim; nil where the fact could not be run.
  package let verdict: FactVerdict?
  /// Why it could not be run; nil where it was.
  package let failure: FactError?

  /// The mean of the predictions.
  package var mean: Double? { predictions.isEmpty ? nil : Self.mean(predictions) }

  /// The mean over the seeds of what the claim is about: the metric, or its ratio to the other run.
  package var claimed: Double? {
    guard case .ratio = fact.claim, !compared.isEmpty else { return mean }
    return mean.map { $0 / Self.mean(compared) }
  }

  /// The smallest and the largest of what the claim is about.
  package var spread: ClosedRange<Double>? {
    var values = predictions
    if case .ratio = fact.claim { values = zip(predictions, compared).map { $0 / $1 } }
    guard let low = values.min(), let high = values.max() else { return nil }
    return low...high
  }

  /// Whether the result fails a validation: gated, and missed or not run.
  package var fails: Bool { fact.isGated && verdict?.holds != true }

  static func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(values.count)
  }
}

/// Runs facts and judges the simulator by them.
package struct Validation: Sendable {
  /// Where the profiles are.
  package let store: ProfileStore
  /// The seed that the runs' seeds are derived from.
  package let seed: Seed
  /// Runs of each experiment, at least one.
  package let replicates: Int
  /// How much of each operation is simulated.
  package let extent: Scenario.Extent

  /// Creates a validation; `replicates` is at least one.
  package init(store: ProfileStore, seed: Seed, replicates: Int, extent: Scenario.Extent) {
    precondition(replicates > 0, "a validation runs something")
    self.store = store
    self.seed = seed
    self.replicates = replicates
    self.extent = extent
  }

  /// Runs one fact.
  package func run(_ fact: Fact) -> FactResult { run(fact, ExperimentCache()) }

  private func run(_ fact: Fact, _ cache: ExperimentCache) -> FactResult {
    let runs = max(replicates, fact.replicates)
    do throws(FactError) {
      let predictions = try values(of: fact.metric, in: fact.run, runs, cache)
      let compared = try fact.versus.map { experiment throws(FactError) in
        try values(of: fact.metric, in: experiment, runs, cache)
      }
      let verdict = FactVerdict(
        claim: fact.claim,
        predictions: predictions,
        versus: compared.map(FactResult.mean)
      )
      return FactResult(
        fact: fact,
        predictions: predictions,
        compared: compared ?? [],
        verdict: verdict,
        failure: nil
      )
    } catch {
      return FactResult(fact: fact, predictions: [], compared: [], verdict: nil, failure: error)
    }
  }

  /// Runs every fact, on every core, and returns the results in the order of the facts.
  ///
  /// `progress` is told how many are done, from whichever thread finished one.
  package func run(
    _ facts: [Fact],
    progress: @Sendable (Int) -> Void = { _ in }
  ) -> [FactResult] {
    let cache = ExperimentCache()
    let results = Mutex([FactResult?](repeating: nil, count: facts.count))
    DispatchQueue.concurrentPerform(iterations: facts.count) { index in
      let result = run(facts[index], cache)
      let done = results.withLock { results in
        results[index] = result
        return results.count { $0 != nil }
      }
      progress(done)
    }
    return results.withLock { $0.compactMap { $0 } }
  }

  /// The metric of every replicate; both runs of a comparison meet the same chance.
  func values(
    of metric: Measure,
    in experiment: Fact.Experiment,
    _ runs: Int = 1,
    _ cache: ExperimentCache = ExperimentCache()
  ) throws(FactError) -> [Double] {
    let setup = try ExperimentSetup(experiment, store: store)
    var values: [Double] = []
    for replicate in 0..<runs {
      let report = try cache.report(of: experiment, replicate) { () throws(FactError) in
        try setup.run(seed: seed.replicate(UInt64(replicate)), extent: extent)
      }
      guard let value = metric.value(in: report) else { throw .noMetric(metric) }
      values.append(value)
    }
    return values
  }
}

/// Reports of experiments that several facts read.
final class ExperimentCache: Sendable {
  private struct Key: Hashable {
    let experiment: Fact.Experiment
    let replicate: Int
  }

  private let reports = Mutex<[Key: RunReport]>([:])

  /// The report of a run, made if nobody has made it yet; runs are deterministic, so it does not
  /// matter if two threads make the same.
  func report(
    of experiment: Fact.Experiment,
    _ replicate: Int,
    make: () throws(FactError) -> RunReport
  ) throws(FactError) -> RunReport {
    let key = Key(experiment: experiment, replicate: replicate)
    if let known = reports.withLock({ $0[key] }) { return known }
    let report = try make()
    reports.withLock { $0[key] = report }
    return report
  }
}

extension ExperimentSetup {
  /// Runs the experiment once, on a given host or its own.
  package func run(
    on host: HostProfile? = nil,
    seed: Seed,
    extent: Scenario.Extent
  ) throws(FactError) -> RunReport {
    var setup = loaded.setup
    if let host { setup.host = host }
    var scenario = Scenario(setup, policy: policy, seed: seed)
    scenario.extent = extent
    do throws(OperationError) { return try scenario.run() } catch {
      throw .run(error.description)
    }
  }
}
