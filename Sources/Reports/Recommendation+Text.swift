// SPDX-License-Identifier: GPL-3.0-or-later

package import Calibration
import Observations
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
    case .reclaim:
      let load = workload.unmap
      let range = load.range.map { " of \($0)" } ?? ""
      let rate = load.rate.map { ", \($0) calls\(range) a second" } ?? ""
      parts.append("\((load.cause ?? .reclaim).rawValue)\(rate)")
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
  /// The answer as text: what to do, what it does, how, and how sure it is; with details everything
  /// else that is known of it.
  package func text(_ context: AnswerContext, details: Bool = false) -> String {
    // As many steps as a screen has room for.
    var lines = short(context, steps: Self.steps)
    for steps in stride(from: Self.steps - 1, through: 1, by: -1) where lines.count > Self.screen {
      lines = short(context, steps: steps)
    }
    guard details else { return lines.joined(separator: "\n") + "\n" }
    lines.append("")
    lines += rowLines()
    lines.append("")
    for paragraph in paragraphs(context) { lines += paragraph.lines() }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Lines of a screen on which the short form stands.
  private static let screen = 20

  /// What is read first, with so many of the steps.
  private func short(_ context: AnswerContext, steps: Int) -> [String] {
    var lines = Paragraph.wrapped(context.heading, width: Paragraph.width)
    lines += Paragraph(label: "verdict", sentences: verdictSentences).lines()
    lines.append("")
    lines += summary.split(separator: "\n").map { "  \($0)" }
    lines.append("")
    let brief = [
      Paragraph(label: "kernel", sentences: kernelSentences),
      Paragraph(label: "dmesg", sentences: warningSentences),
      Paragraph(label: "cost", sentences: [cost.joined(separator: "; ")].filter { !$0.isEmpty }),
      Paragraph(label: "fleet", sentences: fleetSentences),
      Paragraph(label: "apply", sentences: shortSteps(steps)),
      Paragraph(label: "instead", sentences: shortRemedies(steps)),
      Paragraph(label: "unsafe", sentences: safety.isSafe ? [] : [safety.sentence]),
      Paragraph(label: "sure", sentences: [sureSentence(context)]),
    ]
    for paragraph in brief where !paragraph.sentences.isEmpty { lines += paragraph.lines() }
    return lines
  }

  /// The responses that matter, one a line: before, after, and what a kernel change would give.
  ///
  /// Where both columns with their limits are too wide, the limits stand in the first alone.
  private var summary: String {
    let wide = summary(marksAll: true).text()
    let isWide = wide.split(separator: "\n").contains { $0.count + 2 > Paragraph.width }
    return isWide ? summary(marksAll: false).text() : wide
  }

  /// The responses that matter; both columns say which limits they break, or the first alone.
  func summary(marksAll: Bool) -> TextTable {
    let shown = rows.filter { $0.role == .now || $0.isRecommended }
    let other = nearest.flatMap { near in shown.contains { $0.policy == near.policy } ? nil : near }
    let columns = shown.count > 1 ? shown : shown + [other].compactMap(\.self)
    let limited = asked.limits.compactMap { limit in
      Metric.allCases.first { limit.hasPrefix($0.rawValue) }?.response
    }
    let effects = rows.first?.effects ?? []
    let mattering = effects.enumerated().filter { place, effect in
      place == 0 || limited.contains(effect.response)
    }
    // Then those that change most, up to a handful of lines.
    let rest = effects.enumerated().filter { place, effect in
      !mattering.contains { $0.offset == place } && effect.response != .stageTwoTime
    }
    let chosen = (mattering + rest.prefix(max(0, Self.lines - mattering.count))).map(
      \.element.response
    )
    var table = TextTable(columns: ([""] + columns.map(Self.title)).map { .init($0) })
    for response in chosen {
      let cells = columns.enumerated().map { place, row in
        Self.cell(row, response, marked: marksAll || place == 0)
      }
      table.append([response.title] + cells)
    }
    return table
  }

  /// What helps outside batching, one sentence each.
  var remedySentences: [String] { remedies?.map(Self.remedySentence) ?? [] }

  /// The first of the remedies.
  private func shortRemedies(_ count: Int) -> [String] {
    let all = remedySentences
    guard all.count > count else { return all }
    return all.prefix(count) + ["and \(all.count - count) more: --details"]
  }

  /// A remedy with what it comes to, for the guest where that is what it is about.
  private static func remedySentence(_ remedy: Remedy) -> String {
    let steps = remedy.steps.map { "\($0.place): \($0.text)" }.joined(separator: "; ")
    guard !remedy.settings.isEmpty else { return steps }
    let ofGuest = remedy.values.filter(\.response.isOfGuest)
    let values = (ofGuest.isEmpty ? Array(remedy.values.prefix(3)) : ofGuest).map {
      "\($0.response.title) \($0.response.text($0.value))"
    }
    return "\(steps) (\(values.joined(separator: ", ")); as --set "
      + "\(remedy.settings.joined(separator: " --set ")))"
  }

  /// Responses of the short form, at most.
  private static let lines = 5

  private static func title(_ row: AnswerRow) -> String {
    row.isRecommended ? (row.role == .now ? "now (recommended)" : "recommended") : row.role.rawValue
  }

  /// A row's response, marked where it breaks a limit.
  private static func cell(
    _ row: AnswerRow,
    _ response: Response,
    marked: Bool = true
  ) -> String {
    guard let effect = row.effects.first(where: { $0.response == response }) else { return "-" }
    guard marked else { return value(effect) }
    if let near = row.undecided.first(where: { $0.response == response }) {
      return value(effect) + "  (near \(near.limit))"
    }
    let broken = row.violations.first { $0.response == response }
    return value(effect) + (broken.map { "  (\($0.limit))" } ?? "")
  }

  /// What the best kernel change would give, where it is not the recommended one.
  var kernelSentences: [String] {
    // What breaks a limit that the recommended policy keeps says nothing to whoever reads this first.
    guard let row = rows.first(where: { $0.role == .kernel && !$0.isRecommended }),
      row.violations.isEmpty || recommended == nil, let effect = row.effects.first
    else { return [] }
    let misses = row.violations.isEmpty ? "" : ", but" + Self.misses(row.violations, row.undecided)
    return ["\(row.policy) would give \(Self.cell(effect))\(misses)"]
  }

  /// What the kernel's watchdogs would log.
  var warningSentences: [String] {
    rows.filter { $0.role == .now || $0.isRecommended }.flatMap { row in
      row.warnings.map { warning in
        "\(row.role.rawValue): \(warning.kind.rawValue), \(time(nanoseconds: warning.time)) against "
          + "\(warning.kind.limit)"
      }
    }
  }

  /// What the flows of a host with many such operations meet, now and then.
  var fleetSentences: [String] {
    guard let fleet else { return [] }
    func change(_ part: (FleetLoss) -> String?) -> String? {
      guard let now = part(fleet.now) else { return nil }
      return fleet.then.flatMap(part).map { "\(now) -> \($0)" } ?? now
    }
    let hit = change { percent($0.hourChance) } ?? ""
    let time = change { percent($0.timeShare) } ?? ""
    let lost = change { $0.connectsADay.map { significant($0) } }
    let head =
      "at \(fleet.operationsPerHour) an hour a flow is hit within an hour by chance \(hit), "
    return [
      head + "\(time) of its time" + (lost.map { "; connects lost a day \($0)" } ?? "")
    ]
  }

  /// The steps of the recommended policy for the asked program.
  var ownSteps: [ApplyStep] {
    guard recommended != nil, verdict == .change else { return [] }
    let others = Set(VMM.allCases.map(\.rawValue)).subtracting([asked.vmm.rawValue])
    return apply.filter { !others.contains($0.place) }
  }

  /// The same in words, the first few of them.
  private func shortSteps(_ count: Int) -> [String] {
    let steps = ownSteps
    let texts = steps.prefix(count).map { "\($0.place): \($0.text)" }
    let left = steps.count - texts.count
    return texts + (left > 0 ? ["and \(left) more: --details"] : [])
  }

  /// Steps of the short form, at most.
  private static let steps = 4

  /// How sure the figures are: runs, values that are assumed, and the nearest published measurement.
  func sureSentence(_ context: AnswerContext) -> String {
    let runs = recommended?.effects.compactMap(\.simulated?.runs).max() ?? 0
    var parts = runs > 0 ? ["\(runs) whole runs"] : []
    parts.append(context.provenance)
    if let row = context.published.first(where: { $0.use != .fit }) ?? context.published.first,
      let measured = row.measured
    {
      let tie = row.use == .fit ? " (fitted)" : ""
      parts.append(
        "\(row.fact) measured \(significant(measured)), simulated \(significant(row.simulated))\(tie)"
      )
    }
    return parts.joined(separator: "; ")
  }

  /// Every row: what it is, then all its responses, one a line.
  private func rowLines() -> [String] {
    let named = rows.flatMap { row in
      let mark = row.isRecommended ? "  <- recommended" : ""
      return Paragraph(label: row.role.rawValue, sentences: [Self.words(row) + mark]).lines()
    }
    return named + [""] + rowTable.text().split(separator: "\n").map { "  \($0)" }
  }

  /// All responses of every row, one a line.
  var rowTable: TextTable {
    var table = TextTable(columns: ([""] + rows.map(\.role.rawValue)).map { .init($0) })
    for effect in rows.first?.effects ?? [] {
      let response = effect.response
      table.append([response.title] + rows.map { Self.cell($0, response, marked: false) })
    }
    return table
  }

  /// A policy in words, and as `what-if --policy` reads it.
  static func words(_ row: AnswerRow) -> String {
    "\(row.summary)  (\(row.policy))\(misses(row.violations, row.undecided))"
  }

  /// The limits that are missed, not decided or without a sample, in parentheses; nothing where all
  /// are kept.
  private static func misses(_ violations: [Violation], _ undecided: [UndecidedLimit]) -> String {
    let unseen = violations.filter { $0.value == nil }.map(\.limit)
    let near = undecided.map(\.limit).filter { !unseen.contains($0) }
    let broken = violations.filter { $0.value != nil }.decided(undecided).map(\.limit)
    let parts = [("misses", broken), ("undecided, near", near), ("no sample for", unseen)]
    let texts = parts.filter { !$1.isEmpty }.map { "\($0) \($1.joined(separator: ", "))" }
    return texts.isEmpty ? "" : " (\(texts.joined(separator: "; ")))"
  }

  /// A response of a row: what was simulated, or what is predicted with a tilde before it.
  private static func value(_ effect: Effect) -> String {
    let response = effect.response
    if let run = effect.simulated {
      return response.text(run.value, low: run.low, high: run.high)
    }
    guard let guess = effect.predicted else { return "none" }
    return "~" + response.text(guess.value, low: guess.low, high: guess.high)
  }

  private static func cell(_ effect: Effect) -> String {
    "\(effect.response.title) \(value(effect))"
  }

  private func paragraphs(_ context: AnswerContext) -> [Paragraph] {
    [
      Paragraph(label: "effect", sentences: effectSentences),
      Paragraph(label: "why", sentences: why),
      Paragraph(
        label: "apply",
        sentences: apply.map { "\($0.knobClass.rawValue), \($0.place): \($0.text)" }
      ),
      Paragraph(label: "undo", sentences: apply.compactMap(\.undo)),
      Paragraph(label: "instead", sentences: remedySentences),
      Paragraph(label: "holds", sentences: holds.map(\.sentence)),
      Paragraph(label: "safe", sentences: [safety.sentence]),
      context.tested,
      Paragraph(label: "basis", sentences: [basisSentence(context)]),
      Paragraph(label: "not", sentences: alternatives.map { "\($0.name): \($0.reason)" }),
      Paragraph(label: "paths", sentences: paths.map(Self.pathSentence)),
    ].filter { !$0.sentences.isEmpty }
  }

  /// What came out, the first sentence alone enough.
  var verdictSentences: [String] {
    switch verdict {
    case .change:
      return [
        "change "
          + changes.map { "\($0.knob) from \($0.from) to \($0.to)" }.joined(separator: ", ")
      ] + pinnedSentences + guestSentences
    case .keep:
      return ["keep the present policy: nothing simulated beats it"] + pinnedSentences
        + guestSentences
    case .noneFeasible:
      let misses = (nearest?.violations ?? []).map { miss in
        "\(miss.limit) with \(miss.response.exactText(miss.value))"
      }
      let how =
        misses.isEmpty ? "keeps them on average only" : "breaks \(misses.joined(separator: ", "))"
      return ["none: no policy that was simulated keeps the limits"]
        + (nearest.map { ["nearest is \($0.policy): it \(how)"] } ?? []) + pinnedSentences
    }
  }

  /// The vCPU time that the shipped profiles let a guest lose to unmaps, 0 to 1 (assumed).
  private static let lostByAGuest = 0.05

  /// What a running guest loses under the recommended policy, where nobody asked for a limit on it.
  private var guestSentences: [String] {
    let bound = Self.lostByAGuest
    let limit = ServiceLevel(.guestLost, .share(bound))
    guard !asked.limits.contains(where: { $0.hasPrefix(limit.metric.rawValue) }),
      let effect = recommended?.effects.first(where: { $0.response == limit.metric.response }),
      let lost = effect.simulated?.value, lost > bound
    else { return [] }
    return [
      "the guest loses \(percent(lost)) of its vCPUs' time, and no limit on that was asked: "
        + "--slo '\(limit)'"
    ]
  }

  /// What a pinned path costs, where another keeps the limits.
  private var pinnedSentences: [String] {
    guard asked.pinned.contains(PolicyKey.path.rawValue), let own = asked.path,
      let other = paths.first(where: { $0.path != own && $0.violations.isEmpty }),
      let effect = other.effects.first
    else { return [] }
    return ["the path is pinned; \(other.policy) keeps the limits with \(Self.cell(effect))"]
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
        + (guess.low <= run.value && run.value <= guess.high ? "" : ": the prediction misses")
    }
  }

  /// What the answer rests on.
  func basisSentence(_ context: AnswerContext) -> String {
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
    return "\(row.policy): \(effects)\(misses(row.violations, row.undecided))"
  }
}
