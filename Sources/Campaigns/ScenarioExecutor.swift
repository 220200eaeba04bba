// SPDX-License-Identifier: GPL-3.0-or-later

import Profiles
public import Scenarios
import Randomness

extension DesignPoint {
  /// The scenario of the point.
  public func scenario(extent: Scenario.Extent) -> Scenario {
    var scenario = Scenario(
      host: host,
      kernel: kernel,
      workload: workload,
      policy: policy,
      seed: Seed(seed)
    )
    scenario.extent = extent
    return scenario
  }

  /// Runs the point in the simulator and computes its features.
  public func run(extent: Scenario.Extent) throws(CampaignError) -> RunRecord {
    let scenario = scenario(extent: extent)
    do throws(ScenarioError) {
      let features = FeatureVector(
        host: host,
        kernel: kernel,
        workload: workload,
        policy: policy,
        outline: try scenario.outline()
      )
      return RunRecord(
        index: index,
        group: group,
        features: features,
        report: try scenario.run()
      )
    } catch {
      throw .run(index: index, reason: error.description)
    }
  }
}
