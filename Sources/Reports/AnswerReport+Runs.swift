// SPDX-License-Identifier: GPL-3.0-or-later

import CostModels
import Observations
import Quantities
import Tuning

extension AnswerReport {
  /// The runs, lane by lane.
  var runBlocks: [Document.Block] {
    guard let runs = study.runs else { return reason(.runs) }
    let policies = Document.Block.list(
      runs.runs.map { Document.Item($0.role, [$0.policy]) }
    )
    guard let plot = lanes(runs) else {
      return [
        policies,
        .sentence(
          "Not here: this operation's runs leave no trace from which a timeline could be drawn."
        ),
      ]
    }
    let sentence =
      (runs.runs.count > 1
        ? "The same stretch of two whole runs with the same chance"
        : "A stretch of a whole run under the present policy")
      + ", counted from the operation's start. "
      + "A lane is filled as far as its context took the time; the walker's includes what "
      + "interrupts it."
    let guest =
      runs.hasRunningGuest
      ? "A vCPU that faults while mmu_lock is held waits as long as that lane says."
      : "No vCPU runs during this operation, so none is stalled."
    let names = runs.runs.map(\.role).joined(separator: " and ")
    return [
      .sentence(sentence), policies,
      .picture(
        Picture(
          .lanes(plot),
          alternative:
            "Timelines of \(names) from \(plot.instant(0)) to \(plot.instant(plot.count)): "
            + plot.lanes.map(\.name).joined(separator: ", ")
        )
      ), .sentence(guest),
    ] + sameRun(runs)
  }

  /// Whether the run that is drawn is the one that the answer counts.
  private func sameRun(_ runs: TracedRuns) -> [Document.Block] {
    guard let digest = answer.fullRun?.digest, runs.runs.contains(where: { $0.digest == digest })
    else { return [] }
    return [
      .sentence(
        "Digest \(digest) says that a run drawn is the first of those that the answer counts."
      )
    ]
  }

  /// The lanes of both runs; nil where a run has none.
  private func lanes(_ runs: TracedRuns) -> LanePlot? {
    let timelines = runs.runs.compactMap(\.timeline)
    guard let first = timelines.first, timelines.count == runs.runs.count else { return nil }
    let count = first.tracks.first?.values.count ?? 0
    let seen = LaneKind.allCases.filter { kind in
      (kind != .vcpu || runs.hasRunningGuest)
        && timelines.contains { timeline in
          // A run with a reader has a ring, even where nothing is dropped.
          timeline.values(of: kind.lane) != nil
            || kind == .drops && timeline.values(of: .reader) != nil
        }
    }
    let step = Double(first.step.rawValue)
    func values(_ kind: LaneKind, _ timeline: Timeline) -> [Double] {
      timeline.values(of: kind.lane) ?? Array(repeating: 0, count: count)
    }
    return LanePlot(
      title: "What the CPU of the operation did",
      start: Double(first.start.rawValue),
      step: step,
      lanes: seen.map { kind in
        let most = timelines.flatMap { values(kind, $0) }.max() ?? 0
        return LanePlot.Lane(
          name: kind.name,
          top: kind.isWhole || most <= 0 ? 1 : most
        ) { kind.text($0, step: step) }
      },
      panels: zip(runs.runs, timelines).map { run, timeline in
        LanePlot.Panel(name: run.role, values: seen.map { values($0, timeline) })
      }
    )
  }

  /// Where the time went in the runs, and what predictions of it are made of.
  var timeBlocks: [Document.Block] {
    let runs = study.runs?.runs ?? []
    var blocks: [Document.Block] = study.runs == nil ? reason(.runs) : []
    for whole in TimeAccount.Whole.allCases {
      let own = runs.compactMap { run in
        run.accounts.first { $0.whole == whole }.map { (run.role, $0) }
      }
      guard !own.isEmpty else { continue }
      let kinds = TimeAccount.Kind.allCases
      let plot = BarPlot(
        title: whole.title,
        parts: kinds.map(\.title),
        bars: own.map { role, account in
          BarPlot.Bar(
            name: role,
            values: kinds.map { kind in account.parts.first { $0.kind == kind }?.time ?? 0 }
          )
        }
      ) { time(nanoseconds: $0) }
      let sums = plot.bars.map { "\($0.name) \(plot.text($0.sum))" }.joined(separator: ", ")
      blocks.append(
        .picture(
          Picture(
            .bars(plot),
            alternative: "\(plot.title): \(sums), divided into \(plot.parts.count) parts"
          )
        )
      )
    }
    return blocks + compositionBlocks
  }

  private var compositionBlocks: [Document.Block] {
    guard !study.compositions.isEmpty else { return reason(.compositions) }
    let table = ExplanationTable(cases: study.compositions.map { ($0.role, $0.explanation) }).table
    return [
      .table(
        table,
        caption: "What the cost model's prediction is made of; runs, not these sums, decided."
      )
    ]
  }
}

/// A lane of the picture: a lane of the timeline, or what follows from one.
private enum LaneKind: CaseIterable {
  case lock, walker, hardInterrupt, softirq, softirqThread, reader, drops, vcpu

  var lane: Timeline.Lane {
    switch self {
    case .lock, .vcpu: .lock
    case .walker: .walker
    case .hardInterrupt: .hardInterrupt
    case .softirq: .softirq
    case .softirqThread: .softirqThread
    case .reader: .reader
    case .drops: .drops
    }
  }

  var name: String {
    switch self {
    case .lock: "mmu_lock held"
    case .walker: "walker"
    case .hardInterrupt: "hard IRQs"
    case .softirq: "NAPI in softirq"
    case .softirqThread: "NAPI in a thread"
    case .reader: "reader takes"
    case .drops: "ring drops"
    case .vcpu: "a faulting vCPU waits"
    }
  }

  /// Whether values are shares of the time.
  var isShare: Bool { self != .reader && self != .drops }

  /// Whether the whole height is all of the time.
  var isWhole: Bool { self == .lock || self == .walker || self == .vcpu }

  /// A value of one step of so many nanoseconds.
  func text(_ value: Double, step: Double) -> String {
    switch self {
    case .reader: BitRate(rawValue: Int64(saturating: value * 8 / step * 1e9)).description
    case .drops: "\(significant(value)) packets"
    default: percent(value)
    }
  }
}

extension TimeAccount.Whole {
  /// What is divided, in words.
  fileprivate var title: String {
    switch self {
    case .cpu: "Time of the walking CPU, from shortly before the operation to shortly after"
    case .lock: "mmu_lock over the operation"
    case .guest: "Time of all vCPUs over the operation"
    }
  }
}

extension TimeAccount.Kind {
  /// What took the time, in words.
  fileprivate var title: String {
    switch self {
    case .visits: "visits of leaves and empty entries"
    case .tables: "tables: visits, frees, walker calls"
    case .flushes: "TLB flushes"
    case .cacheCleaning: "cache cleaning"
    case .hostSide: "host-side freeing and calls"
    case .hardInterrupts: "hard IRQs"
    case .softirqs: "softirqs"
    case .softirqThreads: "softirq threads"
    case .reader: "socket readers"
    case .storage: "storage tasks"
    case .competitors: "other tasks"
    case .switching: "context switches"
    case .idle: "idle"
    case .held: "held by the operation"
    case .free: "free of it"
    case .refaults: "faults taken again"
    case .refills: "TLB refills"
    case .guest: "the guest itself"
    }
  }
}
