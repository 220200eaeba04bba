// SPDX-License-Identifier: GPL-3.0-or-later

import CostModels
import Observations
import Profiles
import Quantities
import Tuning

/// What predictions of one response are made of, several cases side by side.
struct ExplanationTable {
  /// The cases' labels and explanations; at least one.
  let cases: [(label: String, explanation: Explanation)]

  /// A term that is less than this share of every case's prediction is put together with others.
  static let least = 0.001
  /// Cases that stand beside each other; more of them stand below each other.
  static let widest = 5

  private var response: Response { cases[0].explanation.response }

  /// The names of all terms, the largest in any case first.
  private var names: [String] {
    var sizes: [String: Double] = [:]
    for one in cases {
      for part in one.explanation.parts {
        sizes[part.name] = max(sizes[part.name] ?? 0, part.amount.magnitude)
      }
    }
    return sizes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
  }

  /// Whether a term is worth a line of its own.
  private func matters(_ name: String) -> Bool {
    cases.contains { one in
      one.explanation.amount(of: name).magnitude >= Self.least * one.explanation.value.magnitude
    }
  }

  /// Terms with their amounts, one a case; the last is the prediction.
  private var terms: [(name: String, amounts: [Double])] {
    let (shown, small) = (names.filter(matters), names.filter { !matters($0) })
    var terms = shown.map { name in
      (Self.title(name), cases.map { $0.explanation.amount(of: name) })
    }
    if !small.isEmpty {
      let sums = cases.map { one in
        small.reduce(0) { $0 + one.explanation.amount(of: $1) }
      }
      terms.append(("\(small.count) smaller", sums))
    }
    terms.append(("= predicted", cases.map(\.explanation.value)))
    return terms
  }

  /// The terms as rows and the cases as columns, or the other way round where there are many.
  var table: TextTable {
    let title = "\(response.title) of"
    if cases.count <= Self.widest {
      var table = TextTable(
        columns: [.init(title)] + cases.map { .init($0.label, isNumber: true) }
      )
      for term in terms { table.append([term.name] + term.amounts.map(text)) }
      return table
    }
    var table = TextTable(columns: [.init(title)] + terms.map { .init($0.name, isNumber: true) })
    for (place, one) in cases.enumerated() {
      table.append([one.label] + terms.map { text($0.amounts[place]) })
    }
    return table
  }

  /// An amount with its unit: a time, points of a share, or a number.
  private func text(_ amount: Double) -> String {
    switch response.unit {
    case .nanoseconds: amount.magnitude < 0.5 ? "0" : time(nanoseconds: amount)
    case .share: significant(100 * amount, digits: 3) + " pt"
    case .count: significant(amount, digits: 3)
    }
  }

  /// A term in words: its unit is that of its amount.
  static func title(_ name: String) -> String {
    switch name {
    case "queueing": return "queueing factor"
    case "residual": return "process correction"
    default:
      let words = name.split(separator: "_")
      let units = ["ns", "share", "count"]
      return words.filter { !units.contains(String($0)) }.joined(separator: " ")
    }
  }
}

extension WhatIfAnswer {
  /// One table for each response that is explained, with the present policy first.
  func explanationLines() -> [String] {
    let known = [present] + points
    guard present.explanation != nil else { return [] }
    let single = swept == nil && points.count == 1
    return present.effects.flatMap { effect -> [String] in
      let cases = known.enumerated().compactMap { place, point in
        point.explanation?.first { $0.response == effect.response }
          .map { (single && place > 0 ? "asked" : point.label, $0) }
      }
      guard !cases.isEmpty else { return [] }
      return ExplanationTable(cases: cases).table.text()
        .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
  }

  /// What the tables of terms are, and of what where runs gave the figures.
  var explanationSentences: [String] {
    guard present.explanation != nil else { return [] }
    let hasRuns = ([present] + points).contains { $0.source != .model }
    let note = hasRuns ? ["of cases that were run, the terms are the model's, not the runs'"] : []
    return ["terms add up to the prediction of the cost model"] + note
  }
}
