// SPDX-License-Identifier: GPL-3.0-or-later

extension Plot {
  /// The plot as a complete SVG document of so many units in width, without scripts or outside fonts.
  package func svg(width: Double = 720) -> String {
    drawing(width: width, label: title, title: title)
  }

  /// The plot as an SVG element; `label` says in words what it shows.
  func drawing(width: Double, label: String, title: String? = nil) -> String {
    var frame = PlotFrame(plot: self, width: width)
    frame.draw()
    return frame.canvas.element(height: frame.height, label: label, title: title)
  }

  /// What a point is, in words: the series, its place and its interval.
  func text(of point: Point, in series: Series) -> String {
    let (across, up) = (x.text(point.x, 3), y.text(point.y, 3))
    let range = point.interval.map {
      " [\(y.text($0.lowerBound, 3)) to \(y.text($0.upperBound, 3))]"
    }
    return "\(series.name): \(x.title) \(across), \(y.title) \(up)\(range ?? "")"
  }
}

/// The drawing area of a plot and how values land in it.
private struct PlotFrame {
  private let plot: Plot
  private let x: Scale
  private let y: Scale
  private let ticks: (x: [(value: Double, text: String)], y: [(value: Double, text: String)])
  private let left: Double
  private let top: Double
  private let right: Double
  private let bottom: Double
  private let legend: [(x: Double, y: Double)]
  var canvas: SVGCanvas

  /// The height of everything.
  var height: Double { bottom + 48 }

  /// Dashes of the series, so that colour alone tells nothing.
  private static let dashes: [String?] = [nil, "7 4", "2 3", "9 3 2 3"]
  private static let row = 19.0
  /// Rows of names of marked positions, and what such a name keeps from any other.
  private static let nameRow = 17.0

  init(plot: Plot, width: Double) {
    self.plot = plot
    canvas = SVGCanvas(width: width)
    let points = plot.series.flatMap(\.points)
    let spans = points.compactMap(\.span).flatMap { [$0.lowerBound, $0.upperBound] }
    x = Scale(points.map(\.x) + spans, isLogarithmic: plot.x.isLogarithmic)
    let heights = points.flatMap { point in
      [point.y] + (point.interval.map { [$0.lowerBound, $0.upperBound] } ?? [])
    }
    y = Scale(heights + plot.levels.map(\.value), isLogarithmic: plot.y.isLogarithmic)
    let rows = Self.labelled(y.ticks(width < 500 ? 4 : 5), plot.y)
    left = (rows.map { SVGCanvas.width(of: $0.text) }.max() ?? 0) + 14
    let names = plot.series.map(\.name)
    legend = Self.places(names, width: width)
    top = 18 + Self.row * ((legend.last?.y ?? -1) + 1) + Self.row
    bottom = top + (width < 500 ? 220 : 300)
    let columns = Self.columns(plot.x, x, width: width - left - 16)
    ticks = (columns, rows)
    let last = columns.last.map { SVGCanvas.width(of: $0.text) / 2 } ?? 0
    right = width - max(10, last)
  }

  /// Where the entries of the legend stand: `x` in units, `y` in rows.
  private static func places(_ names: [String], width: Double) -> [(x: Double, y: Double)] {
    var (x, y) = (4.0, 0.0)
    return names.map { name in
      let length = SVGCanvas.width(of: name) + 50
      if x > 4, x + length > width { (x, y) = (4, y + 1) }
      defer { x += length }
      return (x, y)
    }
  }

  /// Ticks with their texts, equal ones once.
  private static func labelled(
    _ values: [Double],
    _ axis: Plot.Axis
  ) -> [(value: Double, text: String)] {
    var found: [(value: Double, text: String)] = []
    for (value, text) in zip(values, axis.texts(values))
    where !found.contains(where: { $0.text == text }) { found.append((value, text)) }
    return found
  }

  /// As many ticks as have room beside each other; at the stops where the axis has some.
  private static func columns(
    _ axis: Plot.Axis,
    _ scale: Scale,
    width: Double
  ) -> [(value: Double, text: String)] {
    let stops = axis.stops.filter { $0 >= scale.low && $0 <= scale.high }
    let most = stops.isEmpty ? 6 : stops.count
    for count in stride(from: most, through: 2, by: -1) {
      let step = stops.isEmpty ? 1 : (stops.count + count - 1) / count
      let values =
        stops.isEmpty
        ? scale.ticks(count) : stops.indices.filter { $0 % step == 0 }.map { stops[$0] }
      let ticks = labelled(values, axis)
      let ends = ticks.map { tick in
        let middle = (scale.place(tick.value) ?? 0) * width
        let half = SVGCanvas.width(of: tick.text) / 2 + 5
        return (middle - half, middle + half)
      }
      if zip(ends, ends.dropFirst()).allSatisfy({ $0.1 <= $1.0 }) { return ticks }
    }
    return []
  }

  private func across(_ value: Double) -> Double? {
    x.place(value).map { left + $0 * (right - left) }
  }

  private func down(_ value: Double) -> Double? {
    y.place(value).map { top + (1 - $0) * (bottom - top) }
  }

  mutating func draw() {
    drawAxes()
    drawMarks()
    for (number, series) in plot.series.enumerated() { draw(series, number) }
    drawLegend()
  }

  private mutating func drawAxes() {
    for (value, text) in ticks.y {
      guard let place = down(value) else { continue }
      canvas.line(from: (left, place), to: (right, place), .grid)
      canvas.text(text, x: left - 8, y: place + 4.5, anchor: .end)
    }
    for (value, text) in ticks.x {
      guard let place = across(value) else { continue }
      canvas.line(from: (place, bottom), to: (place, bottom + 5))
      let half = SVGCanvas.width(of: text) / 2
      let middle = min(max(place, half), canvas.width - half)
      canvas.text(text, x: middle, y: bottom + 20, anchor: .middle)
    }
    canvas.rectangle(
      x: left,
      y: top,
      width: right - left,
      height: bottom - top,
      .axis,
      isFilled: false
    )
    let titles = [plot.y.title, plot.x.title].map { SVGCanvas.fitted($0, width: canvas.width - 8) }
    canvas.text(titles[0], x: 4, y: top - 14)
    canvas.text(titles[1], x: (left + right) / 2, y: bottom + 40, anchor: .middle)
  }

  /// Levels up and positions across that are marked, with their names where there is room.
  private mutating func drawMarks() {
    let taken = plot.levels.compactMap { level -> (end: Double, base: Double)? in
      guard let place = down(level.value) else { return nil }
      canvas.line(from: (left, place), to: (right, place), .text, dash: "6 3")
      let base = place - top < 30 ? place + 15 : place - 5
      canvas.text(level.name, x: left + 6, y: base)
      return (left + 6 + SVGCanvas.width(of: level.name) + 6, base)
    }
    var ends = [Double](repeating: -1, count: 4)
    for value in plot.marks {
      guard let place = across(value) else { continue }
      canvas.line(from: (place, top), to: (place, bottom), .axis, dash: "4 4")
      guard let name = plot.markName else { continue }
      let text = "\(name) \(plot.x.text(value, 3))"
      let length = SVGCanvas.width(of: text)
      let start = place + 4 + length > right ? place - 4 - length : place + 4
      let row = ends.indices.first { row in
        ends[row] < start
          && taken.allSatisfy { $0.end < start || abs($0.base - nameBase(row)) >= Self.nameRow }
      }
      guard let row else { continue }
      canvas.text(text, x: start, y: nameBase(row))
      ends[row] = start + length + 6
    }
  }

  /// The base line of the names of marked positions in a row, counted from below.
  private func nameBase(_ row: Int) -> Double { bottom - 8 - Self.nameRow * Double(row) }

  private mutating func draw(_ series: Plot.Series, _ number: Int) {
    let placed = series.points.compactMap { point -> (x: Double, y: Double, point: Plot.Point)? in
      guard let x = across(point.x), let y = down(point.y) else { return nil }
      return (x, y, point)
    }
    let isBand = series.isLine && placed.count > 1 && placed.allSatisfy { $0.point.interval != nil }
    if isBand { drawBand(placed.map { ($0.x, $0.point) }, number) }
    for (x, y, point) in placed {
      if !isBand, let interval = point.interval,
        let low = down(interval.lowerBound), let high = down(interval.upperBound)
      {
        canvas.line(from: (x, low), to: (x, high), .series(number), width: 1.5)
      }
      if let span = point.span, let low = across(span.lowerBound),
        let high = across(span.upperBound)
      {
        canvas.line(from: (low, y), to: (high, y), .series(number), width: 1.5)
      }
    }
    let ink = SVGCanvas.Ink.series(number)
    if series.isLine, placed.count > 1 {
      canvas.polyline(placed.map { ($0.x, $0.y) }, ink, dash: Self.dashes[number % 4])
    }
    for (x, y, point) in placed {
      canvas.mark(number, x: x, y: y, tip: plot.text(of: point, in: series))
    }
  }

  /// The area between the ends of all intervals.
  private mutating func drawBand(_ placed: [(x: Double, point: Plot.Point)], _ number: Int) {
    let upper = placed.compactMap { one in
      one.point.interval.flatMap { down($0.upperBound) }.map { (x: one.x, y: $0) }
    }
    let lower = placed.compactMap { one in
      one.point.interval.flatMap { down($0.lowerBound) }.map { (x: one.x, y: $0) }
    }
    canvas.polygon(upper + lower.reversed(), .series(number), opacity: 0.18)
  }

  private mutating func drawLegend() {
    for (number, (series, place)) in zip(plot.series, legend).enumerated() {
      let y = 14 + Self.row * place.y
      if series.isLine {
        let dash = Self.dashes[number % 4]
        canvas.line(
          from: (place.x, y - 4),
          to: (place.x + 28, y - 4),
          .series(number),
          width: 2,
          dash: dash
        )
      }
      canvas.mark(number, x: place.x + 14, y: y - 4)
      let most = canvas.width - place.x - 38
      canvas.text(SVGCanvas.fitted(series.name, width: most), x: place.x + 36, y: y)
    }
  }
}
