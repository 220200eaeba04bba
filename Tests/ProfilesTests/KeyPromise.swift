// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Profiles
import Quantities
import Randomness

/// What the sentence on a key's legal values promises, read out of that sentence, so that a
/// sentence that is not true fails its test.
enum KeyPromise {
  /// A whole number from and to.
  case count(ClosedRange<Int>)
  /// A number from and to.
  case number(ClosedRange<Double>)
  /// A share from and to, also in per cent.
  case share(ClosedRange<Double>)
  /// A time up to, in nanoseconds; costs have picoseconds.
  case time(limit: Int64, isCost: Bool)
  /// A size from and to, in bytes.
  case size(ClosedRange<Int64>)
  /// No rate, or one from and to, in bits per second.
  case rate(ClosedRange<Int64>)
  /// One of these words.
  case words([String])
  /// A service level; the bound with its relation, in a unit.
  case level(relation: String, form: String)
  /// An address, a release, a list of features.
  case form(String)

  init(_ legal: String) {
    let ends = (legal.components(separatedBy: " from ").last ?? "").components(
      separatedBy: " to "
    )
    let (low, high) = (ends[0], ends.count > 1 ? ends[1] : "")
    if legal.hasPrefix("a whole number"), let low = Int(low), let high = Int(high) {
      self = .count(low...high)
    } else if legal.hasPrefix("a number"), let low = Double(low), let high = Double(high) {
      self = .number(low...high)
    } else if legal.hasPrefix("a share"), let low = Double(low), let high = Double(high) {
      self = .share(low...high)
    } else if legal.hasPrefix("a time"), let high = try? Nanoseconds(parsing: high) {
      self = .time(limit: high.rawValue, isCost: high == .seconds(100))
    } else if legal.hasPrefix("a size"), let low = try? ByteCount(parsing: low),
      let high = try? ByteCount(parsing: high)
    {
      self = .size(low.rawValue...high.rawValue)
    } else if legal.hasPrefix("a rate"), let low = try? BitRate(parsing: low),
      let high = try? BitRate(parsing: high)
    {
      self = .rate(low.rawValue...high.rawValue)
    } else if legal.hasPrefix(">=") || legal.hasPrefix("<=") {
      let open = legal.components(separatedBy: "(").last ?? ""
      self = .level(relation: String(legal.prefix(2)), form: String(open.prefix { $0 != ")" }))
    } else if legal.hasPrefix("a ") || legal.hasPrefix("none, or a list") {
      self = .form(legal)
    } else {
      let list = legal.replacingOccurrences(of: " or ", with: ", ")
      self = .words(list.components(separatedBy: ", "))
    }
  }
}

extension KeyPromise {
  /// The ends of what is promised, and every word.
  var legal: [String] {
    switch self {
    case .count(let range): ["\(range.lowerBound)", "\(range.upperBound)"]
    case .number(let range): ["\(range.lowerBound)", "\(range.upperBound)", "0.5", "5e-1"]
    case .share(let range):
      ["\(range.lowerBound)", "\(range.upperBound)", "0.5", "5e-1", "50%", "100%", "12.5 %"]
    case .time(let limit, _): ["0ns", "\(limit)ns", "\(limit / 1_000_000_000) s", "0.5us"]
    case .size(let range): ["\(range.lowerBound)B", "\(range.upperBound)B", "64 KiB"]
    case .rate(let range):
      [
        "0bit/s", "\(range.lowerBound)bit/s", "\(range.upperBound)bit/s", "2.5 Gbit/s",
        "9_000kbit/s",
      ]
    case .words(let words): words
    case .level(let relation, let form): Self.bounds(form).map { relation + $0 } + ["none"]
    case .form(let legal):
      legal.components(separatedBy: CharacterSet(charactersIn: " ")).filter { word in
        word.contains(",t") || word.hasPrefix("0x") || word.first?.isNumber == true
      }
    }
  }

  /// Bounds that a level's form promises.
  private static func bounds(_ form: String) -> [String] {
    switch form {
    case "a time": ["0ns", "2ms", " 2 ms", "1.2x"]
    case "a number": ["0", "17", "1.2x", " 3"]
    default: ["0", "1", "0.95", "1.2x", " 0.5", "95%"]
    }
  }

  /// What lies just beyond the ends, and what has the wrong form.
  var illegal: [String] {
    let never = ["", " ", "-1", "nan", "inf", "1e999", "~", "null", "[1]", "\u{0661}", "1 2"]
    return never + beyond
  }

  private var beyond: [String] {
    switch self {
    case .count(let range):
      [
        "\(range.lowerBound - 1)", "\(range.upperBound + 1)", "1.5", "1e1", "1_0",
        "9223372036854775808",
      ]
    case .number(let range):
      ["\(range.lowerBound - 0.001)", "\(range.upperBound + 0.001)", "0,5", "50%", "0.5x"]
    case .share(let range):
      [
        "\(range.lowerBound - 0.001)", "\(range.upperBound + 0.001)", "0,5", "50%%", "0.5x", "101%",
        "-1%", "%",
      ]
    case .time(let limit, let isCost):
      ["\(limit)\(isCost ? ".001" : "")1ns", "5", "5m", "5S", "5KiB", "-5ns", "ns", "5nsns"]
    case .size(let range):
      ["\(range.upperBound + 1)B", "5", "5Kb", "64kib", "64Kib", "64ns", "-64KiB", "1e6TiB"]
        + (range.lowerBound > 0 ? ["\(range.lowerBound - 1)B"] : [])
    case .rate(let range):
      [
        "\(range.lowerBound - 1)bit/s", "\(range.upperBound + 1)bit/s", "5", "5GB/s", "5Gbit",
        "5GiB", "-5Gbit/s",
      ]
    case .words(let words): words.flatMap { [$0 + "x", " " + $0, $0 + ","] }
    case .level(let relation, let form): Self.wrong(relation, form)
    case .form: ["none,", "a", "6.1.2.3", "0x8000000000000000", "0xg"]
    }
  }

  /// Levels with the other relation, and bounds of the wrong form.
  private static func wrong(_ relation: String, _ form: String) -> [String] {
    let other = relation == ">=" ? "<=" : ">="
    let bounds: [String] =
      switch form {
      case "a time": ["2", "2KiB", "-2ms"]
      case "a number": ["0.5", "-1", "2ms"]
      default: ["1.001", "95", "950%", "-0.1"]
      }
    let all = bounds + ["0x", "-1x", "infx", "nanx", "x", "", "1.2y", "=1"]
    return all.map { relation + $0 } + [other + "0.5", other + "1.2x", "0.5", "None"]
  }
}

extension KeyPromise {
  /// A legal text by chance, one that loses nothing when it is printed.
  func draw(_ chance: inout Randomness.Stream) -> String {
    switch self {
    case .count(let range):
      let size = Self.size(UInt64(range.upperBound - range.lowerBound), &chance)
      return "\(range.lowerBound + Int(size))"
    case .number, .share: return "\(Double(chance.uniform(below: 1_000_001)) / 1e6)"
    case .time(let limit, let isCost):
      let time = Self.size(UInt64(limit - 1), &chance)
      return isCost ? "\(time).\(100 + chance.uniform(below: 900))ns" : "\(time)ns"
    case .size(let range):
      return "\(range.lowerBound + Int64(Self.size(UInt64(range.upperBound), &chance) / 2))B"
    case .rate(let range):
      let units: [(String, Int64)] = [
        ("bit/s", 1), ("kbit/s", 1_000), ("Mbit/s", 1_000_000), ("Gbit/s", 1_000_000_000),
      ]
      let (unit, scale) = units[Int(chance.uniform(below: 4))]
      let least = (range.lowerBound + scale - 1) / scale
      return "\(least + Int64(chance.uniform(below: 9_000)))" + unit
    case .words(let words): return words[Int(chance.uniform(below: UInt64(words.count)))]
    case .level, .form:
      return legal[Int(chance.uniform(below: UInt64(max(1, legal.count))))]
    }
  }

  /// A number up to a limit, small ones as often as large ones.
  private static func size(_ limit: UInt64, _ chance: inout Randomness.Stream) -> UInt64 {
    min(limit, UInt64(exp2(chance.uniform() * log2(Double(limit) + 1))) - 1)
  }
}
