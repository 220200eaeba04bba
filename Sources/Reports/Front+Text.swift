// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Profiles
import Search
package import Tuning

extension FrontAnswer {
  /// The front as text: a plot of its first two objectives, a table of all, and the knee.
  package func text(_ context: AnswerContext) -> String {
    var lines = Paragraph.wrapped(context.heading, width: Paragraph.width)
    lines.append("")
    if points.count > 1 { lines += split(plot().text()) }
    lines += split(table { response, value in response.text(value) }.text())
    let basis = "\(runs) runs, ended by \(stop.rawValue); \(context.provenance)"
    for paragraph in [
      Paragraph(label: "knee", sentences: [kneeSentence]),
      context.tested,
      Paragraph(label: "basis", sentences: [basis]),
    ] {
      lines += paragraph.lines()
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The front as CSV: units in the header, values as numbers.
  package func csv() -> String {
    var table = TextTable(
      columns: [.init("policy"), .init("knee")]
        + objectives.map { .init($0.rawValue, isNumber: true) }
    )
    for point in points {
      table.append([point.policy, point.isKnee ? "1" : "0"] + point.values.map { "\($0)" })
    }
    return table.csv()
  }

  private func split(_ text: String) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  /// The policy that gives up least for what it gains.
  var kneeSentence: String {
    let knee = points.first(where: \.isKnee)
    return knee.map { "\($0.policy): gives up least for what it gains" } ?? "the front is empty"
  }

  /// The front and what an answer weighed, which has intervals; nil of a front without points.
  func plot(beside answer: Recommendation) -> Plot? {
    guard !points.isEmpty, objectives.count > 1 else { return nil }
    var plot = plot()
    for row in answer.rows {
      let values = objectives.prefix(2).map { response in
        row.effects.first { $0.response == response }?.simulated
      }
      guard let x = values[0], let y = values[1] else { continue }
      let point = Plot.Point(
        x: x.value,
        y: y.value,
        interval: y.low < y.high ? y.low...y.high : nil,
        span: x.low < x.high ? x.low...x.high : nil
      )
      let name = row.isRecommended && row.role != .now ? "recommended" : row.role.rawValue
      plot.series.append(Plot.Series(name: name, points: [point], isLine: false))
    }
    return plot
  }

  func table(_ written: (Response, Double) -> String) -> TextTable {
    var table = TextTable(
      columns: [.init("")] + objectives.map { .init($0.title, isNumber: true) } + [.init("policy")]
    )
    for point in points {
      let values = zip(objectives, point.values).map(written)
      table.append([point.isKnee ? "knee" : ""] + values + [point.policy])
    }
    return table
  }

  func plot() -> Plot {
    let axes = objectives.prefix(2).map { response in
      let values = points.map { $0.values[objectives.firstIndex(of: response) ?? 0] }
      let spread = (values.max() ?? 1) / max(values.min() ?? 1, .leastNormalMagnitude)
      let isWide = response.unit == .nanoseconds && values.allSatisfy { $0 > 0 } && spread > 8
      return Plot.Axis(title: response.title, isLogarithmic: isWide) {
        response.text($0, digits: $1)
      }
    }
    func dots(_ isKnee: Bool) -> [Plot.Point] {
      points.filter { $0.isKnee == isKnee }.map { Plot.Point(x: $0.values[0], y: $0.values[1]) }
    }
    return Plot(
      title: "\(objectives[1].title) against \(objectives[0].title)",
      x: axes[0],
      y: axes[1],
      series: [
        Plot.Series(name: "front", points: dots(false), isLine: false),
        Plot.Series(name: "knee", points: dots(true), isLine: false),
      ]
    )
  }
}
