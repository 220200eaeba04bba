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
    let features = try features()
    do throws(OperationError) {
      return RunRecord(
        index: index,
        group: group,
        features: features,
        report: try scenario(extent: extent).run()
      )
    } catch {
      throw .run(index: index, reason: error.description)
    }
  }
}
