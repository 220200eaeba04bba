// SPDX-License-Identifier: GPL-3.0-or-later

/// The errata of cores that change what a flush executes, and the releases that work around them.
///
/// A workaround is a matter of the core and of the stable update alike: 6.12.107 repeats the
/// invalidations of a Neoverse N1 and 6.18.15 does not, since the list of affected cores came to
/// 6.12.y with 6.12.94 and to 6.18.y with 6.18.36. One row an erratum, as in `ReleaseTable`.
public enum CoreErrata {
  /// One workaround: which cores it is for, and which releases have it.
  struct Row: Sendable {
    /// The feature by which the workaround is named in `CPUFeatures`.
    let feature: any WritableKeyPath<CPUFeatures, Bool> & Sendable
    /// The cores, all of their revisions unless the source says otherwise.
    let cores: [String]
    /// The releases that have the workaround for these cores.
    let span: ReleaseSpan
    /// The commit or text it was taken from.
    let source: String
  }

  private static func release(_ major: Int, _ minor: Int, _ patch: Int = 0) -> KernelRelease {
    KernelRelease(major: major, minor: minor, patch: patch)
  }

  static let rows: [Row] = [
    Row(
      feature: \.repeatTLBISync,
      cores: [
        "cortex-a76", "cortex-a76ae", "cortex-a77", "cortex-a78", "cortex-a78ae", "cortex-a78c",
        "cortex-a710", "cortex-x1", "cortex-x1c", "cortex-x2", "cortex-x3", "cortex-x4",
        "cortex-x925", "c1-premium", "c1-ultra", "neoverse-n1", "neoverse-n2", "neoverse-v1",
        "neoverse-v2", "neoverse-v3", "neoverse-v3ae",
      ],
      span: ReleaseSpan(
        since: release(7, 2),
        backports: [
          release(5, 10, 259), release(5, 15, 210), release(6, 1, 176), release(6, 6, 143),
          release(6, 12, 94), release(6, 18, 36), release(7, 0, 13), release(7, 1, 1),
        ]
      ),
      source: "cfd391e74134; updates of the CVE record CVE-2026-53354, list read in 6.1.176 and "
        + "6.12.117 [H]; seen on 6.1.176, 6.12.107 and 7.3.4 [H]"
    ),
    Row(
      feature: \.speculativeAT,
      cores: ["cortex-a55", "cortex-a57", "cortex-a72"],
      span: ReleaseSpan(since: ReleaseTable.oldest, backports: []),
      source: "errata 1319367, 1319537 and, up to r2p0 of the A55, 1530923: list and ISBs read in "
        + "6.1.176 and 6.12.117 [H]"
    ),
  ]

  /// Cores of which is known that neither erratum is theirs.
  static let unaffected = ["max", "cortex-a35", "cortex-a53"]

  /// A workaround that depends on how a kernel was configured: 2441007 of the Cortex-A55 is rare,
  /// and its option is not on everywhere.
  static let undetermined: [(core: String, feature: any KeyPath<CPUFeatures, Bool> & Sendable)] = [
    ("cortex-a55", \.repeatTLBISync)
  ]

  /// Every core that is known by name, sorted.
  public static var cores: [String] {
    (Set(rows.flatMap(\.cores)).union(unaffected)).sorted()
  }

  /// Whether a release works around an erratum of a core; nil where it is not known of the core.
  public static func has(
    _ feature: any KeyPath<CPUFeatures, Bool> & Sendable,
    core: String,
    on release: KernelRelease
  ) -> Bool? {
    guard cores.contains(core) else { return nil }
    guard !undetermined.contains(where: { $0.core == core && $0.feature == feature }) else {
      return nil
    }
    return rows.contains {
      $0.feature == feature && $0.cores.contains(core) && $0.span.contains(release)
    }
  }

  /// Whether the answer for this core differs among the updates of the release's series.
  public static func dependsOnUpdate(core: String, _ release: KernelRelease) -> Bool {
    rows.contains { $0.cores.contains(core) && $0.span.dependsOnUpdate(release) }
  }

  /// A CPU's features with the workarounds that a release has for its core; what is not known of
  /// the core stays as it was.
  public static func features(
    _ features: CPUFeatures,
    of core: String,
    on release: KernelRelease
  ) -> CPUFeatures {
    var features = features
    for row in rows {
      guard let has = has(row.feature, core: core, on: release) else { continue }
      features[keyPath: row.feature] = has
    }
    return features
  }
}
