// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import PageTables
import Profiles
import Quantities

extension RunReport {
  /// The run as text: the responses first, then what lies behind them.
  package func text(_ context: AnswerContext) -> String {
    var lines = Paragraph.wrapped(context.heading, width: Paragraph.width)
    lines += ["policy \(identity.policy), seed \(identity.seed), \(extent)", ""]
    var table = TextTable(columns: [.init("response"), .init("value", isNumber: true)])
    for response in Response.allCases {
      if unsampled.contains(response) {
        table.append([response.title, "none"])
        continue
      }
      guard let value = value(of: response) else { continue }
      table.append([response.title, response.text(value)])
    }
    lines.append(table.text())
    for paragraph in details where !paragraph.sentences.isEmpty { lines += paragraph.lines() }
    lines += context.tested.lines()
    lines += Paragraph(label: "basis", sentences: [context.provenance]).lines()
    return lines.joined(separator: "\n") + "\n"
  }

  private var extent: String {
    let share = significant(operation.simulatedShare * 100) + " %"
    switch fidelity {
    case .exact: return "every event of the operation"
    case .window: return "\(share) of the operation simulated, scaled to the whole"
    case .fast:
      return "\(share) of the operation simulated, the rest like the mean of its batches: time "
        + "+-\(percent(operation.errorBound)) (95 %)"
    }
  }

  private var details: [Paragraph] {
    [
      Paragraph(label: "samples", sentences: sampleSentences),
      Paragraph(label: "lock", sentences: lockSentences),
      Paragraph(label: "dmesg", sentences: watchdogSentences),
      Paragraph(label: "faults", sentences: faultSentences),
      Paragraph(label: "guest", sentences: guestSentences),
      Paragraph(label: "network", sentences: networkSentences),
      Paragraph(label: "storage", sentences: storageSentences),
      Paragraph(label: "migrate", sentences: migrationSentences),
      Paragraph(label: "others", sentences: neighbourSentences),
      Paragraph(label: "cpu", sentences: [cpuSentence] + maskedSentences),
      Paragraph(
        label: "stage 2",
        sentences: [
          "\(counts.leavesCleared + counts.leavesProtected + counts.leavesDestroyed) leaves, \(counts.unmapCalls) unmap calls, "
            + "\(counts.ipaFlushes) IPA, \(counts.rangeFlushes) range and \(counts.vmidFlushes) VMID "
            + "flushes, \(counts.tablesFreed) tables freed"
        ]
      ),
      Paragraph(label: "trace", sentences: ["\(events) events, digest \(hexadecimal(digest))"]),
    ]
  }

  /// The responses without a sample, and percentiles of fewer samples than they need.
  private var sampleSentences: [String] {
    Response.allCases.compactMap { response in
      guard let count = samples(of: response) else { return nil }
      if count == 0 { return "\(response.title): no \(response.sampleNoun(1)) was seen" }
      guard isLargest(response) else { return nil }
      return response.largestSentence(count)
    }
  }

  private var lockSentences: [String] {
    guard let locks, locks.holds.count > 0 || locks.longestChunk > .zero else { return [] }
    let holds = locks.holds
    var sentence =
      "\(holds.count) holds: \(holds.text); longest chunk \(locks.longestChunk)"
    if locks.breakPoints > 0 {
      sentence += "; \(locks.breaksTaken) of \(locks.breakPoints) break points taken"
    }
    return [sentence]
  }

  /// What the kernel's watchdogs would have logged; nothing where they would have been quiet.
  private var watchdogSentences: [String] {
    guard let watchdogs else { return [] }
    return watchdogs.warnings.map { warning in
      let time = watchdogs.time(warning)
      switch warning {
      case .softLockup:
        return "soft lockup: the CPU is stuck for \(time), over \(warning.limit)"
      case .stalledRCU: return "RCU stall: no quiescent state for \(time), over \(warning.limit)"
      case .hungTask:
        return "hung task: who wants slots_lock is blocked for \(time), over \(warning.limit)"
      }
    }
  }

  private var faultSentences: [String] {
    guard let faults, faults.latency.count > 0 else { return [] }
    let latency = faults.latency
    var sentence = "\(faults.faults) faults: \(latency.text)"
    if faults.retries > 0 { sentence += "; \(faults.retries) taken again" }
    if faults.notifierCalls > 0 { sentence += "; \(faults.notifierCalls) notifier calls" }
    return [sentence]
  }

  private var guestSentences: [String] {
    guard let guest else { return [] }
    return [
      "\(guest.calls) notifier calls turn its faults back in \(percent(guest.turningBack)) of the time; "
        + "faults take \(guest.faultTime) of its vCPUs, the longest \(guest.worstStall)",
      "\(guest.refills) TLB refills take \(percent(guest.refilling)) of each vCPU's time",
    ]
  }

  private var networkSentences: [String] {
    guard let network else { return [] }
    return [
      "\(network.baseline) before, \(network.during) during; longest gap between reads "
        + "\(network.largestGap), longest without softirq \(network.longestWithoutSoftirq)",
      "dropped \(network.drops.ring) in the ring, \(network.drops.socket) at the socket; "
        + "\(network.retransmits) retransmits, \(network.timeouts) timeouts; ksoftirqd woken "
        + "\(network.ksoftirqdWakes) times",
    ]
  }

  private var storageSentences: [String] {
    guard let storage else { return [] }
    return [
      "\(significant(storage.baseline)) requests/s before, \(significant(storage.during)) during; "
        + "p99 \(written(storage.latency.p99))"
    ]
  }

  private var migrationSentences: [String] {
    guard let migration else { return [] }
    let rounds = Self.gathered(migration.rounds).joined(separator: ", ")
    return [
      "\(migration.converged ? "converged" : "did not converge"), guest at "
        + "\(percent(migration.guestSpeed)) of its speed; rounds: \(rounds)"
    ]
  }

  /// Rounds in words, equal ones in a row together.
  private static func gathered(_ rounds: [MigrationRound]) -> [String] {
    var gathered: [(round: MigrationRound, times: Int)] = []
    for round in rounds {
      if let last = gathered.last, last.round == round {
        gathered[gathered.count - 1].times += 1
      } else {
        gathered.append((round, 1))
      }
    }
    return gathered.map { round, times in
      let text = "\(round.pages) pages in \(round.time)"
      return times > 1 ? "\(times) times \(text)" : text
    }
  }

  private var neighbourSentences: [String] {
    guard let neighbours else { return [] }
    let before = max(1e-12, neighbours.othersBefore.inSeconds)
    let share = percent(neighbours.paidByEach.inSeconds / before)
    return [
      "\(neighbours.teardowns) more teardowns share the TLBI fabric: stage-2 work takes "
        + "\(neighbours.beside) CPU instead of \(neighbours.alone); each of theirs takes "
        + "\(neighbours.paidByEach) (\(share)) longer because of this one"
    ]
  }

  private var maskedSentences: [String] {
    guard let masked, masked.interrupts > 0 else { return [] }
    return [
      "\(masked.interrupts) hard IRQs waited for the end of a TLB flush, at most "
        + "\(masked.longestWait)"
    ]
  }

  private var cpuSentence: String {
    let parts = [
      ("stage 2", cpu.stageTwo), ("host side", cpu.hostSide), ("hard IRQ", cpu.hardInterrupt),
      ("softirq", cpu.softirq), ("softirq threads", cpu.ksoftirqd), ("reader", cpu.reader),
      ("storage", cpu.storage), ("competitors", cpu.competitors), ("switching", cpu.switching),
      ("idle", cpu.idle),
    ]
    return parts.filter { $0.1 > .zero }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
  }
}

extension LatencySummary {
  /// `p50 7 us, p99 90 us, longest 2 ms`.
  fileprivate var text: String {
    "p50 \(written(p50)), p99 \(written(p99)), longest \(written(max))"
  }
}

extension Response {
  /// `write-protect p99 is the largest of 1 timed call; a lower one needs 100`.
  func largestSentence(_ count: Int64) -> String {
    "\(title) is the largest of \(count) \(sampleNoun(count)); a lower one needs "
      + "\(samplesNeeded ?? 0)"
  }
}

/// A time, or that there is no sample of it.
private func written(_ time: Nanoseconds?) -> String {
  time.map { (known: Nanoseconds) in known.description } ?? "none"
}

/// A digest as it is printed everywhere.
func hexadecimal(_ digest: UInt64) -> String {
  let digits = String(digest, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}
