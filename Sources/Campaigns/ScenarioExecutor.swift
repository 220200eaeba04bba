// SPDX-License-Identifier: GPL-3.0-or-later

public import Profiles
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

  /// The features of the point's scenario.
  public func features(extent: Scenario.Extent = .exact) throws(CampaignError) -> FeatureVector {
    do throws(ScenarioError) {
      return FeatureVector(
        host: host,
        kernel: kernel,
        workload: workload,
        policy: policy,
        outline: try scenario(extent: extent).outline()
      )
    } catch {
      throw .run(index: index, reason: error.description)
    }
  }

  /// Runs the point in the simulator and computes its features.
  public func run(extent: Scenario.Extent) throws(CampaignError) -> RunRecord {
    let features = try features(extent: extent)
    do throws(ScenarioError) {
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
