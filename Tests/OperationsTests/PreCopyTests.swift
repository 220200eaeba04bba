// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness
import TestSupport
import Testing

@Suite struct DirtyWordsTests {
  /// The naive twin: bits set at random, words and spans counted one by one.
  private static func naive(_ share: Double, _ pages: Int64, _ chance: inout Randomness.Stream) -> (
    dirty: Int64, words: Int64, spanned: Int64
  ) {
    var (dirty, words, spanned) = (Int64(0), Int64(0), Int64(0))
    for _ in 0..<pages / 64 {
      let bits = (0..<64).filter { _ in chance.uniform() < share }
      dirty += Int64(bits.count)
      guard let low = bits.first, let high = bits.last else { continue }
      words += 1
      spanned += Int64(high - low + 1)
    }
    return (dirty, words, spanned)
  }

  @Test(
    "words and spans are those of bits set at random",
    arguments: [0.001, 0.01, 0.05, 0.3, 0.9]
  )
  func random(_ share: Double) {
    var chance = Seed(11).stream("words")
    let pages: Int64 = 256_000
    let naive = Self.naive(share, pages, &chance)
    let found = DirtyWords(dirty: naive.dirty, among: pages)
    let words = Double(naive.words)
    let wordError = (Double(found.words) / words - 1).magnitude
    #expect(wordError < 3 / words.squareRoot() + 0.01)
    let spanError = (Double(found.spanned) / Double(naive.spanned) - 1).magnitude
    #expect(spanError < 0.06)
  }

  @Test("no page, one page, and every page")
  func ends() {
    #expect(DirtyWords(dirty: 0, among: 1_000).words == 0)
    let one = DirtyWords(dirty: 1, among: 1 << 24)
    #expect(one.words == 1 && one.spanned == 1)
    let all = DirtyWords(dirty: 640, among: 640)
    #expect(all.words == 10 && all.spanned == 640)
  }

  @Test("more dirty pages never need fewer words or shorter spans")
  func monotone() {
    var last = DirtyWords(dirty: 0, among: 4_096)
    for dirty in Int64(1)...4_096 {
      let next = DirtyWords(dirty: dirty, among: 4_096)
      #expect(next.words >= last.words && next.spanned >= last.spanned)
      #expect(next.spanned >= dirty && next.words <= 64)
      last = next
    }
  }
}

@Suite struct PreCopyTests {
  private static func operation(
    _ changes: [LoadedSetup.Change] = [],
    _ policy: String = ""
  ) throws -> BatchedOperation {
    let loaded = try LoadedSetup(
      workload: "live-migration",
      host: "graviton4",
      kernel: "6.12",
      from: ProfileStore(directories: [packageRoot.appending(path: "models")]),
      setting: [
        ("net.flows", "0"), ("net.offered", "0bit/s"), ("migration.working_set", "64MiB"),
        ("migration.dirty_pages_per_second", "2000"),
      ] + changes
    )
    return BatchedOperation(loaded.setup, try loaded.policy(policy))
  }

  /// A guest that writes 2,000 pages a second within 64 MiB, from a public report: every range of
  /// CLEAR costs by what is dirty.
  @Test(
    "a CLEAR costs by the pages that are dirty",
    arguments: ["clear=slot", "clear=1GiB", "clear=16MiB"]
  )
  func followsDirtyPages(_ policy: String) throws {
    var rounds = try Self.operation([("migration.downtime_limit", "1ms")], policy).preCopy()
    var start = rounds
    _ = start.first()
    let first = start.counts.leavesProtected
    #expect(first == 1 << 24, "the first pass protects every page once")
    rounds.run()
    let later = rounds.counts.leavesProtected - first
    // The first round lasts 22 s: nearly all of the 16,384 pages are dirty after it.
    #expect(later > 8_000)
    #expect(later <= 16_384 * Int64(rounds.rounds.count))
    #expect(rounds.converged)
    #expect((2...4).contains(rounds.rounds.count))
    #expect(rounds.downtime < .milliseconds(1))
  }

  @Test("every range of CLEAR beside every number of dirty pages comes to an end")
  func everyShare() throws {
    for policy in ["clear=256KiB", "clear=1MiB", "clear=16MiB,split=2MiB", "clear=slot"] {
      for rate in [0, 1, 40, 150, 3_000, 90_000, 4_000_000] {
        for set in ["0B", "256KiB", "1MiB", "64MiB"] {
          var rounds = try Self.operation(
            [
              ("vm.memory", "128MiB"), ("migration.dirty_pages_per_second", "\(rate)"),
              ("migration.working_set", set), ("migration.downtime_limit", "1us"),
              ("migration.maximum_rounds", "4"),
            ],
            policy
          ).preCopy()
          rounds.run()
          let name = "\(policy), \(rate) pages/s in \(set)"
          #expect((2...5).contains(rounds.rounds.count), "\(name)")
          #expect(rounds.counts.leavesProtected >= 32_768, "\(name)")
          #expect(rounds.guestSpeed > 0 && rounds.guestSpeed <= 1, "\(name)")
        }
      }
    }
  }

  @Test("the stop phase protects nothing")
  func stopPhase() throws {
    var rounds = try Self.operation().preCopy()
    var last: [WorkGroup] = []
    var measured = MeasuredWork()
    while let groups = rounds.next(after: measured) {
      last = groups
      measured = MeasuredWork(wall: .milliseconds(100))
    }
    #expect(last.flatMap(\.steps).allSatisfy { $0.kind != .stageTwo })
  }

  @Test(
    "the leaves of every round are those that PageTables counts",
    arguments: ["clear=slot", "clear=64MiB", "clear=1GiB,chunk=128KiB"]
  )
  func leavesOfRounds(_ policy: String) throws {
    let operation = try Self.operation(
      [
        ("vm.memory", "2GiB"), ("migration.dirty_pages_per_second", "100000"),
        ("migration.downtime_limit", "1ms"),
      ],
      policy
    )
    var tables = try operation.layOut()
    let slot = operation.memoryRange
    let all = DirtyPages(0..<slot.size.divided(roundedDownBy: .kibibytes(4)))
    let whole = try tables.harvest(all, of: slot, try operation.rules()).total
    var rounds = try operation.preCopy()
    _ = rounds.first()
    #expect(rounds.counts.leavesProtected == whole.leavesProtected)
    #expect(rounds.counts.wrprotectCalls == whole.wrprotectCalls)
    #expect(rounds.counts.breakPoints == whole.breakPoints)
    let before = rounds.counts
    _ = rounds.next(after: MeasuredWork(wall: .seconds(1)))
    let dirty = try #require(rounds.rounds.last.map { _ in rounds.faults })
    let words = DirtyWords(dirty: dirty, among: 16_384)
    #expect(rounds.counts.leavesProtected - before.leavesProtected == words.spanned)
  }

  @Test("a chunk smaller than a word changes a CLEAR, and the split size a log start")
  func knobsMatter() throws {
    let plain = try Self.operation([], "clear=1GiB").exactPlan()
    let small = try Self.operation([], "clear=1GiB,chunk=128KiB").exactPlan()
    #expect(small.counts.wrprotectCalls == 2 * plain.counts.wrprotectCalls)
    #expect(small.plan.groups != plain.plan.groups)
    var plans: [WorkPlan] = []
    for split in ["off", "4KiB", "2MiB", "1GiB"] {
      let enable = try Self.operation(
        [("operation", "log-enable"), ("vm.block_share", "1"), ("vm.memory", "4GiB")],
        "split=\(split)"
      )
      plans.append(try enable.exactPlan().plan)
    }
    for (one, other) in zip(plans, plans.dropFirst()) { #expect(one != other) }
  }

  @Test("parts of 2 MiB leaves split the host's page, and a pause has its slack")
  func hostSide() throws {
    let loaded = try LoadedSetup(
      workload: "mixed-thp",
      host: "graviton4",
      kernel: "6.12",
      from: ProfileStore(directories: [packageRoot.appending(path: "models")]),
      setting: [("vm.memory", "1GiB"), ("vm.block_share", "1"), ("vm.touched_share", "1")]
    )
    func steps(_ policy: String) throws -> [WorkStep] {
      let operation = BatchedOperation(loaded.setup, try loaded.policy(policy))
      return try operation.exactPlan().plan.groups.flatMap(\.steps)
    }
    let split = loaded.setup.host.hostFree.hugeSplit * 1
    let small = try steps("path=madvise-slices,slice=64KiB,pause=100us")
    #expect(small.contains { $0.kind == .hostSide && $0.unit == split })
    #expect(small.contains { $0.kind == .sleep && $0.unit == .microseconds(150) })
    let whole = try steps("path=madvise-slices,slice=2MiB")
    #expect(!whole.contains { $0.kind == .hostSide && $0.unit == split })
  }
}
