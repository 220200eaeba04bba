// SPDX-License-Identifier: GPL-3.0-or-later

extension Plot {
  /// The plot as a complete SVG document of 720 by 420 units, without scripts or outside fonts.
  package func svg() -> String {
    let frame = Frame(plot: self)
    var parts = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 420\" role=\"img\" "
        + "font-family=\"sans-serif\" font-size=\"12\">",
      "<title>\(escaped(title))</title>",
      "<rect width=\"720\" height=\"420\" fill=\"white\"/>",
      "<text x=\"360\" y=\"20\" text-anchor=\"middle\" font-size=\"14\">\(escaped(title))</text>",
    ]
    parts += frame.axes()
    parts += marks.compactMap { frame.mark($0) }
    for (index, series) in series.enumerated() {
      parts += frame.draw(series, color: Frame.colors[index % Frame.colors.count])
    }
    parts += frame.legend()
    return (parts + ["</svg>"]).joined(separator: "\n") + "\n"
  }
}

/// The drawing area of an SVG and how values land in it.
private struct Frame {
  static let colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]
  static let (left, top, width, height) = (80.0, 40.0, 600.0, 310.0)

  let plot: Plot
  let x: Scale
  let y: Scale

  init(plot: Plot) {
    self.plot = plot
    let points = plot.series.flatMap(\.points)
    x = Scale(points.map(\.x), isLogarithmic: plot.x.isLogarithmic)
    let heights = points.flatMap { point in
      [point.y] + (point.interval.map { [$0.lowerBound, $0.upperBound] } ?? [])
    }
    y = Scale(heights, isLogarithmic: plot.y.isLogarithmic)
  }

  func across(_ value: Double) -> Double? { x.place(value).map { Self.left + $0 * Self.width } }

  func down(_ value: Double) -> Double? {
    y.place(value).map { Self.top + (1 - $0) * Self.height }
  }

  func axes() -> [String] {
    let bottom = Self.top + Self.height
    var parts = [
      "<rect x=\"80\" y=\"40\" width=\"600\" height=\"310\" fill=\"none\" stroke=\"#444\"/>",
      label(plot.x.title, x: Self.left + Self.width / 2, y: bottom + 40, anchor: "middle"),
      "<text x=\"16\" y=\"195\" text-anchor=\"middle\" transform=\"rotate(-90 16 195)\">"
        + "\(escaped(plot.y.title))</text>",
    ]
    let (columns, rows) = (x.ticks(5), y.ticks(5))
    for (tick, text) in zip(columns, plot.x.texts(columns)) {
      guard let place = across(tick) else { continue }
      parts.append(line(place, bottom, place, bottom + 5))
      parts.append(label(text, x: place, y: bottom + 20, anchor: "middle"))
    }
    for (tick, text) in zip(rows, plot.y.texts(rows)) {
      guard let place = down(tick) else { continue }
      parts.append(line(Self.left - 5, place, Self.left, place))
      parts.append(label(text, x: Self.left - 8, y: place + 4, anchor: "end"))
    }
    return parts
  }

  func mark(_ value: Double) -> String? {
    across(value).map { place in
      "<line x1=\"\(decimal(place))\" y1=\"40\" x2=\"\(decimal(place))\" y2=\"350\" "
        + "stroke=\"#888\" stroke-dasharray=\"4 4\"/>"
    }
  }

  func draw(_ series: Plot.Series, color: String) -> [String] {
    var parts: [String] = []
    let placed = series.points.compactMap { point -> (Double, Double, ClosedRange<Double>?)? in
      guard let x = across(point.x), let y = down(point.y) else { return nil }
      return (x, y, point.interval)
    }
    for (x, _, interval) in placed {
      guard let interval, let low = down(interval.lowerBound), let high = down(interval.upperBound)
      else { continue }
      parts.append(line(x, low, x, high, color: color))
    }
    if series.isLine, placed.count > 1 {
      let points = placed.map { "\(decimal($0.0)),\(decimal($0.1))" }.joined(separator: " ")
      parts.append(
        "<polyline points=\"\(points)\" fill=\"none\" stroke=\"\(color)\" stroke-width=\"2\"/>"
      )
    }
    parts += placed.map { x, y, _ in
      "<circle cx=\"\(decimal(x))\" cy=\"\(decimal(y))\" r=\"3.5\" fill=\"\(color)\"/>"
    }
    return parts
  }

  func legend() -> [String] {
    plot.series.enumerated().flatMap { index, series in
      let y = Self.top + 16 + Double(index) * 16
      let color = Self.colors[index % Self.colors.count]
      return [
        "<circle cx=\"92\" cy=\"\(decimal(y - 4))\" r=\"3.5\" fill=\"\(color)\"/>",
        label(series.name, x: 100, y: y, anchor: "start"),
      ]
    }
  }

  private func label(_ text: String, x: Double, y: Double, anchor: String) -> String {
    "<text x=\"\(decimal(x))\" y=\"\(decimal(y))\" text-anchor=\"\(anchor)\">\(escaped(text))</text>"
  }

  private func line(
    _ x1: Double,
    _ y1: Double,
    _ x2: Double,
    _ y2: Double,
    color: String = "#444"
  ) -> String {
    "<line x1=\"\(decimal(x1))\" y1=\"\(decimal(y1))\" x2=\"\(decimal(x2))\" "
      + "y2=\"\(decimal(y2))\" stroke=\"\(color)\"/>"
  }
}
