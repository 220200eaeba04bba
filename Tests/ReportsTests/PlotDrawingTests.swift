// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Randomness
import TestSupport
import Testing

@testable import Reports

/// A plot by chance, some of whose points cannot be drawn.
private func plot(_ chance: inout Randomness.Stream) -> Plot {
  let (isWide, isHigh) = (chance.uniform() < 0.5, chance.uniform() < 0.5)
  func value(_ isLogarithmic: Bool) -> Double {
    if chance.uniform() < 0.1 { return [.nan, .infinity, 0, -3][Int(chance.uniform(below: 4))] }
    return isLogarithmic ? exp2(chance.uniform() * 40) : 200 * chance.uniform() - 50
  }
  let series = (0...chance.uniform(below: 4)).map { index in
    let points = (0..<chance.uniform(below: 12)).map { _ in
      let y = value(isHigh)
      let isWhole = chance.uniform() < 0.5 || !y.isFinite
      return Plot.Point(x: value(isWide), y: y, interval: isWhole ? nil : (y - abs(y))...(y + 1))
    }
    return Plot.Series(name: "s<\(index)>", points: points, isLine: chance.uniform() < 0.7)
  }
  func axis(_ title: String, _ isLogarithmic: Bool) -> Plot.Axis {
    Plot.Axis(title: title, isLogarithmic: isLogarithmic) { value, digits in
      time(nanoseconds: value, digits: digits)
    }
  }
  var plot = Plot(
    title: "a & b",
    x: axis("\"x\" [ns]", isWide),
    y: axis("y > 0", isHigh),
    series: series
  )
  plot.marks = [value(isWide), value(isWide)]
  return plot
}

extension Plot {
  /// Whether a point has a place on both axes.
  fileprivate func isDrawn(_ point: Point) -> Bool {
    let isRight = point.x.isFinite && (!x.isLogarithmic || point.x > 0)
    return isRight && point.y.isFinite && (!y.isLogarithmic || point.y > 0)
  }
}

@Suite struct PlotDrawingTests {
  @Test(arguments: Property.seeds(40))
  func everyPictureIsXMLAndEveryPointLiesInItsFrame(seed: UInt64) {
    var chance = Seed(seed).stream("svg")
    let plot = plot(&chance)
    let elements = XMLPage(plot.svg())
    #expect(elements.isWellFormed && elements.elements.first?.name == "svg", "S2TUNE_SEED=\(seed)")
    #expect(elements.text.contains("a & b") && elements.text.contains("\"x\" [ns]"))
    let drawn = plot.series.flatMap(\.points).count(where: plot.isDrawn)
    let marks = elements.elements.filter { $0.attributes["class"]?.hasPrefix("point ") == true }
    #expect(marks.count == drawn + plot.series.count, "S2TUNE_SEED=\(seed)")
    // Every mark and every text begins within the drawing.
    let size = (elements.elements.first?.attributes["viewBox"] ?? "").split(separator: " ")
      .compactMap { Double($0) }
    #expect(size.count == 4 && size[2] == 720)
    for name in ["cx", "x", "x1", "x2"] {
      #expect(
        elements.elements.allSatisfy { one in
          one.attributes[name].flatMap(Double.init).map { (0...size[2]).contains($0) } ?? true
        }
      )
    }
    for name in ["cy", "y", "y1", "y2"] {
      #expect(
        elements.elements.allSatisfy { one in
          one.attributes[name].flatMap(Double.init).map { (0...size[3]).contains($0) } ?? true
        }
      )
    }
    let lines = plot.series.count { $0.isLine && $0.points.count(where: plot.isDrawn) > 1 }
    #expect(elements.elements.count { $0.name == "polyline" } == lines)
    for line in elements.elements where line.name == "polyline" {
      let places = (line.attributes["points"] ?? "").split(separator: " ")
      for place in places {
        let numbers = place.split(separator: ",").compactMap { Double($0) }
        #expect(numbers.count == 2 && (0...size[2]).contains(numbers[0]))
        #expect((0...size[3]).contains(numbers[1]))
      }
    }
  }

  /// The same picture has the same bytes, and no number in it is anything but a number.
  @Test(arguments: Property.seeds(10))
  func aPictureHoldsOnlyNumbers(seed: UInt64) {
    var (first, second) = (Seed(seed).stream("bytes"), Seed(seed).stream("bytes"))
    let svg = plot(&first).svg()
    #expect(svg == plot(&second).svg())
    #expect(!svg.contains("nan") && !svg.contains("inf"))
    #expect(!svg.contains("<script") && !svg.contains("href"))
  }

  /// Where a value lands, by the rule of three.
  private func place(_ value: Double, _ values: [Double], _ isLogarithmic: Bool) -> Double {
    let scaled = isLogarithmic ? values.map { log($0) } : values
    let (low, high) = (scaled.min() ?? 0, scaled.max() ?? 1)
    return ((isLogarithmic ? log(value) : value) - low) / (high - low)
  }

  @Test(arguments: Property.seeds(40))
  func everyPointStandsInItsCellOfTheCharacters(seed: UInt64) {
    var chance = Seed(seed).stream("characters")
    var plot = plot(&chance)
    plot.marks = []
    let (width, height) = (20 + Int(chance.uniform(below: 60)), 4 + Int(chance.uniform(below: 20)))
    let lines = plot.text(width: width, height: height).split(
      separator: "\n",
      omittingEmptySubsequences: false
    )
    #expect(lines.count == 2 + height + 2 + plot.series.count + 1)
    let all = plot.series.flatMap(\.points)
    let across = all.map(\.x).filter { $0.isFinite && (!plot.x.isLogarithmic || $0 > 0) }
    let up = all.map(\.y).filter { $0.isFinite && (!plot.y.isLogarithmic || $0 > 0) }
    guard Set(across).count > 1, Set(up).count > 1 else { return }
    var grid = Array(repeating: Array(repeating: Character(" "), count: width), count: height)
    for (index, series) in plot.series.enumerated() {
      for point in series.points where plot.isDrawn(point) {
        let right = place(point.x, across, plot.x.isLogarithmic) * Double(width - 1)
        let above = place(point.y, up, plot.y.isLogarithmic) * Double(height - 1)
        // A place halfway between two cells may fall into either.
        guard abs(right - right.rounded()) < 0.499, abs(above - above.rounded()) < 0.499 else {
          return
        }
        grid[height - 1 - Int(above.rounded())][Int(right.rounded())] = Array("ox+*#@")[index]
      }
    }
    for (row, line) in grid.enumerated() {
      let inside = line.reversed().drop { $0 == " " }.reversed()
      let drawn = lines[2 + row].split(separator: "|", omittingEmptySubsequences: false).last ?? ""
      #expect(String(drawn) == String(inside), "S2TUNE_SEED=\(seed), row \(row)")
    }
  }

  /// Names of levels and of marked positions keep from each other wherever both are, on a narrow page.
  @Test(arguments: Property.seeds(60))
  func namesOfMarksAndLevelsDoNotOverlap(seed: UInt64) {
    var chance = Seed(seed).stream("names")
    let axis = Plot.Axis(title: "t") { value, _ in "\(Int(value))" }
    let points = [Plot.Point(x: 0, y: 0), Plot.Point(x: 100, y: 100)]
    var plot = Plot(title: "top", x: axis, y: axis, series: [.init(name: "one", points: points)])
    plot.markName = "a flip"
    plot.marks = (0..<3).map { _ in 100 * chance.uniform() }
    plot.levels = [.init(name: "io.goodput>=0.95", value: 100 * chance.uniform())]
    let texts = plot.svg(width: 340).matches(
      of: /<text x="([\d.]+)" y="([\d.]+)"[^>]*>(a flip[^<]*|io\.goodput[^<]*)</
    ).map { match in
      let (x, y) = (Double(match.1) ?? .nan, Double(match.2) ?? .nan)
      let name = String(match.3).replacing("&gt;", with: ">")
      return (left: x, right: x + SVGCanvas.width(of: name), y: y)
    }
    #expect(texts.count > 1)
    for (index, one) in texts.enumerated() {
      for other in texts[(index + 1)...] where abs(one.y - other.y) < 14 {
        #expect(one.right < other.left || other.right < one.left, "S2TUNE_SEED=\(seed)")
      }
    }
  }

  @Test func theFrameIsAsWideAsItIsAskedToBeAndMarksCrossIt() {
    let axis = Plot.Axis(title: "t") { value, _ in "\(Int(value))" }
    let points = [Plot.Point(x: 0, y: 0), Plot.Point(x: 10, y: 100)]
    var plot = Plot(title: "top", x: axis, y: axis, series: [.init(name: "one", points: points)])
    plot.marks = [5, .nan]
    #expect(
      plot.text(width: 11, height: 4) == """
        top
        t
        100 |     |    o
            |     |
            |     |
          0 |o    |
            +-----------
             0        10  t
             o one

        """
    )
  }
}

/// The mapping from values to places.
@Suite struct ScaleTests {
  @Test(arguments: Property.seeds(30), [false, true])
  func placesAreInOrderAndTheEndsAreTheEnds(seed: UInt64, isLogarithmic: Bool) {
    var chance = Seed(seed).stream("scale")
    let values = (0..<20).map { _ in
      isLogarithmic ? exp2(chance.uniform() * 60 - 20) : 100 * chance.normal()
    }.sorted()
    let scale = Scale(values + [.nan, .infinity], isLogarithmic: isLogarithmic)
    let places = values.compactMap { scale.place($0) }
    #expect(places.count == 20 && places == places.sorted())
    #expect(places.first == 0 && places.last == 1, "S2TUNE_SEED=\(seed)")
    let ticks = scale.ticks(5)
    #expect(ticks.count == 5 && ticks[0] == scale.low && ticks == ticks.sorted())
    for (tick, expected) in zip(ticks, [0, 0.25, 0.5, 0.75, 1]) {
      #expect(abs((scale.place(tick) ?? .nan) - expected) < 1e-9, "S2TUNE_SEED=\(seed)")
    }
  }

  @Test func whatCannotBeDrawnHasNoPlaceAndWhatIsOutsideStandsAtTheEdge() {
    let (plain, wide) = (
      Scale([0, 10], isLogarithmic: false), Scale([1, 10], isLogarithmic: true)
    )
    for value in [Double.nan, .infinity, -.infinity] {
      #expect(plain.place(value) == nil && wide.place(value) == nil)
    }
    #expect(wide.place(0) == nil && wide.place(-1) == nil && plain.place(-1) == 0)
    #expect(plain.place(11) == 1 && wide.place(100) == 1 && wide.place(0.5) == 0)
  }

  @Test(
    arguments: [
      ([], false, 0, 1), ([], true, 1, 10), ([0, 0], false, 0, 1), ([4], false, 0, 4),
      ([-4], false, -4, 0), ([4], true, 2, 8), ([-1, 0], true, 1, 10), ([.nan, 3], false, 0, 3),
    ] as [([Double], Bool, Double, Double)]
  )
  func aScaleAlwaysHasRoom(values: [Double], isLogarithmic: Bool, low: Double, high: Double) {
    let scale = Scale(values, isLogarithmic: isLogarithmic)
    #expect(scale.low == low && scale.high == high)
  }
}
