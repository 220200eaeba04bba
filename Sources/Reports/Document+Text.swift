// SPDX-License-Identifier: GPL-3.0-or-later

extension Document {
  /// The document as text for a terminal, at most 100 columns but for tables and commands.
  package func text() -> String {
    var lines = [title] + Paragraph.wrapped(subtitle, width: Paragraph.width)
    for section in sections {
      lines += ["", section.title, String(repeating: "=", count: section.title.count)]
      for block in section.blocks { lines += Self.lines(of: block) }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func lines(of block: Block) -> [String] {
    switch block {
    case .lead(let sentence), .sentence(let sentence):
      return [""] + Paragraph.wrapped(sentence, width: Paragraph.width)
    case .list(let items): return [""] + lines(of: items)
    case .table(let table, let caption):
      return [""] + Paragraph.wrapped(caption, width: Paragraph.width) + [""] + split(table.text())
    case .steps(let steps):
      return [""]
        + steps.flatMap { step in
          ["  \(step.place): \(step.text)"] + (step.undo.map { ["      undo: \($0)"] } ?? [])
        }
    case .picture(let picture): return [""] + split(picture.text)
    case .command(let command): return ["", "  \(command)"]
    case .folded(let title, let blocks): return ["", title] + blocks.flatMap(lines)
    }
  }

  /// Words in the margin, which is as wide as the longest of them needs, and sentences beside them.
  private static func lines(of items: [Item]) -> [String] {
    let margin = max(Paragraph.margin, (items.map(\.label.count).max() ?? 0) + 4)
    return items.flatMap { item in
      item.sentences.flatMap { Paragraph.wrapped($0, width: Paragraph.width - margin) }.enumerated()
        .map { place, text in
          Paragraph.padded(place == 0 ? "  \(item.label)" : "", margin) + text
        }
    }
  }

  static func split(_ text: String) -> [String] {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    while lines.last == "" { lines.removeLast() }
    return lines
  }
}
