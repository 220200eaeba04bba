// SPDX-License-Identifier: GPL-3.0-or-later

/// A text in which nothing steers a terminal: what would is written out, as `\u{1B}` or `\u{202E}`.
///
/// Written out are control characters but line feeds and tabs, the marks and overrides of
/// bidirectional text, and separators of lines and paragraphs: whatever a file holds, it cannot change
/// the colour, the title or the order of what is shown.
///
/// - Parameters:
///   - text: Any text, of whatever source.
///   - asJSON: Writes `\u202e`, which a reader of JSON takes for the character itself; `text` is JSON.
///   - keepsLines: Leaves line feeds and tabs as they are.
/// - Returns: The text, unchanged where nothing in it steers.
package func displayed(
  _ text: String,
  asJSON: Bool = false,
  keepsLines: Bool = true
) -> String {
  func isWritten(_ scalar: Unicode.Scalar) -> Bool {
    if scalar == "\n" || scalar == "\t" { return !keepsLines }
    return steers(scalar)
  }
  guard text.unicodeScalars.contains(where: isWritten) else { return text }
  var result = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    guard isWritten(scalar) else {
      result.append(scalar)
      continue
    }
    let digits = String(scalar.value, radix: 16)
    if asJSON {
      let zeros = String(repeating: "0", count: max(0, 4 - digits.count))
      result.append(contentsOf: "\\u\(zeros)\(digits)".unicodeScalars)
    } else {
      result.append(contentsOf: scalar.escaped(asASCII: true).unicodeScalars)
    }
  }
  return String(result)
}

/// Whether a terminal may take a character for an order.
private func steers(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0...0x1F, 0x7F...0x9F: true
  case 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
  default: false
  }
}
