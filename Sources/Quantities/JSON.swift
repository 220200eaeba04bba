// SPDX-License-Identifier: GPL-3.0-or-later

public import Foundation

/// The one way in which values are written as JSON: sorted keys, so equal values have equal bytes.
public enum JSON {
  /// A value's bytes, on one line or many; a number that is not finite is an error, or with
  /// `writesInfinities` the text `inf`, `-inf` or `nan`.
  public static func data(
    _ value: some Encodable,
    isPretty: Bool = true,
    writesInfinities: Bool = false
  ) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if isPretty { encoder.outputFormatting.insert(.prettyPrinted) }
    if writesInfinities {
      encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "inf",
        negativeInfinity: "-inf",
        nan: "nan"
      )
    }
    return try encoder.encode(value)
  }

  /// The same as text without a final line break.
  public static func text(_ value: some Encodable, isPretty: Bool = true) throws -> String {
    String(decoding: try data(value, isPretty: isPretty), as: UTF8.self)
  }
}
