// SPDX-License-Identifier: GPL-3.0-or-later

package import Calibration
import Quantities

extension HostFit {
  /// Outliers that are printed by name.
  private static let namedOutliers = 8
  /// How far a cost may lie from the base's before that is said.
  private static let farFactor = 10.0

  /// The fit as text: costs, how predictions lie to what was measured, what to measure next.
  package func text(
    base: String,
    passedOver: [String],
    next: [NextMeasurement],
    output: String?
  ) -> String {
    var parts = ["\(base), calibrated from \(residuals.count) measured values\n"]
    parts.append(costs.text())
    parts.append(sources.text())
    let outliers = residuals.filter(\.isOutlier)
    let named = outliers.sorted { $0.error.magnitude > $1.error.magnitude }
      .prefix(Self.namedOutliers).map { residual in
        "\(residual.sample.id): measured \(written(residual.sample.measured, residual)), predicted "
          + "\(written(residual.predicted, residual)); it counted less"
      }
    let more = outliers.count - named.count
    let together = parameters.filter { !$0.standing.others.isEmpty }.map {
      "\($0.key) is told only together with \($0.standing.others.joined(separator: ", "))"
    }
    let far = parameters.compactMap { parameter -> String? in
      guard let base = parameter.base, base > 0 else { return nil }
      let factor = parameter.fitted / base
      guard factor > Self.farFactor || factor < 1 / Self.farFactor,
        parameter.standing == .measured
      else { return nil }
      return
        "\(parameter.key) is \(significant(factor, digits: 2)) times the base's: another machine, or a cost "
        + "that the model has not"
    }
    let paragraphs = [
      Paragraph(label: "far", sentences: far),
      Paragraph(label: "outliers", sentences: named + (more > 0 ? ["and \(more) more"] : [])),
      Paragraph(label: "together", sentences: together),
      Paragraph(label: "passed", sentences: passedOver),
      Paragraph(
        label: "next",
        sentences: next.isEmpty
          ? ["no value moves the operation's time by a hundredth within its uncertainty"]
          : next.map {
            "\($0.key) may be off by \(percent($0.spread)), which moves the operation's time by "
              + "\(percent($0.effect)): \($0.command)"
          }
      ),
      Paragraph(
        label: "file",
        sentences: output.map { ["\($0) has \(written.count) values, the rest is \(base)'s"] }
          ?? ["-o hosts/mine.yaml writes the profile, for --host mine"]
      ),
    ]
    parts.append(paragraphs.flatMap { $0.lines() }.joined(separator: "\n") + "\n")
    return parts.joined(separator: "\n")
  }

  private var costs: TextTable {
    var table = TextTable(columns: [
      .init("key"), .init("base", isNumber: true), .init("fitted", isNumber: true),
      .init("error", isNumber: true), .init("told by the files"),
    ])
    for parameter in parameters {
      table.append([
        parameter.key, parameter.base.map { significant($0, digits: 4) + " ns" } ?? "-",
        significant(parameter.fitted, digits: 4) + " ns", percent(parameter.spread),
        parameter.standing.word,
      ])
    }
    return table
  }

  /// Residuals by source: how many, how far off in the middle, for nine of ten, and at most.
  private var sources: TextTable {
    var table = TextTable(columns: [
      .init("fitted on"), .init("values", isNumber: true), .init("middle", isNumber: true),
      .init("9 of 10", isNumber: true), .init("largest", isNumber: true), .init("which"),
    ])
    let names = residuals.map(\.sample.source).reduce(into: [String]()) { found, name in
      if !found.contains(name) { found.append(name) }
    }
    for name in names {
      let own = residuals.filter { $0.sample.source == name }.sorted {
        $0.error.magnitude < $1.error.magnitude
      }
      guard let last = own.last else { continue }
      table.append([
        name, "\(own.count)", percent(own[own.count / 2].error.magnitude),
        percent(own[own.count * 9 / 10].error.magnitude), percent(last.error.magnitude),
        last.sample.id,
      ])
    }
    return table
  }

  private func percent(_ share: Double) -> String { significant(100 * share, digits: 2) + " %" }

  private func written(_ value: Double, _ residual: Residual) -> String {
    residual.sample.isTime ? time(nanoseconds: value) : significant(value, digits: 3)
  }
}
