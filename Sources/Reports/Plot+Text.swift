// SPDX-License-Identifier: GPL-3.0-or-later

extension Plot {
  /// The plot in characters, `width` by `height` of them inside the frame.
  ///
  /// Series are drawn with `o`, `x`, `+`, `*` in their order; `|` marks a position.
  package func text(width: Int = 60, height: Int = 16) -> String {
    let points = series.flatMap(\.points)
    let across = Scale(points.map(\.x), isLogarithmic: x.isLogarithmic)
    let up = Scale(points.map(\.y), isLogarithmic: y.isLogarithmic)
    var grid = Array(repeating: Array(repeating: Character(" "), count: width), count: height)
    for mark in marks {
      guard let place = across.place(mark) else { continue }
      let column = Int((place * Double(width - 1)).rounded())
      for row in grid.indices { grid[row][column] = "|" }
    }
    for (index, series) in series.enumerated() {
      for point in series.points {
        guard let right = across.place(point.x), let above = up.place(point.y) else { continue }
        let column = Int((right * Double(width - 1)).rounded())
        let row = height - 1 - Int((above * Double(height - 1)).rounded())
        grid[row][column] = Self.symbols[index % Self.symbols.count]
      }
    }
    return lines(grid, across, up).joined(separator: "\n") + "\n"
  }

  private static let symbols: [Character] = ["o", "x", "+", "*", "#", "@"]

  /// The grid in its frame, with the ends of the axes, the titles and the legend.
  private func lines(_ grid: [[Character]], _ across: Scale, _ up: Scale) -> [String] {
    let width = grid.first?.count ?? 0
    let ends = y.texts([up.high, up.low])
    let margin = ends.map(\.count).max() ?? 0
    var lines = ["\(title)", "\(y.title)"]
    for (index, row) in grid.enumerated() {
      let end = index == 0 ? ends[0] : index == grid.count - 1 ? ends[1] : ""
      let space = String(repeating: " ", count: margin - end.count)
      lines.append(trimmed("\(space)\(end) |" + String(row)))
    }
    let indent = String(repeating: " ", count: margin + 1)
    lines.append(indent + "+" + String(repeating: "-", count: width))
    let feet = x.texts([across.low, across.high])
    let (low, high) = (feet[0], feet[1])
    let gap = String(repeating: " ", count: max(1, width - low.count - high.count))
    lines.append("\(indent) \(low)\(gap)\(high)  \(x.title)")
    for (index, one) in series.enumerated() {
      let isLast = index == series.count - 1
      let mark = isLast ? markName.map { "; | \($0)" } ?? "" : ""
      lines.append("\(indent) \(Self.symbols[index % Self.symbols.count]) \(one.name)\(mark)")
    }
    return lines
  }
}

/// A line without the spaces at its end.
private func trimmed(_ line: String) -> String {
  var line = line
  while line.hasSuffix(" ") { line.removeLast() }
  return line
}
