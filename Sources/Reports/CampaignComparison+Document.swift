// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations
import Quantities
package import Tuning

extension CampaignComparison {
  /// The comparison as a document: the largest changes first, then a table and a picture a response, of all
  /// responses or of `only` some.
  package func document(title: String, only: [Response] = []) -> Document {
    let shown = only.isEmpty ? Response.allCases : only
    var sections = [moversSection(shown)]
    for response in shown {
      let own = rows.filter { $0.response == response }
      guard !own.isEmpty else { continue }
      var blocks: [Document.Block] = [.table(table(own, response), caption: caption(response))]
      if let picture = picture(own, response) { blocks.append(.picture(picture)) }
      sections.append(
        Document.Section(
          id: response.rawValue.replacing("_", with: "-"),
          title: response.title,
          blocks: blocks
        )
      )
    }
    let noun = axis == .campaign ? "campaigns" : "\(axis.rawValue)s"
    let rest = unpaired == 0 ? "" : "; \(unpaired) runs have no pair on every side"
    return Document(
      title: title,
      subtitle:
        "\(sides.count) \(noun), each held against \(sides[0]), paired by everything else, seeds included"
        + rest,
      sections: sections
    )
  }

  /// The picture of a response as a file of SVG; nil where there is nothing to draw.
  package func svg(of response: Response) -> String? {
    let own = rows.filter { $0.response == response }
    guard case .plot(let plot) = picture(own, response)?.drawing else { return nil }
    return plot.svg()
  }

  private func caption(_ response: Response) -> String {
    let change = response.unit == .nanoseconds ? "the factor" : "the difference"
    return
      "The mean of each side, and \(change) from \(sides[0]) where its 95 % interval leaves out no change and it is at least 1 % or half a point"
  }

  private func moversSection(_ shown: [Response]) -> Document.Section {
    let clear = movers(.max).filter { shown.contains($0.row.response) }
    guard !clear.isEmpty else {
      let sentence =
        "No change is clear and at least 1 % or half a point: every 95 % interval holds that nothing changed, "
        + "or the change is smaller, or there is one pair each."
      return Document.Section(id: "movers", title: "Largest changes", blocks: [.lead(sentence)])
    }
    var table = TextTable(
      columns: [
        .init(axis == .campaign ? "campaign" : axis.rawValue), .init("what"), .init("response"),
        .init("first", isNumber: true), .init("here", isNumber: true),
        .init("change", isNumber: true),
      ]
    )
    for mover in clear.prefix(12) {
      let response = mover.row.response
      table.append(
        [
          mover.side, mover.row.subject, response.title,
          mover.row.cells[0].map { response.text($0.mean) } ?? "-", response.text(mover.cell.mean),
          Self.change(mover.cell, response),
        ]
      )
    }
    return Document.Section(
      id: "movers",
      title: "Largest changes",
      blocks: [
        .table(
          table,
          caption:
            "Where each row changed most: changes of at least 1 % or half a point whose 95 % interval leaves out none"
        )
      ]
    )
  }

  private func table(_ rows: [Row], _ response: Response) -> TextTable {
    var table = TextTable(columns: [.init("")] + sides.map { .init($0, isNumber: true) })
    for row in rows {
      table.append(
        [row.subject]
          + row.cells.map { cell in
            guard let cell else { return "-" }
            let value = response.text(cell.mean)
            return cell.isNotable(response) ? "\(value) (\(Self.change(cell, response)))" : value
          }
      )
    }
    return table
  }

  /// The change of a cell with its interval, such as `x0.62` or `+12 points`.
  private static func change(_ cell: Cell, _ response: Response) -> String {
    guard let change = cell.change else { return "" }
    switch response.unit {
    case .nanoseconds: return "x" + significant(change, digits: 3)
    case .share: return (change >= 0 ? "+" : "") + significant(change * 100, digits: 3) + " points"
    case .count: return (change >= 0 ? "+" : "") + significant(change, digits: 3)
    }
  }

  /// The rows over the sides; nil where a table is enough.
  private func picture(_ rows: [Row], _ response: Response) -> Picture? {
    guard sides.count > 2 else { return nil }
    let isFactor = response.unit == .nanoseconds
    let moved = rows.filter { row in row.cells.contains { $0?.isNotable(response) ?? false } }
    guard !moved.isEmpty else { return nil }
    let names = sides
    var x = Plot.Axis(title: axis.rawValue) { value, _ in
      let place = Int(value.rounded())
      return names.indices.contains(place) ? names[place] : ""
    }
    x.stops = sides.indices.map(Double.init)
    let y = Plot.Axis(
      title: isFactor ? "\(response.title), as a factor of \(sides[0])" : response.title,
      isLogarithmic: isFactor
    ) { value, digits in
      isFactor ? "x" + significant(value, digits: digits) : response.text(value)
    }
    let series = moved.map { row in
      Plot.Series(
        name: row.subject,
        points: row.cells.enumerated().compactMap { place, cell in
          guard let cell else { return nil }
          guard isFactor else { return Plot.Point(x: Double(place), y: cell.mean) }
          guard let change = place == 0 ? 1 : cell.change else { return nil }
          let interval = cell.low.flatMap { low in cell.high.map { low...max(low, $0) } }
          return Plot.Point(x: Double(place), y: change, interval: interval)
        }
      )
    }
    let plot = Plot(title: "\(response.title) over \(axis.rawValue)", x: x, y: y, series: series)
    let words = moved.map { row in
      "\(row.subject): "
        + zip(sides, row.cells).map { side, cell in
          "\(side) \(cell.map { response.text($0.mean) } ?? "-")"
        }.joined(separator: ", ")
    }
    return Picture(.plot(plot), alternative: words.joined(separator: "; "))
  }
}
