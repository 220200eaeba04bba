// SPDX-License-Identifier: GPL-3.0-or-later

/// What several contexts did over the same stretch of time, one lane each, in panels below each other.
package struct LanePlot: Sendable {
  /// One lane, the same in all panels.
  package struct Lane: Sendable {
    /// What it shows.
    package let name: String
    /// The value that fills the lane's whole height, above zero.
    package let top: Double
    /// How a value is written.
    package let text: @Sendable (_ value: Double) -> String

    /// Creates a lane.
    package init(
      name: String,
      top: Double,
      text: @escaping @Sendable (_ value: Double) -> String
    ) {
      (self.name, self.top, self.text) = (name, top, text)
    }
  }

  /// The lanes of one run.
  package struct Panel: Hashable, Sendable {
    /// Which run.
    package let name: String
    /// The values of each lane, one a step.
    package let values: [[Double]]

    /// Creates a panel.
    package init(name: String, values: [[Double]]) { (self.name, self.values) = (name, values) }
  }

  /// What the plot shows.
  package let title: String
  /// Where the first step begins, in nanoseconds.
  package let start: Double
  /// The length of a step in nanoseconds.
  package let step: Double
  /// The lanes from top to bottom.
  package let lanes: [Lane]
  /// The runs from top to bottom, all with as many steps.
  package let panels: [Panel]

  /// Creates a plot from its parts.
  package init(title: String, start: Double, step: Double, lanes: [Lane], panels: [Panel]) {
    (self.title, self.start, self.step) = (title, start, step)
    (self.lanes, self.panels) = (lanes, panels)
  }

  /// Steps of each lane.
  var count: Int { panels.first?.values.first?.count ?? 0 }

  /// The values of a lane with so many steps put together, each the mean of its steps.
  static func gathered(_ values: [Double], by width: Int) -> [Double] {
    stride(from: 0, to: values.count, by: max(1, width)).map { first in
      let part = values[first..<min(values.count, first + max(1, width))]
      return part.reduce(0, +) / Double(part.count)
    }
  }

  /// What fills a lane's height, in words; that nothing does where it is empty in every panel.
  func reach(_ lane: Int) -> String {
    let isEmpty = panels.allSatisfy { $0.values[lane].allSatisfy { $0 <= 0 } }
    return isEmpty ? "none here" : "up to \(lanes[lane].text(lanes[lane].top))"
  }

  /// When a step begins, in words.
  func instant(_ step: Int) -> String { time(nanoseconds: start + Double(step) * self.step) }

  /// The values as a table of at most `rows` rows; each is a mean over equal steps.
  func table(rows: Int = 40) -> TextTable {
    let width = max(1, (count + rows - 1) / rows)
    let titles = panels.flatMap { panel in lanes.map { "\(panel.name): \($0.name)" } }
    var table = TextTable(
      columns: [.init("from", isNumber: true)] + titles.map { .init($0, isNumber: true) }
    )
    let columns = panels.flatMap { panel in
      zip(lanes, panel.values).map { lane, values in
        Self.gathered(values, by: width).map { lane.text($0) }
      }
    }
    for row in columns.first?.indices ?? 0..<0 {
      table.append([instant(row * width)] + columns.map { $0[row] })
    }
    return table
  }

  /// The lanes in characters, from nothing to the lane's whole height: ` .:-=+*#`.
  package func text(width: Int = 72) -> String {
    let ramp = Array(" .:-=+*#")
    let margin = lanes.map(\.name.count).max() ?? 0
    let gather = max(1, (count + width - 1) / width)
    var lines = [title]
    for panel in panels {
      lines.append(panel.name)
      for (place, (lane, values)) in zip(lanes, panel.values).enumerated() {
        let cells = Self.gathered(values, by: gather).map { value in
          let share = min(max(value / lane.top, 0), 1)
          return String(ramp[share > 0 ? max(1, Int((share * 7).rounded())) : 0])
        }
        let name = Paragraph.padded(lane.name, margin)
        lines.append("  \(name) |\(cells.joined())| \(reach(place))")
      }
    }
    let column = time(nanoseconds: step * Double(gather))
    lines.append("  from \(instant(0)) to \(instant(count)), \(column) a column")
    return lines.joined(separator: "\n") + "\n"
  }
}
