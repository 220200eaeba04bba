// SPDX-License-Identifier: GPL-3.0-or-later

/// Values with their ranges on one axis, a row each, beside a reference.
package struct DotPlot: Sendable {
  /// One row.
  package struct Row: Hashable, Sendable {
    /// What it is.
    package let name: String
    /// The value, where one is marked.
    package let value: Double?
    /// The lower and upper end of its range.
    package let range: ClosedRange<Double>?
    /// Which kind it is: a place in the legend.
    package let kind: Int
    /// The same in words.
    package let text: String

    /// Creates a row.
    package init(
      name: String,
      value: Double?,
      range: ClosedRange<Double>? = nil,
      kind: Int = 0,
      text: String
    ) {
      (self.name, self.value, self.range) = (name, value, range)
      (self.kind, self.text) = (kind, text)
    }
  }

  /// What the plot shows.
  package let title: String
  /// The axis.
  package let axis: Plot.Axis
  /// The value that all are held against.
  package let reference: Double
  /// What each kind of row is.
  package let kinds: [String]
  /// The rows from top to bottom.
  package let rows: [Row]

  /// Creates a plot from its parts.
  package init(
    title: String,
    axis: Plot.Axis,
    reference: Double,
    kinds: [String],
    rows: [Row]
  ) {
    (self.title, self.axis, self.reference) = (title, axis, reference)
    (self.kinds, self.rows) = (kinds, rows)
  }

  private var scale: Scale {
    let ends = rows.flatMap { row in
      [row.value, row.range?.lowerBound, row.range?.upperBound].compactMap(\.self)
    }
    return Scale(ends + [reference], isLogarithmic: axis.isLogarithmic)
  }

  /// The rows as they read in words.
  var table: TextTable {
    var table = TextTable(columns: [.init(""), .init("kind"), .init(axis.title)])
    for row in rows { table.append([row.name, kinds[row.kind], row.text]) }
    return table
  }

  /// The rows in characters: `-` is the range, `|` the reference, and each kind has a mark.
  package func text(width: Int = 48) -> String {
    let (scale, margin) = (scale, rows.map(\.name.count).max() ?? 0)
    func column(_ value: Double) -> Int? {
      scale.place(value).map { Int(($0 * Double(width - 1)).rounded()) }
    }
    var lines = [title]
    for row in rows {
      var cells = Array(repeating: Character(" "), count: width)
      if let place = column(reference) { cells[place] = "|" }
      if let range = row.range, let low = column(range.lowerBound),
        let high = column(range.upperBound)
      {
        for place in low...max(low, high) { cells[place] = "-" }
      }
      if let place = row.value.flatMap(column) { cells[place] = Self.marks[row.kind % 4] }
      lines.append("  \(Paragraph.padded(row.name, margin)) [\(String(cells))] \(row.text)")
    }
    for (place, kind) in kinds.enumerated() where rows.contains(where: { $0.kind == place }) {
      lines.append("  \(Self.marks[place % 4]) \(kind)")
    }
    lines.append("  | is \(axis.text(reference, 3)); \(axis.title)")
    return lines.joined(separator: "\n") + "\n"
  }

  private static let marks: [Character] = ["o", "x", "+", "*"]
}

extension DotPlot {
  /// The plot as an SVG element; `label` says in words what it shows.
  func drawing(width: Double, label: String) -> String {
    let (isNarrow, scale) = (width < 500, scale)
    var canvas = SVGCanvas(width: width)
    let names = rows.map { SVGCanvas.width(of: $0.name) }.max() ?? 0
    let left = isNarrow ? 14.0 : min(names + 24, width / 2)
    let right = width - 24
    let (pitch, top) = (isNarrow ? 40.0 : 26.0, 34.0)
    let bottom = top + pitch * Double(rows.count)
    func across(_ value: Double) -> Double? {
      scale.place(value).map { left + $0 * (right - left) }
    }
    drawLegend(&canvas)
    if let x = across(reference) {
      canvas.line(from: (x, top - 8), to: (x, bottom), .text, dash: "5 3")
    }
    for (place, row) in rows.enumerated() {
      let y = top + pitch * Double(place) + (isNarrow ? 28 : 13)
      let most = isNarrow ? width - 8 : left - 20
      let name = SVGCanvas.fitted(row.name, width: most)
      canvas.text(name, x: 4, y: isNarrow ? y - 12 : y + 4.5)
      if let range = row.range, let low = across(range.lowerBound),
        let high = across(range.upperBound)
      {
        canvas.line(from: (low, y), to: (max(high, low + 1), y), .series(row.kind), width: 3)
      }
      if let x = row.value.flatMap(across) {
        canvas.mark(row.kind, x: x, y: y, tip: "\(row.name): \(row.text)")
      }
    }
    drawAxis(&canvas, scale, left, right, bottom)
    return canvas.element(height: bottom + 48, label: label)
  }

  private func drawLegend(_ canvas: inout SVGCanvas) {
    var x = 4.0
    for (place, kind) in kinds.enumerated() where rows.contains(where: { $0.kind == place }) {
      canvas.mark(place, x: x + 7, y: 10)
      canvas.text(kind, x: x + 18, y: 14)
      x += SVGCanvas.width(of: kind) + 34
    }
  }

  private func drawAxis(
    _ canvas: inout SVGCanvas,
    _ scale: Scale,
    _ left: Double,
    _ right: Double,
    _ bottom: Double
  ) {
    canvas.line(from: (left, bottom), to: (right, bottom))
    var end = -1.0
    let ticks = scale.ticks(canvas.width < 500 ? 4 : 6)
    for (tick, text) in zip(ticks, axis.texts(ticks)) {
      guard let share = scale.place(tick) else { continue }
      let (x, half) = (left + share * (right - left), SVGCanvas.width(of: text) / 2)
      canvas.line(from: (x, bottom), to: (x, bottom + 5))
      let middle = min(max(x, half), canvas.width - half)
      guard middle - half > end else { continue }
      canvas.text(text, x: middle, y: bottom + 19, anchor: .middle)
      end = middle + half + 6
    }
    let title = SVGCanvas.fitted(axis.title, width: canvas.width - 8)
    canvas.text(title, x: 4, y: bottom + 40)
  }
}
