// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Profiles
import Quantities

/// One knob or one property of the workload, and the values it takes in turn.
///
/// Written `chunk=4KiB..1GiB` (doubling), `pause=20us..2ms` (doubling), `vm.block_share=0..1` (ten
/// steps) or as a list, `tlbi=per-leaf,deferred`.
package struct Sweep: Hashable, Sendable {
  /// The key of a policy's knob or of a workload profile.
  package let key: String
  /// The values in order, as they are written.
  package let values: [String]

  /// The most values a sweep has.
  package static let valueLimit = 64

  static let legal =
    "KEY=LOW..HIGH, such as chunk=4KiB..1GiB or vm.block_share=0..1, or KEY=VALUE,VALUE"

  /// Reads a sweep; throws a sentence with what is legal.
  package init(parsing text: String) throws(TuningError) {
    let refusal = TuningError.illegalSweep(text: text, legal: Self.legal)
    guard let equals = text.firstIndex(of: "=") else { throw refusal }
    key = String(text[..<equals])
    let range = String(text[text.index(after: equals)...])
    guard !key.isEmpty, !range.isEmpty else { throw refusal }
    if let dots = range.firstRange(of: "..") {
      let ends = (String(range[..<dots.lowerBound]), String(range[dots.upperBound...]))
      guard let values = Self.values(from: ends.0, to: ends.1) else { throw refusal }
      self.values = values
    } else {
      values = range.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      if values.contains("") { throw refusal }
    }
    guard (1...Self.valueLimit).contains(values.count) else { throw refusal }
  }

  /// Whether the key is a policy's knob; otherwise it is a key of the workload's profile.
  package var isKnob: Bool { PolicyKey(rawValue: key) != nil }

  /// A value as a number: bytes, nanoseconds, bits per second, a fraction or the number itself; nil
  /// where it is a word.
  static func position(of value: String) -> Double? {
    if let size = try? ByteCount(parsing: value) { return Double(size.rawValue) }
    if let time = try? Nanoseconds(parsing: value) { return Double(time.rawValue) }
    if let rate = try? BitRate(parsing: value) { return Double(rate.rawValue) }
    return fraction(value)
  }

  private static func values(from low: String, to high: String) -> [String]? {
    if let low = try? ByteCount(parsing: low), let high = try? ByteCount(parsing: high) {
      return doubled(low.rawValue, high.rawValue).map {
        $0.map { ByteCount(rawValue: $0).description }
      }
    }
    if let low = try? Nanoseconds(parsing: low), let high = try? Nanoseconds(parsing: high) {
      return doubled(low.rawValue, high.rawValue).map {
        $0.map { Nanoseconds(rawValue: $0).compactText }
      }
    }
    if let low = try? BitRate(parsing: low), let high = try? BitRate(parsing: high) {
      return doubled(low.rawValue, high.rawValue).map { $0.map { "\($0)bit/s" } }
    }
    guard let low = fraction(low), let high = fraction(high), low < high
    else { return nil }
    return (0...10).map { significant(low + (high - low) * Double($0) / 10) }
  }

  /// The low value and its doublings up to the high one, which always stands at the end.
  private static func doubled(_ low: Int64, _ high: Int64) -> [Int64]? {
    guard low > 0, low < high else { return nil }
    var values: [Int64] = []
    var value = low
    while value < high {
      values.append(value)
      if value > Int64.max / 2 { break }
      value *= 2
    }
    return values + [high]
  }
}

extension Nanoseconds {
  /// The time without a space, in the largest unit that divides it, as profiles write it.
  var compactText: String {
    let units: [(String, Int64)] = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)]
    for (name, scale) in units where rawValue != 0 && rawValue % scale == 0 {
      return "\(rawValue / scale)\(name)"
    }
    return "\(rawValue)ns"
  }
}
