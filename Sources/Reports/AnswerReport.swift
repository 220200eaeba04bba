// SPDX-License-Identifier: GPL-3.0-or-later

package import Calibration
package import Tuning

/// Everything that a report holds: an answer with its studies, where the simulator is known to be off, and
/// where all of it comes from.
package struct AnswerReport: Sendable, Encodable {
  /// A published measurement of this kind beside what the simulator gives.
  package struct Check: Sendable, Encodable {
    /// The measurement and the simulator's value.
    package let row: ValidationRecord.Row
    /// What the file of facts says of the mechanism, or why it is missed; empty where nothing.
    package let note: String

    /// Creates a check.
    package init(row: ValidationRecord.Row, note: String) { (self.row, self.note) = (row, note) }
  }

  /// A file that the answer was made from.
  package struct Source: Hashable, Sendable, Encodable {
    /// What it is: `profile`, `stage2-dump`, `observed`.
    package let kind: String
    /// The file's name, without the directories above its kind.
    package let name: String
    /// The digest of its bytes, 32 hexadecimal digits.
    package let digest: String

    /// Creates a source.
    package init(kind: String, name: String, digest: String) {
      (self.kind, self.name, self.digest) = (kind, name, digest)
    }
  }

  /// Where an answer comes from, so that it can be made again.
  package struct Origin: Hashable, Sendable, Encodable {
    /// The program and its version.
    package let program: String
    /// The version of the simulator.
    package let simulator: String
    /// The command that writes the report.
    package let command: String
    /// The digest of every value of host, kernel, workload and layout.
    package let setup: String
    /// The files.
    package let sources: [Source]

    /// Creates an origin.
    package init(
      program: String,
      simulator: String,
      command: String,
      setup: String,
      sources: [Source]
    ) {
      (self.program, self.simulator, self.command) = (program, simulator, command)
      (self.setup, self.sources) = (setup, sources)
    }
  }

  /// The answer and what is asked about it.
  package let study: AnswerStudy
  /// The question in words.
  package let context: AnswerContext
  /// Published measurements of this kind.
  package let checks: [Check]
  /// Where it comes from.
  package let origin: Origin

  /// Creates a report from its parts.
  package init(study: AnswerStudy, context: AnswerContext, checks: [Check], origin: Origin) {
    (self.study, self.context) = (study, context)
    (self.checks, self.origin) = (checks, origin)
  }

  /// The answer itself.
  var answer: Recommendation { study.recommendation }

  /// Why a part is not there, as a block; nothing where it is.
  func reason(_ part: AnswerStudy.Part) -> [Document.Block] {
    study.absent.filter { $0.part == part }.map { .sentence("Not here: \($0.reason).") }
  }
}

extension AnswerReport {
  /// The report as a document.
  package func document() -> Document {
    Document(
      title: "\(answer.asked.workload) on \(answer.asked.host), Linux \(answer.asked.release)",
      subtitle: context.heading,
      sections: [
        .init(id: "answer", title: "What to do", blocks: answerBlocks),
        .init(id: "runs", title: "Before and after", blocks: runBlocks),
        .init(id: "front", title: "What else there is", blocks: frontBlocks),
        .init(id: "chunk", title: "The chunk over its sizes", blocks: sweepBlocks),
        .init(id: "time", title: "Where the time goes", blocks: timeBlocks),
        .init(id: "decides", title: "What decides", blocks: decisionBlocks),
        .init(id: "wrong", title: "What the simulator gets wrong here", blocks: checkBlocks),
        .init(id: "origin", title: "Where this comes from", blocks: originBlocks),
      ]
    )
  }

  private var answerBlocks: [Document.Block] {
    let verdicts = answer.verdictSentences
    let steps = answer.ownSteps.map { step in
      Document.Step(
        place: step.place,
        text: step.text,
        isCommand: step.place == "host",
        undo: step.undo
      )
    }
    let unsafe = answer.safety.isSafe ? [] : [answer.safety.sentence]
    let items = [
      Document.Item("kernel", answer.kernelSentences),
      Document.Item("dmesg", answer.warningSentences),
      Document.Item("cost", answer.cost),
      Document.Item("fleet", answer.fleetSentences),
      Document.Item("instead", answer.remedySentences),
      Document.Item("unsafe", unsafe),
      Document.Item("sure", [answer.sureSentence(context)]),
    ].filter { !$0.sentences.isEmpty }
    var blocks: [Document.Block] = verdicts.prefix(1).map { .lead("Verdict: \($0).") }
    blocks += verdicts.dropFirst().map { .sentence($0) }
    blocks.append(
      .table(
        answer.summary(marksAll: true),
        caption: "Whole runs; brackets hold the interval in which another run would lie, "
          + "parentheses the limit that a figure breaks."
      )
    )
    if !steps.isEmpty { blocks.append(.steps(steps)) }
    blocks.append(.list(items))
    blocks.append(
      .folded(
        title: "Every policy of the answer with every figure",
        [
          .list(answer.rows.map { Document.Item($0.role.rawValue, [Recommendation.words($0)]) }),
          .table(answer.rowTable, caption: "Every response of every policy."),
        ]
      )
    )
    return blocks
  }

  private var frontBlocks: [Document.Block] {
    guard let front = study.front else { return reason(.front) }
    guard !front.points.isEmpty else {
      return [.sentence("No policy that was simulated keeps the limits: the front is empty.")]
    }
    let table = front.table { response, value in response.text(value) }
    let sentence =
      "Each point is a policy that no other beats in all of "
      + "\(front.objectives.map(\.title).joined(separator: ", ")) at once, from one whole run; what "
      + "the answer weighed stands beside it with the interval of another run."
    var blocks: [Document.Block] = [.sentence(sentence)]
    if let plot = front.plot(beside: answer) {
      let names = "\(front.objectives[1].title) against \(front.objectives[0].title)"
      blocks.append(
        .picture(
          Picture(
            .plot(plot),
            alternative: "\(names) of \(front.points.count) policies on the front, its knee, and "
              + "the \(answer.rows.count) policies of the answer"
          )
        )
      )
    }
    blocks.append(.list([Document.Item("knee", [front.kneeSentence])]))
    blocks.append(.table(table, caption: "The front, by its first objective."))
    return blocks
  }

  private var sweepBlocks: [Document.Block] {
    guard let sweep = study.sweep else { return reason(.sweep) }
    let pictures = sweep.drawings().map { plot in
      Document.Block.picture(
        Picture(
          .plot(plot),
          alternative: "\(plot.title) with the band of its interval, for \(sweep.points.count) "
            + "sizes; \(sweep.flips.count) places where the choice flips are marked"
        )
      )
    }
    let flips = sweep.flips.map { "\($0.from): \($0.sentence)" }
    let items = [
      Document.Item("limits", sweep.limitSentences),
      Document.Item("flips", flips.isEmpty ? ["nowhere"] : flips),
      Document.Item("best", sweep.bestSentences),
      Document.Item("basis", sweep.basisSentences),
    ].filter { !$0.sentences.isEmpty }
    return [.sentence("The present policy with its chunk of every size.")] + pictures + [
      .list(items),
      .folded(
        title: "Every size with every figure",
        [
          .table(
            sweep.table(),
            caption: "One row a size; a tilde says that the cost model predicts."
          )
        ]
      ),
    ]
  }

  private var originBlocks: [Document.Block] {
    var table = TextTable(columns: [.init(""), .init("value")])
    let basis = answer.basis
    let digests = (study.runs?.runs ?? []).map { ("run watched, \($0.role)", $0.digest) }
    let rows: [(String, String)] =
      [
        ("program", origin.program), ("simulator", "version \(origin.simulator)"),
        ("cost model", basis.model ?? "none"), ("seed", "\(basis.seed)"),
        ("runs of the answer", "\(basis.runs)"), ("setup", origin.setup),
      ] + (answer.fullRun.map { [("first run of the answer", $0.digest)] } ?? []) + digests
      + origin.sources.map { ("\($0.kind) \($0.name)", $0.digest) }
    for (name, value) in rows { table.append([name, value]) }
    return [
      .sentence("This command writes the same bytes again:"),
      .command(origin.command),
      .table(table, caption: "Versions, seeds and digests."),
      .list([Document.Item("basis", [answer.basisSentence(context)])]),
    ]
  }
}
