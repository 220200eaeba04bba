// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Quantities

/// The logarithm to base two.
func binaryLogarithm(_ value: Double) -> Double { log2(value) }

/// A positive base raised to a share.
func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

/// A number with a fixed count of decimals, so that a document has the same bytes everywhere.
func decimal(_ value: Double, places: Int = 1) -> String {
  String(format: "%.\(places)f", value)
}

/// A share as whole per cents, such as `97 %`.
package func percent(_ share: Double) -> String {
  guard share.isFinite else { return "-" }
  return "\(wholePercent(share)) %"
}

/// A share in whole per cents.
func wholePercent(_ share: Double) -> Int64 { Int64(saturating: share * 100) }

/// A time in nanoseconds in its natural unit with so many digits, such as `76.4 s`.
package func time(nanoseconds: Double, digits: Int = 3) -> String {
  guard nanoseconds.isFinite, nanoseconds.magnitude < 9e18 else { return "-" }
  let units: [(name: String, size: Double)] = [("s", 1e9), ("ms", 1e6), ("us", 1e3), ("ns", 1)]
  let unit = units.first { nanoseconds.magnitude >= $0.size } ?? ("ns", 1)
  return significant(nanoseconds / unit.size, digits: digits) + " " + unit.name
}

/// A text safe inside XML and HTML, in an attribute as well: whatever it holds, it is shown.
///
/// Scalar by scalar, for a mark with an accent on it is a mark all the same. What steers a terminal or
/// what XML does not know is written out.
package func escaped(_ text: String) -> String {
  var result = String.UnicodeScalarView()
  for scalar in displayed(text).unicodeScalars {
    switch scalar {
    case "&": result.append(contentsOf: "&amp;".unicodeScalars)
    case "<": result.append(contentsOf: "&lt;".unicodeScalars)
    case ">": result.append(contentsOf: "&gt;".unicodeScalars)
    case "\"": result.append(contentsOf: "&quot;".unicodeScalars)
    case "'": result.append(contentsOf: "&#39;".unicodeScalars)
    case "\u{FFFE}", "\u{FFFF}":
      result.append(contentsOf: scalar.escaped(asASCII: true).unicodeScalars)
    default: result.append(scalar)
    }
  }
  return String(result)
}
