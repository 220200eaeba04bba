// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

extension Nanoseconds {
  /// The time in the largest unit that divides it exactly, as it can be read back.
  var written: String {
    let units: [(name: String, size: Int64)] = [
      ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000),
    ]
    let unit = units.first { rawValue != 0 && rawValue % $0.size == 0 } ?? ("ns", 1)
    return "\(rawValue / unit.size)\(unit.name)"
  }
}

extension UnitCost {
  /// The cost in nanoseconds with its picoseconds, as it can be read back.
  var written: String { significant(inNanoseconds, digits: 15) + "ns" }
}
