// SPDX-License-Identifier: GPL-3.0-or-later

public import Profiles

/// One finished run as a store keeps it: its place, its features and its report.
public struct RunRecord: Hashable, Sendable, Codable {
  /// The place in the design.
  public let index: Int
  /// The group of the run's workload.
  public let group: Int
  /// The values of `Feature.allCases`, each in its feature's unit.
  public let features: [Double]
  /// What the run measured.
  public let report: RunReport

  /// Creates a record.
  public init(index: Int, group: Int, features: FeatureVector, report: RunReport) {
    self.index = index
    self.group = group
    self.features = features.values
    self.report = report
  }

  /// The features, or nil where the record has another number of them.
  public var featureVector: FeatureVector? {
    features.count == Feature.allCases.count ? FeatureVector(values: features) : nil
  }
}

/// What a store's runs are runs of; another campaign's store is refused.
public struct CampaignIdentity: Hashable, Sendable, Codable {
  /// The version of the store's form.
  public static let schemaVersion = 1

  /// The version of the form.
  public var schema = Self.schemaVersion
  /// The campaign's name.
  public var name: String
  /// The seed of the design and of every run.
  public var seed: UInt64
  /// The digest of every point of the design.
  public var designDigest: String
  /// The version of the simulator.
  public var simulator: String
  /// The digest of the feature definitions.
  public var featureSet: String

  /// Creates the identity of a design.
  public init(name: String, seed: UInt64, points: [DesignPoint], simulator: String) {
    self.name = name
    self.seed = seed
    self.simulator = simulator
    featureSet = Feature.setDigest
    designDigest = TextDigest.hexadecimal(
      of: points.map { point in
        "\(point.index) \(point.host.name) \(point.kernel.name) \(point.workload) "
          + "\(point.policy) \(point.seed)"
      }.joined(separator: "\n")
    )
  }

  enum CodingKeys: String, CodingKey {
    case schema = "schema_version"
    case name, seed
    case designDigest = "design_digest"
    case simulator
    case featureSet = "feature_set"
  }

  /// Refuses an identity that differs, naming the first quantity that does.
  func require(_ found: Self, file: String) throws(CampaignError) {
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
