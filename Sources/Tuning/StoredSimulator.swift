// SPDX-License-Identifier: GPL-3.0-or-later

package import Campaigns
package import Observations
import Operations
package import Policies
package import Randomness
import Scenarios

/// The simulator over a store of runs: what was run before, by whatever command, is not run again.
package struct StoredSimulator: PolicySimulator {
  /// What makes runs that are not there.
  let simulator: ScenarioSimulator
  /// Where runs are kept.
  let store: RunDatabase

  /// Creates a simulator over a store.
  package init(_ simulator: ScenarioSimulator, store: RunDatabase) {
    (self.simulator, self.store) = (simulator, store)
  }

  package func report(
    _ question: Question,
    policy: Policy,
    seed: Seed,
    extent: RunExtent
  ) throws(TuningError) -> RunReport {
    let manner = simulator.manner(extent)
    let key = RunKey(question.setup, policy: policy, seed: seed, manner: manner)
    do throws(CampaignError) {
      if let known = try store.report(of: key) { return known }
    } catch {
      throw .store(error)
    }
    let start = ContinuousClock.now
    let report = try simulator.report(question, policy: policy, seed: seed, extent: extent)
    do throws(CampaignError) {
      try store.keep(
        report,
        of: key,
        manner: manner,
        seconds: (ContinuousClock.now - start) / .seconds(1)
      )
    } catch {
      throw .store(error)
    }
    return report
  }

  package func watched(
    _ question: Question,
    policy: Policy,
    seed: Seed,
    span: TimelineSpan
  ) throws(TuningError) -> (report: RunReport, timeline: Timeline?) {
    // A store keeps reports; what every context did is seen by running.
    try simulator.watched(question, policy: policy, seed: seed, span: span)
  }
}

extension ScenarioSimulator {
  /// How a run of an extent is made, in words that change when that does.
  ///
  /// The limit of events is no part of it: a run that meets it has no report.
  func manner(_ extent: RunExtent) -> String {
    let part = extent == .window ? window.identity : "whole"
    let memory = mostMemory.map { ", at most \($0)" } ?? ""
    return isUnabridged ? "\(part), unabridged" : "\(part), repeats left out\(memory)"
  }
}
