// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
package import Operations
package import Policies
import Quantities
package import Randomness
import Scenarios

/// What determines a run: two runs of one key have the same report, so the second is never made.
///
/// A digest of the simulator's version, every value of the setup, the policy, the seed, and how the operation is
/// simulated.
package struct RunKey: Hashable, Sendable {
  /// The key as 32 hexadecimal digits.
  package let hexadecimal: String

  /// The key of a run; `manner` says how the operation is simulated, in words that change when that does.
  package init(
    _ setup: Setup,
    policy: Policy,
    seed: Seed,
    manner: String,
    simulator: String = Scenario.simulatorVersion
  ) {
    self.init(setup.fingerprint, policy, seed, manner, simulator)
  }

  private init(
    _ fingerprint: String,
    _ policy: Policy,
    _ seed: Seed,
    _ manner: String,
    _ simulator: String
  ) {
    let parts = [
      simulator, fingerprint, policy.description, "\(seed.rawValue)", manner,
    ]
    hexadecimal = Digest.wide(of: parts.joined(separator: "\u{1F}"))
  }

  /// The keys of points, in their order.
  static func keys(of points: [DesignPoint], extent: CampaignExtent) -> [RunKey] {
    let manner = extent.manner
    return zip(points, points.fingerprints).map { point, fingerprint in
      RunKey(fingerprint, point.policy, Seed(point.seed), manner, Scenario.simulatorVersion)
    }
  }

  /// The key of a point's run.
  package init(of point: DesignPoint, extent: CampaignExtent) {
    self.init(
      point.setup,
      policy: point.policy,
      seed: Seed(point.seed),
      manner: extent.manner
    )
  }
}

extension CampaignExtent {
  /// How a run of the extent is made and what is kept of it.
  var manner: String {
    let features = "features \(Feature.setDigest)"
    return switch self {
    case .window: "\(Window.standard.identity), \(features)"
    case .whole: "whole, \(features)"
    }
  }
}

extension Window {
  /// The window's values in a line, for keys.
  package var identity: String {
    "window \(stageTwo) \(hostSide) \(longestUnit) \(warmUp)"
  }
}
