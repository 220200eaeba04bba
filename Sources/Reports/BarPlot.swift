// SPDX-License-Identifier: GPL-3.0-or-later

/// Sums as stacked bars, one below the other, on one scale.
package struct BarPlot: Sendable {
  /// One bar.
  package struct Bar: Hashable, Sendable {
    /// What it is the sum of.
    package let name: String
    /// The value of each part, not below zero.
    package let values: [Double]

    /// Creates a bar.
    package init(name: String, values: [Double]) { (self.name, self.values) = (name, values) }

    /// All parts together.
    var sum: Double { values.reduce(0, +) }
  }

  /// What the plot shows.
  package let title: String
  /// The parts, the same of every bar.
  package let parts: [String]
  /// The bars from top to bottom.
  package let bars: [Bar]
  /// How a value is written.
  package let text: @Sendable (_ value: Double) -> String

  /// Creates a plot; parts that every bar lacks are left out.
  package init(
    title: String,
    parts: [String],
    bars: [Bar],
    text: @escaping @Sendable (_ value: Double) -> String
  ) {
    let kept = parts.indices.filter { place in bars.contains { $0.values[place] > 0 } }
    self.title = title
    self.parts = kept.map { parts[$0] }
    self.bars = bars.map { bar in Bar(name: bar.name, values: kept.map { bar.values[$0] }) }
    self.text = text
  }

  /// The letter that stands for a part.
  static func letter(_ place: Int) -> String {
    String(UnicodeScalar(UInt8(ascii: "a") + UInt8(place % 26)))
  }

  /// The parts as rows and the bars as columns, each part with its share.
  var table: TextTable {
    var table = TextTable(
      columns: [.init(""), .init("part")] + bars.map { .init($0.name, isNumber: true) }
    )
    for (place, part) in parts.enumerated() {
      let cells = bars.map { bar in
        let share = bar.sum > 0 ? bar.values[place] / bar.sum : 0
        return bar.values[place] > 0 ? "\(text(bar.values[place])) (\(percent(share)))" : "0"
      }
      table.append([Self.letter(place), part] + cells)
    }
    table.append(["", "together"] + bars.map { text($0.sum) })
    return table
  }

  /// The bars in characters; each part has a letter.
  package func text(width: Int = 72) -> String {
    let longest = bars.map(\.sum).max() ?? 0
    let margin = bars.map(\.name.count).max() ?? 0
    var lines = [title]
    for bar in bars {
      var (cells, end) = ("", 0.0)
      for (place, value) in bar.values.enumerated() where longest > 0 {
        end += value
        let last = Int((end / longest * Double(width)).rounded())
        cells += String(repeating: Self.letter(place), count: max(0, last - cells.count))
      }
      lines.append("  \(Paragraph.padded(bar.name, margin)) |\(cells)| \(text(bar.sum))")
    }
    for (place, part) in parts.enumerated() { lines.append("  \(Self.letter(place)) \(part)") }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension BarPlot {
  /// The plot as an SVG element; `label` says in words what it shows.
  func drawing(width: Double, label: String) -> String {
    var canvas = SVGCanvas(width: width)
    let longest = max(bars.map(\.sum).max() ?? 0, .leastNormalMagnitude)
    var y = 0.0
    for bar in bars {
      let head = "\(bar.name): \(text(bar.sum))"
      canvas.text(SVGCanvas.fitted(head, width: width - 8), x: 4, y: y + 16, isBold: true)
      var x = 4.0
      for (place, value) in bar.values.enumerated() where value > 0 {
        let length = value / longest * (width - 8)
        let share = percent(value / bar.sum)
        canvas.rectangle(
          x: x,
          y: y + 24,
          width: length,
          height: 28,
          .series(place),
          tip: "\(bar.name): \(parts[place]) \(text(value)) (\(share))"
        )
        if length >= 14 {
          canvas.text(Self.letter(place), x: x + length / 2, y: y + 67, anchor: .middle)
        }
        x += length
      }
      y += 82
    }
    return drawLegend(from: y + 6, canvas, label)
  }

  private func drawLegend(from top: Double, _ canvas: SVGCanvas, _ label: String) -> String {
    var canvas = canvas
    var (x, y) = (4.0, top)
    for (place, part) in parts.enumerated() {
      let name = SVGCanvas.fitted("\(Self.letter(place)) \(part)", width: canvas.width - 36)
      let length = SVGCanvas.width(of: name) + 40
      if x > 4, x + length > canvas.width { (x, y) = (4, y + 21) }
      canvas.rectangle(x: x, y: y, width: 16, height: 14, .series(place))
      canvas.text(name, x: x + 22, y: y + 12)
      x += length
    }
    return canvas.element(height: y + 24, label: label)
  }
}
