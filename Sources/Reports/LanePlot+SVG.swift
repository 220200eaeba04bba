// SPDX-License-Identifier: GPL-3.0-or-later

extension LanePlot {
  /// The plot as an SVG element; `label` says in words what it shows.
  ///
  /// A lane's name stands beside it, or above it where the drawing is narrow.
  func drawing(width: Double, label: String) -> String {
    let frame = LaneFrame(width: width, panels: panels.count, lanes: lanes.count)
    var canvas = SVGCanvas(width: width)
    for (number, panel) in panels.enumerated() {
      let top = frame.top(of: number)
      canvas.text(panel.name, x: 4, y: top + 14, isBold: true)
      for place in lanes.indices { draw(place, of: panel, frame, top, &canvas) }
      drawAxis(frame, frame.bottom(of: number), &canvas)
    }
    return canvas.element(height: frame.height, label: label)
  }

  /// Where the lanes of a drawing lie, for whoever puts something over them.
  func frame(width: Double) -> (left: Double, right: Double) {
    let frame = LaneFrame(width: width, panels: panels.count, lanes: lanes.count)
    return (frame.left, frame.right)
  }

  private func draw(
    _ place: Int,
    of panel: Panel,
    _ frame: LaneFrame,
    _ top: Double,
    _ canvas: inout SVGCanvas
  ) {
    let lane = lanes[place]
    let y = frame.lane(place, below: top)
    let name = "\(lane.name), \(reach(place))"
    if frame.isNarrow {
      canvas.text(SVGCanvas.fitted(name, width: frame.width - 8), x: 4, y: y - 4)
    } else {
      let most = frame.left - 14
      canvas.text(SVGCanvas.fitted(lane.name, width: most), x: 4, y: y + 12)
      canvas.text(SVGCanvas.fitted(reach(place), width: most), x: 4, y: y + 27)
    }
    let end = y + frame.laneHeight
    canvas.line(from: (frame.left, end), to: (frame.right, end), .grid)
    let path = path(panel.values[place], lane, frame, from: y)
    if !path.isEmpty { canvas.area(path, .series(place)) }
  }

  /// The area under a lane's values, steps of less than a unit put together by their largest, so that
  /// what is short is still seen.
  private func path(
    _ values: [Double],
    _ lane: Lane,
    _ frame: LaneFrame,
    from y: Double
  ) -> String {
    let room = frame.right - frame.left
    let gather = max(1, Int((Double(values.count) / room).rounded(.up)))
    let shown = stride(from: 0, to: values.count, by: gather).map { first in
      values[first..<min(values.count, first + gather)].max() ?? 0
    }
    let step = room / Double(max(1, shown.count))
    let floor = y + frame.laneHeight
    var parts: [String] = []
    var height = 0.0
    for (place, value) in shown.enumerated() {
      let share = min(max(value / lane.top, 0), 1)
      let next = share > 0 ? max(1, (share * frame.laneHeight * 2).rounded() / 2) : 0
      guard next != height else { continue }
      let x = decimal(frame.left + Double(place) * step)
      if height == 0 { parts.append("M\(x) \(decimal(floor))") } else { parts.append("H\(x)") }
      parts.append("V\(decimal(floor - next))")
      if next == 0 { parts.append("Z") }
      height = next
    }
    if height > 0 { parts.append("H\(decimal(frame.right))V\(decimal(floor))Z") }
    return parts.joined()
  }

  private func drawAxis(_ frame: LaneFrame, _ y: Double, _ canvas: inout SVGCanvas) {
    let ticks = frame.isNarrow ? 3 : 6
    canvas.line(from: (frame.left, y), to: (frame.right, y))
    for tick in 0...ticks {
      let share = Double(tick) / Double(ticks)
      let x = frame.left + share * (frame.right - frame.left)
      let text = time(nanoseconds: start + share * Double(count) * step)
      canvas.line(from: (x, y), to: (x, y + 5))
      let half = SVGCanvas.width(of: text) / 2
      canvas.text(
        text,
        x: min(max(x, half), frame.width - half),
        y: y + 20,
        anchor: .middle
      )
    }
  }
}

/// Where the panels and lanes of a drawing lie.
private struct LaneFrame {
  let width: Double
  let panels: Int
  let lanes: Int

  var isNarrow: Bool { width < 500 }
  var left: Double { isNarrow ? 4 : 190 }
  var right: Double { width - 12 }
  var laneHeight: Double { isNarrow ? 22 : 30 }
  /// From one lane to the next.
  private var pitch: Double { isNarrow ? 46 : 38 }
  private var panelHeight: Double { 24 + Double(lanes) * pitch + 32 }
  var height: Double { Double(panels) * panelHeight }

  func top(of panel: Int) -> Double { Double(panel) * panelHeight }
  func bottom(of panel: Int) -> Double { top(of: panel) + 24 + Double(lanes) * pitch + 4 }
  func lane(_ place: Int, below top: Double) -> Double {
    top + 24 + Double(place) * pitch + (isNarrow ? 20 : 4)
  }
}
