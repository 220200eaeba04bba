// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

extension UnitCost {
  /// The cost in nanoseconds with its picoseconds, as it can be read back.
  var written: String { significant(inNanoseconds, digits: 15) + "ns" }
}
