// SPDX-License-Identifier: GPL-3.0-or-later

import Estimates
package import Observations
import Operations
import Randomness
package import Scenarios

extension DesignPoint {
  /// The scenario of the point.
  package func scenario(extent: Scenario.Extent) -> Scenario {
    var scenario = Scenario(setup, policy: policy, seed: Seed(seed))
    scenario.extent = extent
    return scenario
  }

  /// The scenario of the point as a campaign's run makes it.
  package func scenario(_ extent: CampaignExtent) -> Scenario {
    switch extent {
    case .window: scenario(extent: .window(.standard))
    case .whole: scenario(extent: .exact)
    }
  }

  /// The features of the point's operation.
  package func features() throws(CampaignError) -> FeatureVector {
    let operation = BatchedOperation(setup, policy)
    do throws(OperationError) {
      return FeatureVector(of: operation, plan: try operation.gatheredPlan())
    } catch {
      throw .run(index: index, reason: error.description)
    }
  }

  /// Runs the point in the simulator and computes its features.
  package func run(extent: Scenario.Extent) throws(CampaignError) -> RunRecord {
    try record(scenario(extent: extent))
  }

  private func record(_ scenario: Scenario) throws(CampaignError) -> RunRecord {
    let features = try features()
    do throws(OperationError) {
      return RunRecord(index: index, group: group, features: features, report: try scenario.run())
    } catch {
      throw .run(index: index, reason: error.description)
    }
  }

  /// What comes of the point's run in a campaign: one that meets its limit of events is refused, with what it is made of.
  package func outcome(_ extent: CampaignExtent, eventLimit: Int64) -> RunOutcome {
    var scenario = scenario(extent)
    scenario.eventLimit = eventLimit
    let clock = ContinuousClock()
    let start = clock.now
    do throws(CampaignError) {
      let record = try record(scenario)
      guard record.report.stop != .eventLimit else {
        let cause = record.report.stopCause ?? "all of one kind"
        return .refused(
          index: index,
          reason: "it takes more than \(eventLimit) events: \(cause); --max-events raises the limit"
        )
      }
      return .done(record, seconds: (clock.now - start) / .seconds(1))
    } catch {
      if case .run(_, let reason) = error { return .refused(index: index, reason: reason) }
      return .refused(index: index, reason: error.description)
    }
  }
}

extension LocalExecutor {
  /// Makes runs in the simulator.
  package init(
    workers: Int,
    extent: CampaignExtent,
    eventLimit: Int64 = Scenario.standardEventLimit
  ) {
    self.init(workers: workers) { $0.outcome(extent, eventLimit: eventLimit) }
  }
}
