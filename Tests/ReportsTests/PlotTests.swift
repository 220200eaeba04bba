// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Profiles
import TestSupport
import Testing

@testable import Reports

/// A sweep over sizes from 4 KiB to 1 GiB with an interval and a mark.
private var sweep: Plot {
  let sizes = stride(from: 12, through: 30, by: 3).map { Double(1 << $0) }
  var plot = Plot(
    title: "goodput <during> teardown",
    x: .init(title: "chunk [bytes]", isLogarithmic: true) { bytes, _ in "\(Int(bytes) >> 10)K" },
    y: .init(title: "goodput [share]") { share, _ in String(format: "%.2f", share) },
    series: [
      .init(
        name: "predicted",
        points: sizes.enumerated().map { index, size in
          let y = 1 - Double(index) / 10
          return .init(x: size, y: y, interval: (y - 0.05)...(y + 0.05))
        }
      ),
      .init(name: "simulated", points: [.init(x: sizes[2], y: 0.75)], isLine: false),
    ]
  )
  plot.marks = [sizes[3]]
  return plot
}

@Suite struct PlotTests {
  @Test func textPlotIsGolden() { Golden.check(sweep.text(), "reports/sweep.txt") }

  @Test func svgIsGolden() { Golden.check(sweep.svg(), "reports/sweep.svg") }

  @Test func svgIsWellFormed() {
    let parser = WellFormed(sweep.svg())
    #expect(parser.isWellFormed)
    // A series of seven dots and one of one square, and one of each in the legend.
    #expect(parser.names["circle"] == 7 + 1 && parser.names["rect"] == 1 + 1 + 1)
    #expect(!WellFormed("<svg><line></svg>").isWellFormed)
  }

  /// Values that lie close together get labels that differ, and no more digits than that takes.
  @Test(arguments: [
    (Response.goodputRetained, 0.9990, 0.9996, ["99.9 %", "99.96 %"]),
    (.goodputRetained, 0.01, 0.99, ["1 %", "99 %"]),
    (.teardownTime, 71.30e9, 71.34e9, ["71.3 s", "71.34 s"]),
    (.connectsFailed, 1000.2, 1000.4, ["1000.2", "1000.4"]),
  ])
  func axisLabelsDiffer(response: Response, low: Double, high: Double, expected: [String]) {
    let axis = Plot.Axis(title: "") { response.text($0, digits: $1) }
    #expect(axis.texts([low, high]) == expected)
    var plot = Plot(title: "", x: axis, y: axis, series: [])
    plot.series = [.init(name: "", points: [low, high].map { .init(x: $0, y: $0) })]
    for label in expected { #expect(plot.text().contains("\(label) |")) }
  }

  /// A flat share is drawn between nothing and itself, never at over a whole.
  @Test func aFlatAxisReachesToZero() {
    var plot = sweep
    plot.series = [.init(name: "flat", points: [.init(x: 1, y: 1), .init(x: 2, y: 1)])]
    #expect(plot.text().contains("1.00 |") && plot.text().contains("0.00 |"))
    #expect(!plot.text().contains("1.50"))
  }

  @Test func valuesThatCannotBeDrawnAreLeftOut() {
    var plot = sweep
    plot.series = [.init(name: "odd", points: [.init(x: 0, y: 1), .init(x: 8, y: .nan)])]
    #expect(!plot.svg().contains("nan"))
    plot.series = []
    #expect(plot.text().contains("chunk"))
  }
}

/// Whether an XML text closes what it opens, and how often each element occurs in it.
private struct WellFormed {
  var isWellFormed = true
  var names: [String: Int] = [:]

  init(_ text: String) {
    var open: [Substring] = []
    for part in text.split(separator: "<").dropFirst(text.hasPrefix("<") ? 0 : 1) {
      guard let end = part.firstIndex(of: ">") else {
        isWellFormed = false
        return
      }
      let tag = part[..<end]
      if tag.hasPrefix("/") {
        if open.popLast() != tag.dropFirst() { isWellFormed = false }
      } else {
        let name = tag.prefix { $0.isLetter }
        names[String(name), default: 0] += 1
        if !tag.hasSuffix("/") { open.append(name) }
      }
    }
    isWellFormed = isWellFormed && open.isEmpty
  }
}
