// SPDX-License-Identifier: GPL-3.0-or-later

import Campaigns
import CostModels
import Foundation
import Observations
import PageTables
import Policies
import Profiles
import Quantities
import Reports
import TestSupport
import Testing

/// Reports of runs.
@Suite struct RunTextTests {
  private var bare: RunReport {
    let identity = RunIdentity(
      host: "h",
      kernel: "k",
      workload: "w",
      policy: "chunk=2MiB",
      seed: 42
    )
    var report = RunReport(identity: identity)
    report.operation.whole = .seconds(122)
    report.operation.stageTwo = .milliseconds(78_050)
    (report.events, report.digest) = (1_234_567, 0xbeef)
    report.counts.leavesCleared = 500
    report.counts.leavesProtected = 12
    (report.counts.unmapCalls, report.counts.ipaFlushes) = (3, 513)
    (report.counts.rangeFlushes, report.counts.vmidFlushes, report.counts.tablesFreed) = (4, 5, 6)
    return report
  }

  private func latency(_ count: Int64) -> LatencySummary {
    var latency = LatencySummary()
    latency.count = count
    (latency.p50, latency.p99) = (.microseconds(7), .microseconds(90))
    latency.max = .milliseconds(2)
    return latency
  }

  private var full: RunReport {
    var report = bare
    var locks = LockHolds()
    locks.holds = latency(64)
    (locks.longestChunk, locks.breakPoints, locks.breaksTaken) = (.microseconds(305), 63, 17)
    report.locks = locks
    var network = NetworkOutcome()
    (network.baseline, network.during, network.retained) = (.gigabits(9.5), .gigabits(1.9), 0.2)
    (network.largestGap, network.longestWithoutSoftirq) = (.milliseconds(31), .milliseconds(4))
    (network.drops.ring, network.drops.socket) = (101, 202)
    (network.retransmits, network.timeouts, network.ksoftirqdWakes) = (303, 404, 505)
    report.network = network
    var storage = StorageOutcome()
    (storage.baseline, storage.during, storage.retained) = (1_000, 250, 0.25)
    storage.latency = latency(9)
    report.storage = storage
    var faults = FaultOutcome()
    (faults.faults, faults.retries, faults.notifierCalls) = (77, 8, 9)
    faults.latency = latency(77)
    report.faults = faults
    report.masked = MaskedInterrupts()
    report.masked?.interrupts = 21
    report.masked?.longestWait = .microseconds(13)
    (report.cpu.stageTwo, report.cpu.idle) = (.seconds(78), .milliseconds(500))
    return report
  }

  private func text(_ report: RunReport) -> String {
    report.text(AnswerContext(heading: "w on h", provenance: "host: 2 values fitted", files: []))
  }

  /// The text without line ends, so that a sentence is found wherever it is wrapped.
  private func flat(_ report: RunReport) -> String {
    text(report).split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  @Test func aRunWithoutPartsSaysWhatItIs() {
    let lines = text(bare).components(separatedBy: "\n")
    #expect(lines[0] == "w on h")
    #expect(lines[1] == "policy chunk=2MiB, seed 42, every event of the operation")
    let rows = lines[3..<7].map { $0.split(separator: " ").joined(separator: " ") }
    #expect(rows[2...].elementsEqual(["teardown 122 s", "stage 2 78.1 s"]))
    let labels = lines.filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
      .map { $0.prefix(11).split(separator: " ").joined(separator: " ") }
    #expect(labels == ["stage 2", "trace", "basis"])
    #expect(flat(bare).contains("1234567 events, digest 000000000000beef"))
  }

  @Test(arguments: [
    "64 holds: p50 7 us, p99 90 us, longest 2 ms; longest chunk 305 us",
    "longest chunk 305 us; 17 of 63 break points taken",
    "77 faults: p50 7 us, p99 90 us, longest 2 ms; 8 taken again; 9 notifier calls",
    "9.5 Gbit/s before, 1.9 Gbit/s during; longest gap between reads 31 ms",
    "longest without softirq 4 ms", "dropped 101 in the ring, 202 at the socket",
    "303 retransmits, 404 timeouts; ksoftirqd woken 505 times",
    "1000 requests/s before, 250 during; p99 90 us", "stage 2 78 s, idle 500 ms",
    "21 hard IRQs waited for the end of a TLB flush, at most 13 us",
    "512 leaves, 3 unmap calls, 513 IPA, 4 range and 5 VMID flushes, 6 tables freed",
    "host: 2 values fitted", "longest hold 2 ms", "TCP keeps 20 %", "storage keeps 25 %",
  ])
  func everyPartSaysItsNumbers(sentence: String) {
    #expect(flat(full).contains(sentence), "\(flat(full))")
  }

  @Test func noLineIsTooWideAndNoneEndsInASpace() {
    for line in text(full).components(separatedBy: "\n") {
      #expect(line.count <= 110 && !line.hasSuffix(" "), "\(line)")
    }
  }

  @Test func whatDidNotHappenIsNotSaid() {
    var report = full
    report.locks?.holds.count = 0
    report.locks?.longestChunk = .zero
    report.faults?.latency.count = 0
    report.masked?.interrupts = 0
    let text = flat(report)
    for words in ["holds:", "faults:", "hard IRQs waited"] { #expect(!text.contains(words)) }
    report.locks?.longestChunk = .microseconds(1)
    report.locks?.breakPoints = 0
    #expect(flat(report).contains("longest chunk 1 us") && !flat(report).contains("break points"))
  }

  @Test func aPercentileOfNothingIsNoneAndOneOfFewIsTheLargest() {
    var report = full
    report.requests = LatencySummary()
    var protect = WriteProtectTimes()
    (protect.callP99, protect.timedCalls) = (.milliseconds(57), 1)
    report.writeProtect = protect
    report.storage?.latency = LatencySummary()
    let text = flat(report)
    #expect(text.contains("requests p99 none"))
    #expect(text.contains("requests p99: no request was seen"))
    #expect(text.contains("write-protect p99 57 ms"))
    #expect(text.contains("write-protect p99 is the largest of 1 timed call; a lower one needs"))
    #expect(text.contains("250 during; p99 none"))
    report.writeProtect?.timedCalls = 100
    #expect(!flat(report).contains("the largest of"))
  }

  @Test func aWindowSaysWhatShareOfItWasRun() {
    var report = bare
    (report.fidelity, report.operation.simulatedShare) = (.window, 0.0625)
    #expect(flat(report).contains("6.25 % of the operation simulated, scaled to the whole"))
    (report.fidelity, report.operation.errorBound) = (.fast, 0.031)
    #expect(flat(report).contains("the rest like the mean of its batches: time +-3 % (95 %)"))
  }

  @Test func equalRoundsOfAMigrationStandTogether() {
    var report = bare
    var migration = MigrationOutcome()
    (migration.time, migration.downtime, migration.guestSpeed) = (
      .seconds(9), .milliseconds(80), 0.75
    )
    let (long, short) = (
      MigrationRound(pages: 100, time: .seconds(2)), MigrationRound(pages: 7, time: .seconds(1))
    )
    migration.rounds = [long, short, short, short, long]
    report.migration = migration
    let rounds = "rounds: 100 pages in 2 s, 3 times 7 pages in 1 s, 100 pages in 2 s"
    #expect(flat(report).contains("did not converge, guest at 75 % of its speed; " + rounds))
    report.migration?.converged = true
    #expect(flat(report).contains(" converged, guest at 75 %"))
    #expect(
      flat(report).contains("migration 9 s downtime 80 ms") && !flat(report).contains("teardown")
    )
  }

  @Test func neighboursPayAShareOfWhatTheyTookBefore() {
    var report = bare
    report.neighbours = NeighbourOutcome(
      teardowns: 3,
      alone: .seconds(10),
      beside: .seconds(15),
      othersBefore: .seconds(12)
    )
    let sentence =
      "3 more teardowns share the TLBI fabric: stage-2 work takes 15 s CPU instead of 10 s; "
      + "each of theirs takes 3 s (25 %) longer because of this one"
    #expect(flat(report).contains(sentence))
  }
}

/// Runs and hazards for other programs and people.
@Suite struct RunTableTests {
  private let bare = RunReport(
    identity: RunIdentity(
      host: "plain",
      kernel: "6.1",
      workload: "teardown",
      policy: "chunk=2MiB,tlbi=deferred",
      seed: .max
    )
  )

  @Test func everyFeatureAndResponseHasAColumnAndEveryRunARow() {
    let features = FeatureVector(values: Feature.allCases.indices.map { Double($0) / 3 })
    var report = bare
    report.operation.whole = .nanoseconds(1_234_567_891)
    report.stop = .timeLimit
    report.connects = ConnectOutcome()
    report.connects?.attempted = 30
    let runs = [(7, report), (1, bare)].map { group, report in
      StoredRun(
        index: group == 7 ? 0 : 1,
        group: group,
        replicate: 2,
        asked: "",
        identity: report.identity,
        key: "",
        features: features,
        numbers: RunNumbers(report)
      )
    }
    var table = RunTable()
    for run in runs { table.append(run) }
    let lines = table.csv().split(separator: "\n").map { $0.components(separatedBy: ",") }
    let head = [
      "host", "kernel", "workload", "policy", "run", "group", "replicate", "seed", "stopped",
    ]
    let names = Feature.allCases.map(\.rawValue) + Response.allCases.map(\.rawValue)
    #expect(lines[0] == head + ["connects_tried"] + names)
    let identity = [bare.identity.host, bare.identity.kernel, bare.identity.workload]
    // The policy has a comma, so it is quoted and stands in two parts.
    #expect(lines.dropFirst().allSatisfy { $0.starts(with: identity) })
    let tail = lines.dropFirst().map { $0.suffix(names.count + 6) }
    #expect(tail[0].starts(with: ["0", "7", "2", "\(bare.identity.seed)", "1", "30"]))
    #expect(tail[1].starts(with: ["1", "1", "2", "\(bare.identity.seed)", "0", "1"]))
    for (value, text) in zip(features.values, tail[0].dropFirst(6)) {
      #expect(Double(text) == value, "every digit is written")
    }
    for (response, text) in zip(Response.allCases, lines[1].suffix(Response.allCases.count)) {
      #expect(Double(text) == report.value(of: response), "\(response)")
    }
    #expect(RunTable().csv().split(separator: "\n").count == 1)
  }

  @Test(arguments: ["6.1", "6.12", "7.3"], [CPUFeatures(), CPUFeatures(levelHint: true)])
  func aVerdictNamesEveryHazardItFound(release: String, features: CPUFeatures) throws {
    var rules = try StageTwoRules(KernelRelease(written: release), features)
    for flush in [FlushRule.perLeaf, .deferredRange] {
      rules.flush = flush
      let verdict = try HazardVerdict(rules, granule: .size4K)
      let text = verdict.text()
      let flat = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      #expect(
        flat.hasPrefix(verdict.isSafe ? "hazards safe: the policy adds no" : "hazards unsafe")
      )
      for finding in verdict.findings {
        let owner = finding.isInherited ? "the kernel itself" : "the policy"
        #expect(flat.contains("hazard \(finding.hazard.rawValue), of \(owner), TLB model"))
        #expect(flat.contains("The kernel's rule: \(finding.hazard.kernelRule)."))
      }
      #expect(flat.components(separatedBy: "The kernel's rule").count == verdict.findings.count + 1)
      #expect(text.split(separator: "\n").allSatisfy { $0.count <= 110 })
      #expect(flush == .perLeaf || !verdict.isSafe, "a deferred flush needs FWB")
    }
  }
}
