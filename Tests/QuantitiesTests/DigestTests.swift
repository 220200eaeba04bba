// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
import Testing

/// The digest against FNV-1a's published values and its own generic form.
@Suite struct DigestTests {
  @Test(arguments: [
    ("", 0xCBF2_9CE4_8422_2325 as UInt64), ("a", 0xAF63_DC4C_8601_EC8C),
    ("foobar", 0x8594_4171_F739_67E8),
  ])
  func publishedValues(text: String, value: UInt64) {
    #expect(Digest.of(text).value == value)
    #expect(Digest.of(text[...]).value == value)
  }

  @Test func bothFormsAgreeOnAnyText() {
    var text = ""
    for scalar in ["x", "é", "\u{1F}", "漢", "🏳️‍🌈", "\0"] {
      text += scalar
      #expect(Digest.of(text) == Digest.of(text[...]))
      #expect(Digest.of(text.dropFirst()) == Digest.of(String(text.dropFirst())))
    }
  }
}
