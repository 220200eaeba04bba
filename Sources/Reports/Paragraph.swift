// SPDX-License-Identifier: GPL-3.0-or-later

/// A labelled paragraph of an answer: the label in the margin, the text wrapped beside it.
package struct Paragraph {
  /// The word in the margin.
  package let label: String
  /// The sentences; each begins on a line of its own.
  package let sentences: [String]

  /// Creates a paragraph.
  package init(label: String, sentences: [String]) {
    (self.label, self.sentences) = (label, sentences)
  }

  /// Columns of the margin, two spaces of indent included.
  static let margin = 11
  /// The widest line.
  package static let width = 100

  /// The lines of the paragraph; none where there is nothing to say.
  package func lines() -> [String] {
    let space = String(repeating: " ", count: Self.margin)
    let texts = sentences.flatMap { Self.wrapped($0, width: Self.width - Self.margin) }
    return texts.enumerated().map { index, text in
      index == 0 ? Self.padded("  " + label, Self.margin) + text : space + text
    }
  }

  /// A text broken at spaces; continuation lines are indented by two.
  package static func wrapped(_ text: String, width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, line.count + 1 + word.count > width {
        lines.append(line)
        line = "  " + word
      } else {
        line += (line.isEmpty ? "" : " ") + word
      }
    }
    if !line.isEmpty { lines.append(line) }
    return lines
  }

  /// A text with spaces up to a width.
  static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
