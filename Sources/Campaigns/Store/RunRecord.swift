// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations
import Operations
import Quantities

/// One finished run as it is kept: its place, its features and its report.
package struct RunRecord: Hashable, Sendable, Codable {
  /// The place in the design.
  package let index: Int
  /// The group of the run's workload.
  package let group: Int
  /// The values of `Feature.allCases`, each in its feature's unit.
  package let features: [Double]
  /// What the run measured.
  package let report: RunReport

  /// Creates a record.
  package init(index: Int, group: Int, features: FeatureVector, report: RunReport) {
    self.index = index
    self.group = group
    self.features = features.values
    self.report = report
  }

  /// The features, or nil where the record has another number of them.
  package var featureVector: FeatureVector? {
    features.count == Feature.allCases.count ? FeatureVector(values: features) : nil
  }
}

/// What a file's runs are runs of; another campaign's file is refused.
package struct CampaignIdentity: Hashable, Sendable, Codable {
  /// The version of the store's form.
  package static let schemaVersion = 2

  /// The version of the form.
  package var schema = Self.schemaVersion
  /// The campaign's name.
  package var name: String
  /// The seed of the design and of every run.
  package var seed: UInt64
  /// The digest of every point of the design.
  package var designDigest: String
  /// The version of the simulator.
  package var simulator: String
  /// The digest of the feature definitions.
  package var featureSet: String
  /// What the design was made from; nil in files that stores of before wrote, and of points that no plan gives.
  package var plan: CampaignPlan?

  /// Creates the identity of a design.
  package init(
    name: String,
    seed: UInt64,
    points: [DesignPoint],
    simulator: String,
    plan: CampaignPlan? = nil
  ) {
    self.plan = plan
    self.name = name
    self.seed = seed
    self.simulator = simulator
    featureSet = Feature.setDigest
    designDigest = points.digest
  }

  enum CodingKeys: String, CodingKey {
    case schema = "schema_version"
    case name, seed, plan
    case designDigest = "design_digest"
    case simulator
    case featureSet = "feature_set"
  }

  /// Refuses an identity that differs, naming the first quantity that does.
  package func require(_ found: Self, file: String) throws(CampaignError) {
    let pairs = [
      ("schema version", "\(found.schema)", "\(schema)"), ("name", found.name, name),
      ("seed", "\(found.seed)", "\(seed)"), ("simulator", found.simulator, simulator),
      ("feature set", found.featureSet, featureSet),
      ("design", found.designDigest, designDigest),
    ]
    for (quantity, found, expected) in pairs where found != expected {
      throw .foreign(file: file, quantity: quantity, found: found, expected: expected)
    }
  }
}
