// SPDX-License-Identifier: GPL-3.0-or-later

/// An answer as a document: headings, sentences, tables and pictures, before any form is chosen.
///
/// The same document is written as terminal text, as Markdown and as a page of HTML; all texts in it are
/// plain, and each form escapes what would mean something there.
package struct Document: Sendable {
  /// A part with a heading.
  package struct Section: Sendable {
    /// The name that links use: letters, digits and hyphens.
    package let id: String
    /// The heading.
    package let title: String
    /// What stands under it, in order.
    package let blocks: [Block]

    /// Creates a part; a name of anything but lower-case letters, digits and hyphens is a bug.
    package init(id: String, title: String, blocks: [Block]) {
      precondition(
        !id.isEmpty
          && id.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: "-")
              || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
          },
        "a section's name is its link"
      )
      (self.id, self.title, self.blocks) = (id, title, blocks)
    }
  }

  /// One thing under a heading.
  package enum Block: Sendable {
    /// A sentence that is read first.
    case lead(String)
    /// A paragraph.
    case sentence(String)
    /// Sentences under a word each.
    case list([Item])
    /// A table with what it holds.
    case table(TextTable, caption: String)
    /// Steps that a reader takes.
    case steps([Step])
    /// A picture.
    case picture(Picture)
    /// Words to copy.
    case command(String)
    /// What only some readers want, under a title.
    case folded(title: String, [Block])
  }

  /// A word and the sentences that belong to it.
  package struct Item: Hashable, Sendable {
    /// The word.
    package let label: String
    /// The sentences, one or more.
    package let sentences: [String]

    /// Creates an item.
    package init(_ label: String, _ sentences: [String]) {
      (self.label, self.sentences) = (label, sentences)
    }
  }

  /// Something that a reader does.
  package struct Step: Hashable, Sendable {
    /// Where.
    package let place: String
    /// The command, or what to do in words.
    package let text: String
    /// Whether a shell takes the text as it is.
    package let isCommand: Bool
    /// What takes it back; nil where nothing has to.
    package let undo: String?

    /// Creates a step.
    package init(place: String, text: String, isCommand: Bool, undo: String?) {
      (self.place, self.text) = (place, text)
      (self.isCommand, self.undo) = (isCommand, undo)
    }
  }

  /// The title.
  package let title: String
  /// One line below it.
  package let subtitle: String
  /// The parts in order.
  package let sections: [Section]

  /// Creates a document.
  package init(title: String, subtitle: String, sections: [Section]) {
    (self.title, self.subtitle, self.sections) = (title, subtitle, sections)
  }
}

/// A drawing with what it shows in words and its values as a table.
package struct Picture: Sendable {
  /// What is drawn.
  package enum Drawing: Sendable {
    case plot(Plot)
    case lanes(LanePlot)
    case bars(BarPlot)
    case dots(DotPlot)
  }

  /// What is drawn.
  package let drawing: Drawing
  /// What the picture shows, for whoever does not see it.
  package let alternative: String

  /// Creates a picture.
  package init(_ drawing: Drawing, alternative: String) {
    (self.drawing, self.alternative) = (drawing, alternative)
  }

  /// The title.
  package var title: String {
    switch drawing {
    case .plot(let plot): plot.title
    case .lanes(let plot): plot.title
    case .bars(let plot): plot.title
    case .dots(let plot): plot.title
    }
  }

  /// The picture in characters.
  package var text: String {
    switch drawing {
    case .plot(let plot): plot.text()
    case .lanes(let plot): plot.text()
    case .bars(let plot): plot.text()
    case .dots(let plot): plot.text()
    }
  }

  /// The picture as an SVG element of so many units in width.
  package func svg(width: Double) -> String {
    switch drawing {
    case .plot(let plot): plot.drawing(width: width, label: alternative)
    case .lanes(let plot): plot.drawing(width: width, label: alternative)
    case .bars(let plot): plot.drawing(width: width, label: alternative)
    case .dots(let plot): plot.drawing(width: width, label: alternative)
    }
  }

  /// The values that are drawn.
  package var table: TextTable {
    switch drawing {
    case .plot(let plot): plot.table
    case .lanes(let plot): plot.table()
    case .bars(let plot): plot.table
    case .dots(let plot): plot.table
    }
  }
}

extension Plot {
  /// The points as rows, in the order of the series.
  var table: TextTable {
    var table = TextTable(columns: [
      .init("series"), .init(x.title, isNumber: true), .init(y.title, isNumber: true),
      .init("interval"),
    ])
    for one in series {
      for point in one.points {
        let up = point.interval.map { "\(y.text($0.lowerBound, 3)) to \(y.text($0.upperBound, 3))" }
        let across = point.span.map {
          "\(x.title) \(x.text($0.lowerBound, 3)) to \(x.text($0.upperBound, 3))"
        }
        let ends = [up, across].compactMap(\.self).joined(separator: "; ")
        table.append([one.name, x.text(point.x, 3), y.text(point.y, 3), ends])
      }
    }
    return table
  }
}
