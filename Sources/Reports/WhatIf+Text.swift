// SPDX-License-Identifier: GPL-3.0-or-later

import CostModels
import Observations
import Profiles
package import Tuning

extension WhatIfAnswer {
  /// The answer as text: one policy beside the present one, or a table and, for a sweep, a plot.
  package func text(_ context: AnswerContext) -> String {
    var lines = Paragraph.wrapped(context.heading, width: Paragraph.width)
    lines.append("")
    if swept == nil, points.count == 1, let point = points.first {
      lines += single(point)
    } else {
      lines += table().text().split(separator: "\n", omittingEmptySubsequences: false)
        .map(String.init)
      lines += plots()
    }
    lines += explanationLines()
    for paragraph in paragraphs(context) { lines += paragraph.lines() }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The present policy and the one asked about, one above the other.
  private func single(_ point: WhatIfPoint) -> [String] {
    var table = TextTable(
      columns: [.init(""), .init("policy")] + responses.map { .init($0.title, isNumber: true) }
    )
    for (name, row) in [("now", present), ("asked", point)] {
      table.append([name, row.policy] + responses.map { row.cell($0) })
    }
    return table.text().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  /// One row a case: every response with its interval, the limits, safety and where it comes from.
  func table() -> TextTable {
    var table = TextTable(
      columns: [.init("case")] + responses.map { .init($0.title, isNumber: true) }
        + [.init("limits"), .init("safe"), .init("from")]
    )
    for point in [present] + points {
      let row = [point.label == best ? point.label + " *" : point.label]
      table.append(
        row + responses.map { point.cell($0) }
          + [point.limitsWord, point.safety.isSafe ? "yes" : "NO", point.origin]
      )
    }
    return table
  }

  var responses: [Response] { present.effects.map(\.response) }

  /// A plot of the objective, and one of the first response that a limit bounds.
  private func plots() -> [String] {
    drawings().flatMap { plot in
      plot.text().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
  }

  /// The plots of a sweep; none of a comparison.
  func drawings() -> [Plot] {
    guard let swept, points.count > 2 else { return [] }
    let bounded = responses.dropFirst().first { response in
      limits.contains { limit in
        Metric.allCases.contains { limit.hasPrefix($0.rawValue) && $0.response == response }
      }
    }
    return [objective.response, bounded].compactMap { $0 }.map { plot($0, swept) }
  }

  /// A response over the swept values; words stand at equal distances.
  private func plot(_ response: Response, _ swept: String) -> Plot {
    let positions = points.enumerated().map { place, point in
      point.position ?? Double(place)
    }
    let labels = points.map { String($0.label.drop { $0 != "=" }.dropFirst()) }
    let isLogarithmic = positions.allSatisfy { $0 > 0 } && (positions.last ?? 0) > 8 * positions[0]
    let drawn = zip(positions, points).compactMap { position, point in
      point.value(of: response).map { value in
        Plot.Point(x: position, y: value, interval: point.interval(of: response))
      }
    }
    let isTime = response.unit == .nanoseconds && drawn.allSatisfy { $0.y > 0 }
    var plot = Plot(
      title: "\(response.title) over \(swept)",
      x: Plot.Axis(title: swept, isLogarithmic: isLogarithmic) { value, _ in
        let place = positions.indices.min {
          abs(positions[$0] - value) < abs(positions[$1] - value)
        }
        return place.map { labels[$0] } ?? ""
      },
      y: Plot.Axis(title: response.title, isLogarithmic: isTime) {
        response.text($0, digits: $1)
      },
      series: [Plot.Series(name: response.title, points: drawn)]
    )
    plot.x.stops = positions
    plot.markName = "a flip"
    plot.levels = limits.compactMap { limit in
      guard let level = try? ServiceLevel(parsing: limit), level.metric.response == response
      else { return nil }
      return level.limit(baseline: nil).map { Plot.Level(name: limit, value: $0) }
    }
    plot.marks = flips.compactMap { flip in
      points.firstIndex { $0.label == flip.from }.map { positions[$0] }
    }
    return plot
  }

  func paragraphs(_ context: AnswerContext) -> [Paragraph] {
    [
      Paragraph(label: "limits", sentences: limitSentences),
      Paragraph(label: "samples", sentences: sampleSentences),
      Paragraph(label: "idle", sentences: idleSentences),
      Paragraph(label: "flips", sentences: flips.map { "\($0.from): \($0.sentence)" }),
      Paragraph(label: "best", sentences: bestSentences),
      Paragraph(label: "safe", sentences: safetySentences),
      Paragraph(label: "terms", sentences: explanationSentences),
      context.tested,
      Paragraph(label: "basis", sentences: basisSentences + [context.provenance]),
    ].filter { !$0.sentences.isEmpty }
  }

  var limitSentences: [String] {
    guard !limits.isEmpty else { return ["none were asked for"] }
    guard points.count == 1, let point = points.first else { return limits }
    return limits.map { limit in
      guard let miss = point.violations.first(where: { $0.limit == limit }) else {
        return "\(limit): kept"
      }
      guard let value = miss.value else { return "\(limit): neither kept nor broken: no sample" }
      return "\(limit): broken with \(miss.response.exactText(value))"
    }
  }

  /// What the cases turn without effect.
  private var idleSentences: [String] {
    points.flatMap { point in
      (point.idleKnobs ?? []).map { idle in
        let name = points.count > 1 ? point.label + ": " : ""
        return "\(name)\(idle.knob) has no effect in this operation: \(idle.reason)"
      }
    }
  }

  /// Percentiles of the cases that are the largest of few samples, and limits without any.
  private var sampleSentences: [String] {
    let cases = [present] + points
    return responses.flatMap { response in
      let few = cases.compactMap { point in
        point.fewSamples?.first { $0.response == response }.map { (point.label, $0.count) }
      }
      let none = few.filter { $0.1 == 0 }.map(\.0)
      let some = few.filter { $0.1 > 0 }
      var sentences: [String] = []
      if !none.isEmpty {
        sentences.append(
          "\(response.title): no \(response.sampleNoun(1)) was seen in a run of "
            + "\(none.joined(separator: ", ")); a limit on it is neither kept nor broken there"
        )
      }
      for count in Set(some.map(\.1)).sorted() {
        let names = some.filter { $0.1 == count }.map(\.0).joined(separator: ", ")
        sentences.append("\(names): \(response.largestSentence(count))")
      }
      return sentences
    }
  }

  var bestSentences: [String] {
    guard points.count > 1 else { return [] }
    guard let best else { return ["no case keeps all limits and is safe"] }
    return [
      "\(best) (*): the best \(objective.rawValue) among the cases that are safe and keep the limits"
    ]
  }

  private var safetySentences: [String] {
    if points.count == 1 { return points.map(\.safety.sentence) }
    var labels: [String: [String]] = [:]
    var order: [String] = []
    for point in points where !point.safety.isSafe {
      let sentence = point.safety.sentence
      if labels[sentence] == nil { order.append(sentence) }
      labels[sentence, default: []].append(point.label)
    }
    guard !order.isEmpty else { return ["every case: no stale entry in either TLB model"] }
    return order.map { "\((labels[$0] ?? []).joined(separator: ", ")): \($0)" }
  }

  var basisSentences: [String] {
    var said: [String] = []
    for point in points {
      let sentence = point.basis(model)
      if !said.contains(sentence) { said.append(sentence) }
    }
    return said
  }
}

extension WhatIfPoint {
  /// The interval of a response beside `value(of:)`.
  fileprivate func interval(of response: Response) -> ClosedRange<Double>? {
    guard let effect = effects.first(where: { $0.response == response }) else { return nil }
    let ends =
      effect.simulated.map { ($0.low, $0.high) } ?? effect.predicted.map { ($0.low, $0.high) }
    guard let (low, high) = ends, low.isFinite, high.isFinite, low < high else { return nil }
    return low...high
  }

  /// A response: the mean of runs, or a prediction with a tilde, with its interval.
  fileprivate func cell(_ response: Response) -> String {
    guard let effect = effects.first(where: { $0.response == response }) else { return "-" }
    if let run = effect.simulated { return response.text(run.value, low: run.low, high: run.high) }
    if fewSamples?.contains(where: { $0.response == response && $0.count == 0 }) == true {
      return "none"
    }
    guard let guess = effect.predicted else { return "-" }
    return "~" + response.text(guess.value, low: guess.low, high: guess.high)
  }

  /// Whether the limits are kept, in a word or two.
  fileprivate var limitsWord: String {
    if violations.isEmpty { return "kept" }
    return violations.contains { $0.value != nil } ? "broken" : "no sample"
  }

  /// Where the figures come from, in two words.
  fileprivate var origin: String {
    source == .model ? "model, \(place?.rawValue ?? "inside")" : "runs"
  }

  /// Where the figures come from, in a sentence.
  fileprivate func basis(_ model: String?) -> String {
    let runs = effects.compactMap { $0.simulated?.runs }.max() ?? 0
    let reach = placeReason ?? "\(place?.rawValue ?? "inside") the runs"
    switch source {
    case .model: return "cost model \(model ?? ""): \(reach)"
    case .simulation: return "\(runs) runs a case, as asked"
    case .simulationWithoutModel: return "\(runs) runs a case: there is no cost model"
    case .simulationOutsideDomain:
      return "\(runs) runs a case where the model does not reach: \(reach)"
    }
  }
}
