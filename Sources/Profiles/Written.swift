// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

extension UnitCost {
  /// The cost in nanoseconds with its picoseconds, as it can be read back.
  var written: String { significant(inNanoseconds, digits: 15) + "ns" }
}

extension BitRate {
  /// The rate in the largest unit that divides it exactly, as it can be read back.
  var written: String {
    let units: [(name: String, size: Int64)] = [
      ("Gbit/s", 1_000_000_000), ("Mbit/s", 1_000_000), ("kbit/s", 1_000),
    ]
    if let unit = units.first(where: { rawValue != 0 && rawValue % $0.size == 0 }) {
      return "\(rawValue / unit.size)\(unit.name)"
    }
    if let unit = units.first(where: { rawValue >= $0.size }) {
      let digits = String(rawValue % unit.size)
      let padded =
        String(repeating: "0", count: String(unit.size).count - 1 - digits.count) + digits
      let fraction = padded.reversed().drop { $0 == "0" }.reversed()
      return "\(rawValue / unit.size).\(String(fraction))\(unit.name)"
    }
    return "\(rawValue)bit/s"
  }
}
