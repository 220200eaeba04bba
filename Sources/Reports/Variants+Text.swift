// SPDX-License-Identifier: GPL-3.0-or-later

package import Tuning

extension VariantAnswers {
  /// The answer under each possibility, whether they agree, and what would decide.
  package func text(_ context: AnswerContext) -> String {
    var lines = Paragraph.wrapped(context.heading, width: Paragraph.width)
    lines.append("")
    let sentences = variants.map { variant in
      let row = variant.answer.recommended
      let effects = (row?.effects ?? []).prefix(3).compactMap { effect -> String? in
        guard let run = effect.simulated else { return nil }
        return
          "\(effect.response.title) \(effect.response.text(run.value, low: run.low, high: run.high))"
      }
      let choice = row.map { "\($0.summary): \(effects.joined(separator: ", "))" }
      return "\(variant.label): \(choice ?? "no policy keeps the limits")"
    }
    let agreement =
      isAgreed
      ? "all possibilities have the same answer, so nothing has to be measured"
      : "the answer depends on it; measure first"
    let paragraphs = [
      Paragraph(label: "if", sentences: sentences),
      Paragraph(label: "so", sentences: [agreement]),
      Paragraph(label: "measure", sentences: decidedBy),
      context.tested,
    ]
    for paragraph in paragraphs where !paragraph.sentences.isEmpty { lines += paragraph.lines() }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension Reproduction {
  /// The commands and what they should show, to stand below an answer.
  package func text() -> String {
    let paragraphs = [
      Paragraph(label: "repro", sentences: commands),
      Paragraph(label: "expect", sentences: expected.map { "\($0.policy): \($0.sentence)" }),
    ]
    return paragraphs.flatMap { $0.lines() }.joined(separator: "\n") + "\n"
  }
}
