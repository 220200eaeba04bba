// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations
import Operations
import Policies
import PageTables
import Profiles
import Quantities
import Randomness

/// Two whole runs with the same chance, before and after: what happened in the same stretch of both,
/// and where the time of each went.
package struct TracedRuns: Hashable, Sendable, Codable {
  /// One run.
  package struct Run: Hashable, Sendable, Codable {
    /// What the policy is to the answer: `now`, `recommended` or `nearest`.
    package let role: String
    /// The policy's text.
    package let policy: String
    /// The digest of the run's trace, in hexadecimal, as `Recommendation.fullRun` has it.
    package let digest: String
    /// The share of the operation that was laid out and run, 0 to 1; times are those of the whole.
    package let simulatedShare: Double
    /// What every context did in the stretch; nil where the operation leaves no trace.
    package let timeline: Timeline?
    /// Where the time went.
    package let accounts: [TimeAccount]

    enum CodingKeys: String, CodingKey {
      case role, policy, digest
      case simulatedShare = "simulated_share"
      case timeline, accounts
    }
  }

  /// The runs: before, and after where something is recommended or comes near.
  package let runs: [Run]
  /// The number of the replicate, counted from zero, from which the runs' seed follows.
  package let replicate: Int
  /// Whether the guest runs meanwhile, so that a vCPU that faults waits for mmu_lock.
  package let hasRunningGuest: Bool

  enum CodingKeys: String, CodingKey {
    case runs, replicate
    case hasRunningGuest = "has_running_guest"
  }
}

/// Something whose time is divided, and into what.
package struct TimeAccount: Hashable, Sendable, Codable {
  /// What is divided.
  package enum Whole: String, Hashable, Sendable, CaseIterable, Codable {
    /// The walking CPU's time, from the machine's start to the operation's end.
    case cpu
    /// mmu_lock, over the operation.
    case lock
    /// The time of all vCPUs, over the operation.
    case guest
  }

  /// One part.
  package struct Part: Hashable, Sendable, Codable {
    /// What took the time.
    package let kind: Kind
    /// How long, in nanoseconds.
    package let time: Double

    enum CodingKeys: String, CodingKey {
      case kind
      case time = "time_ns"
    }
  }

  /// What took a part of the time.
  package enum Kind: String, Hashable, Sendable, CaseIterable, Codable {
    /// Visits of leaves and of entries that hold nothing.
    case visits
    /// Callbacks on tables, tables freed and built, calls of the walker.
    case tables
    /// Invalidations with their barriers.
    case flushes
    /// Cache lines cleaned.
    case cacheCleaning = "cache_cleaning"
    /// The host's own freeing, and system calls.
    case hostSide = "host_side"
    /// Hard interrupts, ticks included.
    case hardInterrupts = "hard_irq"
    /// Softirqs at interrupt exit.
    case softirqs
    /// Softirqs in threads.
    case softirqThreads = "softirq_threads"
    /// The socket's readers.
    case reader
    /// Storage tasks.
    case storage
    /// Other tasks.
    case competitors
    /// Context switches.
    case switching
    /// Nothing to do.
    case idle
    /// mmu_lock held for write.
    case held
    /// mmu_lock not held by the operation.
    case free
    /// Faults that the guest takes again.
    case refaults
    /// Walks of the guest's accesses after flushes.
    case refills
    /// The guest itself.
    case guest
  }

  /// What is divided.
  package let whole: Whole
  /// Its parts, those of no time left out.
  package let parts: [Part]

  init(_ whole: Whole, _ parts: [(Kind, Double)]) {
    self.whole = whole
    self.parts = parts.filter { $0.1 > 0 }.map { Part(kind: $0.0, time: $0.1) }
  }
}

/// Runs the first replicate of the policies of an answer again and watches it.
package struct RunTracer: Sendable {
  private let question: Question
  private let tools: TuningTools

  /// Creates a tracer of a question's runs.
  package init(_ question: Question, tools: TuningTools) {
    (self.question, self.tools) = (question, tools)
  }

  /// Steps of a timeline.
  static let steps = 600

  /// The runs of an answer: the present policy's, and the recommended or the nearest one's.
  package func runs(of answer: Recommendation) throws(TuningError) -> TracedRuns {
    var wanted = [("now", question.presentPolicy)]
    let other =
      answer.recommended.map { ("recommended", $0.policy) }
      ?? answer.nearest.map { ("nearest", $0.policy) }
    if let (role, text) = other,
      let policy = try? Policy(parsing: text, over: question.presentPolicy),
      policy.canonical(in: question.setting) != question.presentPolicy
    {
      wanted.append((role, policy.canonical(in: question.setting)))
    }
    let span = span(of: answer)
    var runs: [TracedRuns.Run] = []
    for (role, policy) in wanted {
      tools.progress(runs.count, wanted.count)
      runs.append(try run(role, policy, span))
    }
    return TracedRuns(
      runs: runs,
      replicate: 0,
      hasRunningGuest: [.logEnable, .migration, .reclaim].contains(question.workload.operation)
    )
  }

  /// The stretch that shows the longest hold and half of another, and a little of what was before: from
  /// 20 ms to two seconds.
  private func span(of answer: Recommendation) -> TimelineSpan {
    let effects = answer.rows.first { $0.role == .now }?.effects ?? []
    let hold = effects.first { $0.response == .longestHold }?.simulated?.value ?? 0
    let whole = effects.first { $0.response == answer.asked.objective.response }?.simulated?.value
    let wished = max(1.5 * hold, 2e7)
    let isTime = answer.asked.objective.response.unit == .nanoseconds
    let most = max(1e6, min(2e9, isTime ? whole ?? 2e9 : 2e9))
    let length = Int64(min(wished, most))
    let step = max(1, length / Int64(Self.steps))
    let lead = min(step * Int64(Self.steps / 10), Nanoseconds.milliseconds(50).rawValue)
    return TimelineSpan(
      lead: Nanoseconds(rawValue: lead),
      step: Nanoseconds(rawValue: step),
      count: Self.steps
    )
  }

  private func run(
    _ role: String,
    _ policy: Policy,
    _ span: TimelineSpan
  ) throws(TuningError) -> TracedRuns.Run {
    let (report, timeline) = try tools.simulator.watched(
      question,
      policy: policy,
      seed: Bench.seed(of: question, replicate: 0),
      span: span
    )
    return TracedRuns.Run(
      role: role,
      policy: policy.description,
      digest: String(report.digest, radix: 16),
      simulatedShare: report.operation.simulatedShare,
      timeline: timeline,
      accounts: accounts(report)
    )
  }

  private func accounts(_ report: RunReport) -> [TimeAccount] {
    let scale = 1 / max(report.operation.simulatedShare, 1e-9)
    var found = [cpu(report, scale)]
    let whole = Double(report.operation.whole.rawValue)
    if let holds = report.locks?.holds, let mean = holds.mean {
      let held = min(whole, Double(mean.rawValue) * Double(holds.count) * scale)
      found.append(TimeAccount(.lock, [(.held, held), (.free, whole - held)]))
    }
    if let guest = report.guest {
      let all = whole * Double(question.workload.memory.vcpus)
      let (faults, refills) = (Double(guest.faultTime.rawValue), guest.refilling * all)
      found.append(
        TimeAccount(
          .guest,
          [(.refaults, faults), (.refills, refills), (.guest, all - faults - refills)]
        )
      )
    }
    return found
  }

  /// The walking CPU's time; its stage-2 part is divided as the prices of its exact counts are.
  private func cpu(_ report: RunReport, _ scale: Double) -> TimeAccount {
    let share = FabricShare(question.host, question.workload)
    let work = WorkBreakdown(report.counts, on: question.host, share)
    let cpu = report.cpu
    func time(_ spent: Nanoseconds) -> Double { Double(spent.rawValue) * scale }
    let unit = work.total > 0 ? time(cpu.stageTwo) / work.total : 0
    return TimeAccount(
      .cpu,
      [
        (.visits, (work.leaf + work.invalid) * unit), (.tables, work.table * unit),
        (.flushes, (work.ipaFlush + work.rangeFlush + work.vmidFlush) * unit),
        (.cacheCleaning, work.cache * unit), (.hostSide, time(cpu.hostSide)),
        (.hardInterrupts, time(cpu.hardInterrupt)), (.softirqs, time(cpu.softirq)),
        (.softirqThreads, time(cpu.ksoftirqd)), (.reader, time(cpu.reader)),
        (.storage, time(cpu.storage)), (.competitors, time(cpu.competitors)),
        (.switching, time(cpu.switching)), (.idle, time(cpu.idle)),
      ]
    )
  }
}
