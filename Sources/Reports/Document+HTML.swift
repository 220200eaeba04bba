// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

extension Document {
  /// The document as one page of HTML that loads nothing and is well-formed XML as well.
  ///
  /// A policy in its head forbids the network, every script and style but its own, and frames.
  package func html() -> String {
    let policy =
      "default-src 'none'; script-src '\(PageScript.digest)'; style-src '\(PageStyle.digest)'; "
      + "base-uri 'none'; form-action 'none'"
    let head = [
      "<!DOCTYPE html>",
      "<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">",
      "<head>",
      "<meta charset=\"utf-8\"/>",
      "<meta http-equiv=\"Content-Security-Policy\" content=\"\(escaped(policy))\"/>",
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>",
      "<meta name=\"referrer\" content=\"no-referrer\"/>",
      "<title>\(escaped(title))</title>",
      "<style>\(PageStyle.text)</style>",
      "</head>",
      "<body>",
      "<header>",
      "<h1>\(escaped(title))</h1>",
      "<p class=\"subtitle\">\(escaped(subtitle))</p>",
      "<nav aria-label=\"Parts\"><ul>",
    ]
    let links = sections.map { "<li><a href=\"#\($0.id)\">\(escaped($0.title))</a></li>" }
    let body = sections.flatMap { section in
      [
        "<section id=\"\(section.id)\" aria-labelledby=\"\(section.id)-title\">",
        "<h2 id=\"\(section.id)-title\">\(escaped(section.title))</h2>",
      ] + section.blocks.map(Self.html) + ["</section>"]
    }
    let tail = ["</main>", "<script>\(PageScript.text)</script>", "</body>", "</html>"]
    return (head + links + ["</ul></nav>", "</header>", "<main>"] + body + tail)
      .joined(separator: "\n") + "\n"
  }

  private static func html(of block: Block) -> String {
    switch block {
    case .lead(let sentence): return "<p class=\"lead\">\(escaped(sentence))</p>"
    case .sentence(let sentence): return "<p>\(escaped(sentence))</p>"
    case .list(let items):
      let parts = items.map { item in
        "<dt>\(escaped(item.label))</dt>"
          + item.sentences.map { "<dd>\(escaped($0))</dd>" }.joined()
      }
      return "<dl>\(parts.joined(separator: "\n"))</dl>"
    case .table(let table, let caption): return html(of: table, caption: caption)
    case .steps(let steps):
      return "<ol class=\"steps\">\(steps.map(html).joined(separator: "\n"))</ol>"
    case .picture(let picture): return html(of: picture)
    case .command(let command): return "<div class=\"command\">\(html(ofCode: command))</div>"
    case .folded(let title, let blocks):
      return "<details><summary>\(escaped(title))</summary>"
        + blocks.map(html).joined(separator: "\n") + "</details>"
    }
  }

  private static func html(of step: Step) -> String {
    let place = "<span class=\"place\">\(escaped(step.place))</span> "
    let text =
      step.isCommand ? html(ofCode: step.text) : "<span>\(escaped(step.text))</span>"
    let undo = step.undo.map { "<p class=\"undo\">undo: <code>\(escaped($0))</code></p>" } ?? ""
    return "<li>\(place)\(text)\(undo)</li>"
  }

  private static func html(ofCode text: String) -> String {
    "<pre><code>\(escaped(text))</code></pre>"
      + "<button type=\"button\" class=\"copy\" hidden=\"hidden\">Copy</button>"
  }

  private static func html(of table: TextTable, caption: String) -> String {
    func row(_ cells: [String], _ name: String, _ scope: String) -> String {
      let parts = zip(cells, table.columns).map { cell, column in
        "<\(name)\(scope)\(column.isNumber ? " class=\"n\"" : "")>\(escaped(cell))</\(name)>"
      }
      return "<tr>\(parts.joined())</tr>"
    }
    let label = escaped(caption)
    return "<p class=\"caption\">\(label)</p><div class=\"scroll\" role=\"region\" tabindex=\"0\" "
      + "aria-label=\"\(label)\"><table><thead>"
      + row(table.columns.map(\.title), "th", " scope=\"col\"") + "</thead><tbody>\n"
      + table.rows.map { row($0, "td", "") }.joined(separator: "\n") + "</tbody></table></div>"
  }

  /// Units of the drawing for wide pages, and of the one for narrow ones.
  private static let (wide, narrow) = (900.0, 350.0)

  private static func html(of picture: Picture) -> String {
    var (cursor, ends) = ("", ("", ""))
    if case .lanes(let plot) = picture.drawing {
      cursor = " data-lanes=\"\(escaped(plot.readings))\""
      func end(_ width: Double) -> String {
        let frame = plot.frame(width: width)
        return " data-left=\"\(decimal(frame.left))\" data-right=\"\(decimal(frame.right))\""
      }
      ends = (end(wide), end(narrow))
    }
    return [
      "<figure\(cursor)>", "<figcaption>\(escaped(picture.title))</figcaption>",
      "<div class=\"wide\"\(ends.0)>\(picture.svg(width: wide))</div>",
      "<div class=\"narrow\"\(ends.1)>\(picture.svg(width: narrow))</div>",
      "<details><summary>The values of this picture</summary>",
      html(of: picture.table, caption: picture.title), "</details>", "</figure>",
    ].joined(separator: "\n")
  }
}

extension LanePlot {
  /// What the lanes hold, for a cursor: texts, and for each panel, lane and step the place of its text.
  private struct Readings: Encodable {
    let instants: [String]
    let panels: [String]
    let lanes: [String]
    let texts: [String]
    let places: [[[Int]]]
  }

  /// The texts of all steps as JSON.
  fileprivate var readings: String {
    var (texts, known) = ([String](), [String: Int]())
    func place(_ text: String) -> Int {
      if let found = known[text] { return found }
      known[text] = texts.count
      texts.append(text)
      return texts.count - 1
    }
    let places = panels.map { panel in
      zip(lanes, panel.values).map { lane, values in values.map { place(lane.text($0)) } }
    }
    let readings = Readings(
      instants: (0..<count).map(instant),
      panels: panels.map(\.name),
      lanes: lanes.map(\.name),
      texts: texts,
      places: places
    )
    return (try? JSON.text(readings, isPretty: false)) ?? "{}"
  }
}
