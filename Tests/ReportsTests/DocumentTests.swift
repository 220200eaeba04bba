// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Quantities
import TestSupport
import Testing
import Tuning

@testable import Reports

extension XMLPage {
  /// What would load, run or send something, or hold more than the document's own elements.
  var dangers: [String] {
    let known: Set = [
      "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "p", "nav", "ul",
      "li",
      "a", "main", "section", "div", "table", "thead", "tbody", "tr", "th", "td", "dl",
      "dt", "dd", "ol", "span", "pre", "code", "button", "figure", "figcaption", "details",
      "summary", "script", "svg", "text", "line", "polyline", "polygon", "rect", "circle", "path",
    ]
    var found = elements.filter { !known.contains($0.name) }.map(\.name)
    for (name, attributes) in elements {
      for (key, value) in attributes {
        if key.lowercased().hasPrefix("on") || ["src", "srcset", "style", "action"].contains(key) {
          found.append("\(name) \(key)")
        }
        if key.hasSuffix("href"), !value.hasPrefix("#") { found.append("\(key)=\(value)") }
      }
    }
    if elements.count(where: { $0.name == "script" }) != 1 { found.append("scripts") }
    if elements.count(where: { $0.name == "style" }) != 1 { found.append("styles") }
    return found
  }
}

/// A document with a text in every place that has one.
func documentEverywhere(_ text: String) -> Document {
  let axis = Plot.Axis(title: text) { value, _ in "\(Int(value)) \(text)" }
  let points = [
    Plot.Point(x: 1, y: 2, interval: 1...3), Plot.Point(x: 2, y: 3, interval: 2...4, span: 1...2),
  ]
  var plot = Plot(title: text, x: axis, y: axis, series: [.init(name: text, points: points)])
  plot.marks = [1.5]
  plot.markName = text
  plot.levels = [.init(name: text, value: 2.5)]
  let lanes = LanePlot(
    title: text,
    start: 0,
    step: 1e6,
    lanes: [.init(name: text, top: 1) { "\(Int($0 * 100)) \(text)" }],
    panels: [.init(name: text, values: [[0, 1, 0.5, 0]])]
  )
  let bars = BarPlot(title: text, parts: [text], bars: [.init(name: text, values: [3])]) {
    "\(Int($0)) \(text)"
  }
  let dots = DotPlot(
    title: text,
    axis: axis,
    reference: 1,
    kinds: [text],
    rows: [.init(name: text, value: 2, range: 1...3, text: text)]
  )
  var table = TextTable(columns: [.init(text), .init(text, isNumber: true)])
  table.append([text, text])
  let drawings: [Picture.Drawing] = [.plot(plot), .lanes(lanes), .bars(bars), .dots(dots)]
  return Document(
    title: text,
    subtitle: text,
    sections: [
      .init(
        id: "all",
        title: text,
        blocks: [
          .lead(text), .sentence(text), .list([.init(text, [text, text])]),
          .table(table, caption: text),
          .steps([
            .init(place: text, text: text, isCommand: true, undo: text),
            .init(place: text, text: text, isCommand: false, undo: nil),
          ]), .command(text), .folded(title: text, [.sentence(text)]),
        ] + drawings.map { .picture(Picture($0, alternative: text)) }
      )
    ]
  )
}

@Suite struct DocumentTests {
  static let hostile = [
    "<script>alert(1)</script>", "\" onload=\"alert(1)", "' onclick='alert(1)", "]]><b>", "--><i>",
    "</style></title></script><img src=x onerror=alert(1)>", "&lt;b&gt; &amp; &#60;",
    "\"\u{301} a=b",
    "<\u{338}b>", "&\u{301}lt;", "javascript:alert(1)", "https://example.com/x.js",
    "a\u{0}b\u{1F}c",
    "\u{202E}evil", "a\u{FFFE}", "b\u{FFFF}", "`x` **y** | z\n# t", "```\n<b>", "\u{1F600}\u{4E2D}",
  ]

  @Test(arguments: hostile)
  func whateverATextHoldsItIsOnlyShown(text: String) {
    let page = XMLPage(documentEverywhere(text).html())
    #expect(page.isWellFormed && page.dangers.isEmpty, "\(page.dangers)")
    // Drawings have more or fewer ticks as texts are short or long; all else is the same.
    let drawn: Set = ["text", "line", "polyline", "polygon", "rect", "circle", "path", "title"]
    func others(_ page: XMLPage) -> [String] {
      page.elements.map(\.name).filter { !drawn.contains($0) }
    }
    #expect(others(page) == others(XMLPage(documentEverywhere("plain").html())))
    let shown = displayed(text).unicodeScalars.filter { $0 != "\u{FFFE}" && $0 != "\u{FFFF}" }
    #expect(page.text.utf8.firstRange(of: Array(String(shown).utf8)) != nil, "\(shown)")
  }

  /// What a reader of Markdown takes for markup is behind a backslash, and no fence ends early.
  @Test func markdownShowsTextsAsTheyAre() {
    for text in Self.hostile {
      let lines = documentEverywhere(text).markdown().split(separator: "\n")
      var fence: Substring?
      for line in lines {
        let ticks = line.prefix { $0 == "`" }
        if let open = fence {
          if line == open { fence = nil }
        } else if ticks.count > 2 {
          fence = ticks
        } else {
          #expect(!line.unicodeScalars.contains("<"), "\(line)")
        }
      }
      #expect(fence == nil, "\(text)")
    }
  }

  @Test func textStaysInItsColumnsAndWordsApart() {
    let long = Array(repeating: "word", count: 60).joined(separator: " ")
    let document = Document(
      title: "t",
      subtitle: long,
      sections: [
        .init(
          id: "s",
          title: "s",
          blocks: [
            .lead(long), .list([.init("recommended", [long]), .init("now", ["a", "b"])]),
            .table(TextTable(columns: [.init("c")]), caption: long),
          ]
        )
      ]
    )
    let lines = document.text().split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= 100 })
    #expect(lines.contains { $0.hasPrefix("  recommended  word") })
    #expect(lines.contains("  now          a") && lines.contains("               b"))
  }

  @Test func everyFormIsGolden() {
    let document = documentEverywhere("word")
    Golden.check(document.text(), "reports/document.txt")
    Golden.check(document.markdown(), "reports/document.md")
    Golden.check(document.html(), "reports/document.html")
  }

  @Test func aPageLoadsNothingAndSaysSo() throws {
    let html = documentEverywhere("word").html()
    let page = XMLPage(html)
    let policy = page.elements.first { $0.attributes["http-equiv"] == "Content-Security-Policy" }
    let content = try #require(policy?.attributes["content"])
    #expect(content.hasPrefix("default-src 'none'; script-src 'sha256-"))
    #expect(!content.contains("unsafe") && !content.contains("*"))
    let places = html.replacing("xmlns=\"http://www.w3.org/1999/xhtml\"", with: "")
      .replacing("xmlns=\"http://www.w3.org/2000/svg\"", with: "")
    #expect(!places.contains("http:") && !places.contains("https:") && !places.contains("url("))
    #expect(!places.contains("@import") && !places.contains("fetch") && !places.contains("XMLHttp"))
  }

  /// The page's policy lets nothing run but these bytes; another program says what their digests are.
  @Test func digestsAreThoseOfStyleAndScript() throws {
    for (text, digest) in [
      (PageStyle.text, PageStyle.digest), (PageScript.text, PageScript.digest),
    ] {
      let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
      defer { try? FileManager.default.removeItem(at: file) }
      try Data(text.utf8).write(to: file)
      let (process, pipe) = (Process(), Pipe())
      process.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
      process.arguments = [file.path]
      process.standardOutput = pipe
      try process.run()
      let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      let digits = Array(output.prefix(64))
      let bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
        UInt8(String(digits[$0...$0 + 1]), radix: 16)
      }
      #expect(bytes.count == 32)
      #expect(digest == "sha256-" + Data(bytes).base64EncodedString())
      #expect(!text.contains("<") && !text.contains("&"))
    }
  }

  @Test func everyPictureHasWordsAndATable() {
    let page = XMLPage(documentEverywhere("word").html())
    let pictures = page.elements.filter { $0.name == "svg" }
    #expect(pictures.count == 8)
    #expect(
      pictures.allSatisfy {
        $0.attributes["role"] == "img" && $0.attributes["aria-label"] == "word"
      }
    )
    #expect(page.elements.count { $0.name == "details" } == 4 + 1)
    #expect(page.elements.count { $0.name == "table" } == 4 + 1)
  }

  /// A cursor finds the text of every step.
  @Test func lanesCarryTheirReadings() throws {
    let page = XMLPage(documentEverywhere("word").html())
    let figure = try #require(page.elements.first { $0.attributes["data-lanes"] != nil })
    let text = try #require(figure.attributes["data-lanes"])
    let value = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    let texts = try #require(value?["texts"] as? [String])
    let places = try #require(value?["places"] as? [[[Int]]])
    #expect(places[0][0].map { texts[$0] } == ["0 word", "100 word", "50 word", "0 word"])
    #expect((value?["instants"] as? [String])?.last == "3 ms")
  }
}

/// Pictures on their own.
@Suite struct PictureTests {
  @Test func gatheredStepsAreMeans() {
    #expect(LanePlot.gathered([1, 3, 5, 7, 9], by: 2) == [2, 6, 9])
    #expect(LanePlot.gathered([], by: 3).isEmpty && LanePlot.gathered([4], by: 0) == [4])
  }

  @Test func partsThatAreNowhereAreLeftOut() {
    let plot = BarPlot(
      title: "t",
      parts: ["one", "none", "two"],
      bars: [.init(name: "now", values: [1, 0, 3]), .init(name: "then", values: [0, 0, 2])]
    ) { "\(Int($0))" }
    #expect(plot.parts == ["one", "two"])
    #expect(plot.table.rows.map { $0[2] } == ["1 (25 %)", "3 (75 %)", "4"])
    #expect(plot.text(width: 8) == "t\n  now  |aabbbbbb| 4\n  then |bbbb| 2\n  a one\n  b two\n")
  }

  @Test func aCutTextEndsWithDotsAndFits() {
    let text = "a long name of a lane"
    let cut = SVGCanvas.fitted(text, width: 60)
    #expect(cut.hasSuffix("...") && SVGCanvas.width(of: cut) <= 60)
    #expect(SVGCanvas.fitted(text, width: 600) == text)
  }
}
