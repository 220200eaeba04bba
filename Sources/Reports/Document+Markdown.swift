// SPDX-License-Identifier: GPL-3.0-or-later

extension Document {
  /// The document in Markdown, its pictures in characters.
  package func markdown() -> String {
    var parts = ["# \(Self.plain(title))", Self.plain(subtitle)]
    for section in sections {
      parts.append("## \(Self.plain(section.title))")
      parts += section.blocks.flatMap(Self.markdown)
    }
    return parts.joined(separator: "\n\n") + "\n"
  }

  private static func markdown(of block: Block) -> [String] {
    switch block {
    case .lead(let sentence): return ["**\(plain(sentence))**"]
    case .sentence(let sentence): return [plain(sentence)]
    case .list(let items):
      let lines = items.map { item in
        "- \(plain(item.label)): " + item.sentences.map(plain).joined(separator: "\n  ")
      }
      return [lines.joined(separator: "\n")]
    case .table(let table, let caption):
      return [plain(caption), trimmed(table.mapped(plain).markdown())]
    case .steps(let steps):
      return steps.flatMap { step in
        [
          "\(plain(step.place)):", fenced(step.text),
        ] + (step.undo.map { ["undo:", fenced($0)] } ?? [])
      }
    case .picture(let picture): return [fenced(trimmed(picture.text))]
    case .command(let command): return [fenced(command)]
    case .folded(let title, let blocks):
      return ["### \(plain(title))"] + blocks.flatMap(markdown)
    }
  }

  /// A text in which nothing is markup: on one line, its marks behind backslashes.
  private static func plain(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n", "\r": result.append(" ")
      case "\\", "`", "*", "_", "[", "]", "#", "~", "|", "!":
        result.append("\\")
        result.append(scalar)
      case "<": result.append(contentsOf: "&lt;".unicodeScalars)
      case ">": result.append(contentsOf: "&gt;".unicodeScalars)
      case "&": result.append(contentsOf: "&amp;".unicodeScalars)
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  /// A text as it is, between fences longer than any in it.
  private static func fenced(_ text: String) -> String {
    var (longest, run) = (2, 0)
    for scalar in text.unicodeScalars {
      run = scalar == "`" ? run + 1 : 0
      longest = max(longest, run)
    }
    let fence = String(repeating: "`", count: longest + 1)
    return "\(fence)\n\(text)\n\(fence)"
  }

  private static func trimmed(_ text: String) -> String { split(text).joined(separator: "\n") }
}

extension TextTable {
  /// The same table with every text changed; bars stay, for they are escaped where the table is written.
  fileprivate func mapped(_ change: (String) -> String) -> TextTable {
    func cell(_ text: String) -> String { change(text).replacing("\\|", with: "|") }
    var table = TextTable(columns: columns.map { .init(cell($0.title), isNumber: $0.isNumber) })
    for row in rows { table.append(row.map(cell)) }
    return table
  }
}
