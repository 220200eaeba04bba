// SPDX-License-Identifier: GPL-3.0-or-later

import CostModels
import Observations
import Policies
import Profiles
package import Tuning

/// A labelled part of an answer in words, without line breaks.
package struct AnswerWords: Hashable, Sendable, Codable {
  /// The word in the margin.
  package let label: String
  /// The sentences.
  package let sentences: [String]

  /// Creates a part.
  package init(label: String, sentences: [String]) {
    (self.label, self.sentences) = (label, sentences)
  }
}

extension WhatIfAnswer {
  /// What the text form says beside its figures, and what the figures follow from.
  package func words(_ context: AnswerContext) -> [AnswerWords] {
    let said = paragraphs(context).map { AnswerWords(label: $0.label, sentences: $0.sentences) }
    return said
      + [AnswerWords(label: "made of", sentences: makeUp)]
      .filter { !$0.sentences.isEmpty }
  }

  /// Of a single case: what each prediction is mostly made of, and what makes it differ from now.
  private var makeUp: [String] {
    guard swept == nil, points.count == 1, let point = points.first else { return [] }
    return (point.explanation ?? []).flatMap { asked -> [String] in
      let now = present.explanation?.first { $0.response == asked.response }
      return [asked.makeUp].compactMap(\.self)
        + (point.policy == present.policy ? [] : [asked.difference(from: now)].compactMap(\.self))
    }
  }
}

extension Explanation {
  /// The largest parts of a time with their shares; nil for what is no sum of work.
  fileprivate var makeUp: String? {
    guard unit == .nanoseconds, value > 0 else { return nil }
    let parts = parts.filter { $0.amount >= 0.05 * value && $0.isMechanism }.prefix(3)
    // One part alone says no more than the figure; parts over it are taken back by others.
    guard parts.count > 1, parts.allSatisfy({ $0.amount <= value }) else { return nil }
    let words = parts.map {
      "\(ExplanationTable.title($0.name)) \(response.text($0.amount))"
    }
    return "\(response.title) of \(response.text(value)) is mostly \(Self.list(words))"
  }

  /// The parts by which it differs most from another; nil where it hardly does.
  fileprivate func difference(from other: Explanation?) -> String? {
    guard let other else { return nil }
    let names = Set((parts + other.parts).filter(\.isMechanism).map(\.name)).sorted()
    let changes = names.map { ($0, amount(of: $0) - other.amount(of: $0)) }
    let size = max(value.magnitude, other.value.magnitude)
    let large = changes.filter { $0.1.magnitude >= 0.03 * size }
      .sorted { ($1.1.magnitude, $0.0) < ($0.1.magnitude, $1.0) }.prefix(2)
    guard !large.isEmpty else { return nil }
    let words = large.map { name, change in
      "\(change > 0 ? "more" : "less") by \(ExplanationTable.title(name)) "
        + "(\(response.text(change.magnitude)))"
    }
    return "\(response.title) against now: \(Self.list(words))"
  }

  private static func list(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " and " + last
  }
}

extension Explanation.Part {
  /// Whether it is work or a wait, and neither an estimate of the whole nor what runs correct it by.
  fileprivate var isMechanism: Bool { name != "residual" && !name.hasPrefix("fluid_") }
}
