// SPDX-License-Identifier: GPL-3.0-or-later

/// Runs a property on many seeded cases and reports the first seed that fails.
public enum Property {
  /// How many cases a property test runs: `S2TUNE_CASES` where it is set, else `standard`.
  public static func cases(_ standard: Int) -> Int {
    environment("S2TUNE_CASES").flatMap { Int($0) } ?? standard
  }

  /// The seeds of `count` cases, offset by `S2TUNE_SEED` where it is set.
  public static func seeds(_ count: Int) -> [UInt64] {
    let first = environment("S2TUNE_SEED").flatMap { UInt64($0) } ?? 1
    return (0..<UInt64(cases(count))).map { first &+ $0 }
  }
}
