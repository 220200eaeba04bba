// SPDX-License-Identifier: GPL-3.0-or-later

package import Calibration
import PageTables
import Policies
package import Profiles
import Quantities
import Search
package import Tuning

/// What surrounds an answer: the question in words, and where its values come from.
package struct AnswerContext: Hashable, Sendable, Codable {
  /// Where and what was asked, in one line.
  package let heading: String
  /// How many values of the host have which source, such as `host: 2 fitted, 9 assumed`.
  package let provenance: String
  /// The files that the profiles came from.
  package let files: [String]
  /// Published measurements of this kind, each with what the simulator gives.
  package let published: [ValidationRecord.Row]
  /// Why there are none where there could be some; nil where nothing is wrong.
  package let stale: String?

  /// Creates a context from its texts.
  package init(
    heading: String,
    provenance: String,
    files: [String],
    published: [ValidationRecord.Row] = [],
    stale: String? = nil
  ) {
    self.heading = heading
    self.provenance = provenance
    self.files = files
    self.published = published
    self.stale = stale
  }

  /// How far the simulator is from published measurements of this kind.
  var tested: Paragraph {
    Paragraph(
      label: "tested",
      sentences: published.map(\.sentence) + [stale].compactMap(\.self)
    )
  }
}

extension AnswerContext {
  /// The context of a question about three loaded profiles.
  package init(
    workload: Loaded<WorkloadProfile>,
    host: Loaded<HostProfile>,
    kernel: Loaded<KernelProfile>,
    validation: StoredValidation = .none
  ) {
    let machine = kernel.profile
    let preemption = machine.preemption.rawValue.uppercased()
    let counts = Provenance.allCases.map { ($0, host.count(of: $0)) }.filter { $0.1 > 0 }
    self.init(
      heading: "\(workload.profile.name) on \(host.profile.name), Linux \(machine.release) "
        + "(\(preemption), HZ \(machine.hz)): \(Self.shape(workload.profile, host.profile))",
      provenance: "host: "
        + counts.map { "\($0.1) values \($0.0.rawValue)" }.joined(separator: ", "),
      files: workload.files + host.files + kernel.files,
      published: validation.rows(for: workload.profile),
      stale: validation.staleness(for: workload.profile)
    )
  }

  /// The guest, the operation and the load, in a few words.
  private static func shape(_ workload: WorkloadProfile, _ host: HostProfile) -> String {
    var parts = [workload.memory.size.description, leaves(workload.memory, host)]
    switch workload.operation {
    case .teardown: parts.append("\(workload.teardownPath.rawValue) teardown")
    case .logEnable: parts.append("dirty log enabled")
    case .migration: parts.append("migration over \(workload.migration.link)")
    case .mapCreate: parts.append("first touch by \(workload.memory.vcpus) vCPUs")
    case .map: parts.append("first touch by one vCPU")
    case .populate: parts.append("\(workload.memory.vcpus) vCPUs touch their parts first")
    case .dirty: parts.append("dirtying by \(workload.memory.vcpus) vCPUs")
    case .reclaim: parts.append("reclaim")
    }
    // A storm is the vCPUs' own: no load shares a CPU with it.
    let isStorm = [.mapCreate, .dirty, .populate].contains(workload.operation)
    return (isStorm ? parts : parts + loads(workload)).joined(separator: ", ")
  }

  /// The loads beside the operation.
  private static func loads(_ workload: WorkloadProfile) -> [String] {
    var parts: [String] = []
    if workload.network.flows > 0, workload.network.offered > .zero {
      let place =
        switch workload.network.reader {
        case .sameCPU: "the same CPU"
        case .elsewhere: "another CPU"
        case .unpinned: "a CPU of the scheduler's choice"
        }
      let verb = workload.network.direction == .receive ? "read on" : "sent from"
      parts.append("\(workload.network.offered) \(verb) \(place)")
    }
    if workload.storage.queueDepth > 0 {
      parts.append("storage at queue depth \(workload.storage.queueDepth)")
    }
    return parts
  }

  private static func leaves(_ memory: GuestMemory, _ host: HostProfile) -> String {
    let (blocks, huge) = (memory.blockShare, memory.hugeBlockShare)
    let granule = host.granule
    let size = { (level: Int) in
      granule.entrySize(level: level).description.filter { $0 != "i" && $0 != "B" }
    }
    if blocks <= 0, huge <= 0 { return "\(size(3)) leaves" }
    if huge >= 1 { return "\(size(1)) leaves" }
    if blocks >= 1 { return "\(size(2)) leaves" }
    let shares = [(1 - blocks - huge, 3), (blocks, 2), (huge, 1)].filter { $0.0 > 0 }
    return shares.map { "\(percent($0.0)) \(size($0.1))" }.joined(separator: " + ") + " leaves"
  }
}

extension Recommendation {
  /// The answer as text, in the order in which one acts on it.
  package func text(_ context: AnswerContext) -> String {
    var lines = Paragraph.wrapped(context.heading, width: Paragraph.width)
    lines.append("")
    lines += rowLines()
    lines.append("")
    for paragraph in paragraphs(context) { lines += paragraph.lines() }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Two lines a policy: what it is, and its responses in columns under their titles.
  private func rowLines() -> [String] {
    let titles = rows.first?.effects.map(\.response.title) ?? []
    let cells = rows.map { row in row.effects.map(Self.value) }
    let widths = titles.indices.map { column in
      ([titles] + cells).map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      let padded = zip(cells, widths).map { Paragraph.padded($0, $1) }
      var line = Paragraph.padded("", Paragraph.margin) + padded.joined(separator: "  ")
      while line.hasSuffix(" ") { line.removeLast() }
      return line
    }
    let body = zip(rows, cells).flatMap { row, cells in
      let mark = row.isRecommended ? "   <- recommended" : ""
      let role = Paragraph(label: row.role.rawValue, sentences: [Self.words(row) + mark])
      return role.lines() + [line(cells)]
    }
    return [line(titles)] + body
  }

  /// A policy in words, and as `what-if --policy` reads it.
  private static func words(_ row: AnswerRow) -> String {
    "\(row.summary)  (\(row.policy))\(misses(row.violations))"
  }

  /// The limits that are missed, in parentheses; nothing where all are kept.
  private static func misses(_ violations: [Violation]) -> String {
    violations.isEmpty ? "" : " (misses \(violations.map(\.limit).joined(separator: ", ")))"
  }

  /// A response of a row: what was simulated, or what is predicted with a tilde before it.
  private static func value(_ effect: Effect) -> String {
    let response = effect.response
    if let run = effect.simulated {
      return response.text(run.value, low: run.low, high: run.high)
    }
    guard let guess = effect.predicted else { return "-" }
    return "~" + response.text(guess.value, low: guess.low, high: guess.high)
  }

  private static func cell(_ effect: Effect) -> String {
    "\(effect.response.title) \(value(effect))"
  }

  private func paragraphs(_ context: AnswerContext) -> [Paragraph] {
    [
      Paragraph(label: "verdict", sentences: verdictSentences),
      Paragraph(label: "effect", sentences: effectSentences),
      Paragraph(label: "why", sentences: why),
      Paragraph(label: "cost", sentences: cost),
      Paragraph(
        label: "apply",
        sentences: apply.map { "\($0.knobClass.rawValue), \($0.place): \($0.text)" }
      ),
      Paragraph(label: "holds", sentences: holds.map(\.sentence)),
      Paragraph(label: "safe", sentences: [safety.sentence]),
      context.tested,
      Paragraph(label: "basis", sentences: [basisSentence(context)]),
      Paragraph(label: "not", sentences: alternatives.map { "\($0.name): \($0.reason)" }),
      Paragraph(label: "paths", sentences: paths.map(Self.pathSentence)),
    ].filter { !$0.sentences.isEmpty }
  }

  private var verdictSentences: [String] {
    switch verdict {
    case .change:
      return [
        "change "
          + changes.map { "\($0.knob) from \($0.from) to \($0.to)" }.joined(separator: ", ")
      ]
    case .keep: return ["keep the present policy: nothing simulated beats it"]
    case .noneFeasible:
      let misses = (nearest?.violations ?? []).map { miss in
        "\(miss.limit) with \(miss.response.exactText(miss.value))"
      }
      let how =
        misses.isEmpty ? "keeps them on average only" : "breaks \(misses.joined(separator: ", "))"
      return ["none: no policy that was simulated keeps the limits"]
        + (nearest.map { ["nearest is \($0.policy): it \(how)"] } ?? [])
    }
  }

  /// Predicted beside simulated for the recommended policy.
  private var effectSentences: [String] {
    guard let recommended else { return [] }
    return recommended.effects.compactMap { effect in
      guard let guess = effect.predicted, let run = effect.simulated else { return nil }
      let response = effect.response
      let outside = guess.isExtrapolated ? " (outside the model's domain)" : ""
      return "\(response.title): predicted "
        + response.text(guess.value, low: guess.low, high: guess.high) + outside
        + ", simulated " + response.text(run.value, low: run.low, high: run.high)
        + " in \(run.runs) runs"
    }
  }

  private func basisSentence(_ context: AnswerContext) -> String {
    let model =
      basis.model.map { model in
        switch basis.isInsideDomain {
        case true?: "\(model), inside its domain"
        case false?: "\(model), outside its domain"
        case nil: model
        }
      } ?? "no cost model, runs only"
    return "\(model); \(basis.scored) policies scored, \(basis.hazardous) hazardous left out, "
      + "\(basis.simulated) simulated, \(basis.finalists) finalists raced (\(basis.raceEnd.rawValue)), "
      + "\(basis.runs) runs, seed \(basis.seed); \(context.provenance)"
  }

  private static func pathSentence(_ row: PathRow) -> String {
    let effects = row.effects.map(cell).joined(separator: ", ")
    return "\(row.path.rawValue): \(effects)\(misses(row.violations))"
  }
}
