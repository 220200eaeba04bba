// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Observations
import Quantities
import Tuning

extension AnswerReport {
  /// Why the answer is what it is, and which values would turn it.
  var decisionBlocks: [Document.Block] {
    let items = [
      Document.Item("why", answer.why),
      Document.Item("holds", answer.holds.map(\.sentence)),
      Document.Item("safe", [answer.safety.sentence]),
      Document.Item("not", answer.alternatives.map { "\($0.name): \($0.reason)" }),
    ].filter { !$0.sentences.isEmpty }
    return [.list(items)] + hostBlocks + sensitivityBlocks
  }

  private var sensitivityBlocks: [Document.Block] {
    guard let answer = study.sensitivity else { return reason(.sensitivity) }
    return [
      .table(
        answer.table,
        caption: "Per cent of the variance of each response over \(answer.policies) policies: what "
          + "the knob does alone / alone and with others."
      )
    ]
  }

  /// Values of a picture of host values, at most.
  private static let mostValues = 12

  private var hostBlocks: [Document.Block] {
    guard let values = study.hostValues else { return reason(.hostValues) }
    guard let first = values.rows.first else {
      return [
        .sentence(
          "None of the \(values.others) assumed values of the host moves \(values.response.title) by a "
            + "hundredth where it is half or twice as much."
        )
      ]
    }
    let shown = values.rows.prefix(Self.mostValues)
    let plot = DotPlot(
      title: "Predicted \(values.response.title) with half and twice an assumed value of the host",
      axis: .init(title: "times the prediction as it is", isLogarithmic: true) { value, digits in
        "\(significant(value, digits: digits))x"
      },
      reference: 1,
      kinds: ["leaves the order of both policies", "turns which policy is better"],
      rows: shown.map { row in
        let reach = row.decisive
        let ratios = [reach.half / reach.asIs, reach.twice / reach.asIs]
        let ends = (min(ratios[0], ratios[1], 1), max(ratios[0], ratios[1], 1))
        let far = ratios.max { abs(binaryLogarithm($0)) < abs(binaryLogarithm($1)) }
        return DotPlot.Row(
          name: row.key,
          value: far,
          range: ends.0...ends.1,
          kind: row.turns ? 1 : 0,
          text: row.sentence(values.response)
        )
      }
    )
    let left = values.rows.count - shown.count
    let rest =
      "\(left > 0 ? "\(left) more move it by less than these, and " : "")\(values.others) move it by less "
      + "than a hundredth."
    return [
      .sentence(
        "Measure first: \(first.key), which is \(first.summary) and is assumed to be \(first.value) "
          + "(\(first.why)). \(first.sentence(values.response))."
      ),
      .picture(
        Picture(
          .dots(plot),
          alternative: "How far \(shown.count) assumed values of the host move the prediction; "
            + "\(first.key) moves it most"
        )
      ),
      .sentence(rest),
    ]
  }

  /// Published measurements of this kind beside what the simulator gives.
  var checkBlocks: [Document.Block] {
    var blocks: [Document.Block] = []
    if let stale = context.stale { blocks.append(.sentence(stale)) }
    guard !checks.isEmpty else {
      if context.stale == nil {
        blocks.append(
          .sentence(
            "No published measurement speaks for this kind of workload; nobody knows how far off it is."
          )
        )
      }
      return blocks
    }
    let scored = checks.filter { $0.row.use != .fit }
    let missed = checks.filter { !$0.row.holds }
    blocks.append(
      .sentence(
        "\(scored.count { $0.row.holds }) of \(scored.count) published measurements of this kind "
          + "that no value was fitted to hold. Others, which set a value and prove nothing: "
          + "\(checks.count - scored.count)."
      )
    )
    if let plot = checkPlot {
      blocks.append(
        .picture(
          Picture(
            .dots(plot),
            alternative:
              "Simulated over measured for \(plot.rows.count) measurements; one is perfect"
          )
        )
      )
    }
    blocks.append(.list(checks.map { Document.Item($0.row.fact, [$0.row.sentence] + $0.why) }))
    if missed.isEmpty { blocks.append(.sentence("None of them is missed.")) }
    return blocks
  }

  /// Simulated over measured, where a value was measured.
  private var checkPlot: DotPlot? {
    let rows = checks.compactMap { check -> DotPlot.Row? in
      let row = check.row
      guard let measured = row.measured, measured > 0, row.low > 0 else { return nil }
      return DotPlot.Row(
        name: row.fact,
        value: row.simulated / measured,
        range: (row.low / measured)...max(row.low, row.high) / measured,
        kind: row.use == .fit ? 2 : row.holds ? 0 : 1,
        text: "measured \(significant(measured, digits: 3)), simulated "
          + "\(significant(row.simulated, digits: 3))"
      )
    }
    guard !rows.isEmpty else { return nil }
    return DotPlot(
      title: "Simulated over measured",
      axis: .init(title: "times what was measured", isLogarithmic: true) { value, digits in
        "\(significant(value, digits: digits))x"
      },
      reference: 1,
      kinds: ["holds", "misses", "fitted"],
      rows: rows
    )
  }
}

extension AnswerReport.Check {
  /// What is known of a miss, or of the mechanism.
  fileprivate var why: [String] {
    if !note.isEmpty { return ["\(row.holds ? "mechanism" : "missed"): \(note)"] }
    return row.holds ? [] : ["missed: nobody has traced why"]
  }
}

extension HostValueAnswer.Row {
  /// The reach of the policy that the value moves more.
  fileprivate var decisive: HostValueAnswer.Reach {
    guard let recommended, recommended.factor > now.factor else { return now }
    return recommended
  }

  /// What half and twice the value do, in a sentence without its end.
  fileprivate func sentence(_ response: Response) -> String {
    func words(_ name: String, _ reach: HostValueAnswer.Reach) -> String {
      "\(name) \(response.text(reach.half)) with half of it, \(response.text(reach.asIs)) as it is, "
        + "\(response.text(reach.twice)) with twice"
    }
    let parts = [words("now", now)] + (recommended.map { [words("recommended", $0)] } ?? [])
    return "Predicted \(response.title): " + parts.joined(separator: "; ")
  }
}
