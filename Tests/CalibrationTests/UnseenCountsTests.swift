// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Quantities
import Testing

@testable import Calibration

/// Kinds of kernels, CPUs and phases that the shipped file lacks.
///
/// Every number here follows from the kernel's rule: a slot of 64 MiB at 1 GiB has 32 blocks of 2 MiB under one level-2 table, the
/// guest's loop a page of its own under two tables.
@Suite struct UnseenCountsTests {
  /// A VM whose rows a file holds.
  struct Machine {
    var kernel = "6.12.107"
    var cpu = "max"
    /// FWB, TLBIRANGE, VHE.
    var flags = "yes,yes,yes"
    var backing = "4k"
    var memory = 64
    var rewrite = 16
  }

  /// A file of rows with these cells, zero elsewhere.
  private func file(
    _ machine: Machine,
    _ phases: [(name: String, cells: [String: Int64])]
  ) throws -> KernelCounts {
    let start =
      "\(machine.kernel),\(machine.cpu),\(machine.flags),40,\(machine.memory),\(machine.backing),"
      + "\(machine.rewrite)"
    let columns = EventCounts.capturedColumns.map(\.name) + KernelCounts.measures
    let rows = phases.map { phase in
      ([start, phase.name] + columns.map { "\(phase.cells[$0] ?? 0)" }).joined(separator: ",")
    }
    let text = ([KernelCountsTests.header] + rows).joined(separator: "\n")
    return try KernelCounts(parsing: Array(text.utf8), file: "mine.csv")
  }

  /// What the replay counts in the phases of a VM.
  private func replayed(_ machine: Machine, _ phases: [String]) throws -> [EventCounts] {
    let file = try file(machine, phases.map { ($0, [:]) })
    var replays = ReplayCache(file)
    return try file.rows.map { try replays.counts($0).get().counts }
  }

  private func cells(_ counts: EventCounts, but left: [String] = []) -> [String: Int64] {
    var cells: [String: Int64] = [:]
    for column in EventCounts.capturedColumns where !left.contains(column.name) {
      cells[column.name] = counts[keyPath: column.field]
    }
    return cells
  }

  // MARK: - nVHE

  /// 32 blocks and their table: 33 flushes, each with an ISB for TCR, one for the tables, one at
  /// the end and one on the way back on a core with speculative AT; three or two without it.
  @Test(arguments: [
    ("6.12.107", "cortex-a72", Int64(4), Int64(3), Int64(0)),
    ("6.18.15", "cortex-a57", 4, 3, 0), ("6.1.0", "cortex-a72", 4, 2, 1),
    ("7.3.4", "cortex-a53", 3, 3, 0), ("6.1.0", "cortex-a53", 2, 2, 1),
  ])
  func aFlushWithoutVHE(
    _ kernel: String,
    cpu: String,
    isb: Int64,
    ish: Int64,
    ishst: Int64
  ) throws {
    let machine = Machine(kernel: kernel, cpu: cpu, flags: "no,no,no", backing: "thp")
    let unmap = try replayed(machine, ["A.dontneed_all"])[0]
    #expect([unmap.ipaFlushes, unmap.tlbiIPAS2E1IS, unmap.tlbiVMALLE1IS] == [33, 33, 33])
    #expect([unmap.isb, unmap.dsbISH, unmap.dsbISHST] == [isb * 33, ish * 33, ishst * 33])
  }

  /// 256 pages of a protected MiB are written again: as many local flushes, with as many ISBs each.
  @Test func aLocalFlushWithoutVHEHasAsManyISBs() throws {
    let machine = Machine(cpu: "cortex-a72", flags: "no,no,no", rewrite: 1)
    let write = try replayed(machine, ["B.rewrite"])[0]
    #expect(
      [write.relaxCalls, write.tlbiIPAS2E1, write.tlbiVMALLE1, write.isb] == [256, 256, 256, 1_024]
    )
  }

  /// A file that names no flush at EL2 is compared in its TLBI and barriers; a wrong ISB is found.
  @Test func flushesAtEL2AreComparedByWhatIsSeen() throws {
    let machine = Machine(cpu: "cortex-a72", flags: "no,no,no", backing: "thp")
    let counts = try replayed(machine, ["A.dontneed_all"])[0]
    var cells = cells(counts, but: EL2Sight.flushColumns)
    let seen = CountsValidation(try file(machine, [("A.dontneed_all", cells)]))
    #expect(seen.mismatches.map(\.description) == [])
    #expect(seen.passes && seen.inferred.isEmpty)
    #expect(seen.columns.first { $0.name == "ipa_flushes" }?.compared == 0)
    #expect(seen.columns.first { $0.name == "stage2_isb" }?.compared == 1)
    #expect(seen.omitted.contains { $0.place == "nVHE hosts of which no row names a flush" })
    cells["stage2_isb"] = 99
    let wrong = CountsValidation(try file(machine, [("A.dontneed_all", cells)]))
    #expect(wrong.mismatches.map(\.column) == ["stage2_isb"])
    // One that names them is compared in full.
    let named = CountsValidation(try file(machine, [("A.dontneed_all", self.cells(counts))]))
    #expect(named.passes)
    #expect(named.columns.first { $0.name == "ipa_flushes" }?.compared == 1)
  }

  // MARK: - hugetlb

  /// Slices below a huge page: the first rounds down to nothing, the others are refused, and the
  /// memory is still there when the VM ends: 32 blocks and the loop's page are 33 references,
  /// three tables two each.
  @Test func slicesBelowAHugetlbPageDoNothing() throws {
    let machine = Machine(backing: "h2m")
    let phases = ["F.dontneed_4k", "F.dontneed_64k", "F.dontneed_1m", "F.destroy"]
    let counts = try replayed(machine, phases)
    for slices in counts[..<3] { #expect(slices == .zero) }
    #expect(counts[3].putPage == 39)
    let whole = try replayed(machine, ["A.dontneed_slices", "F.dontneed_2m"])
    #expect(whole.map(\.unmapCalls) == [32, 32])
    #expect(whole.map(\.putPage) == [34, 34])
  }

  @Test(arguments: [
    // All of it refused; one slice in 512 gives a page back; pages of 1 GiB take no 2 MiB.
    ("5.15.0", "h2m", 64, "A.dontneed_all", Int64(0)), ("5.19.17", "h2m", 64, "F.dontneed_4k", 32),
    ("6.12.107", "h1g", 1_024, "A.dontneed_slices", 0),
    ("6.12.107", "h1g", 1_024, "A.dontneed_all", 1),
  ])
  func adviceOnHugetlbIsAMatterOfReleases(
    _ kernel: String,
    backing: String,
    memory: Int,
    phase: String,
    calls: Int64
  ) throws {
    let machine = Machine(kernel: kernel, backing: backing, memory: memory)
    #expect(try replayed(machine, [phase])[0].unmapCalls == calls)
  }

  // MARK: - Slices of pages and of transparent huge pages

  /// 16,384 pages one by one: with the flush deferred one range flush each, and each of the 32
  /// level-3 tables and their parent is flushed as it empties.
  @Test func slicesOfPages() throws {
    let counts = try replayed(
      Machine(),
      ["F.dontneed_4k", "F.dontneed_64k", "F.dontneed_1m", "F4K.dontneed"]
    )
    #expect(counts.map(\.unmapCalls) == [16_384, 1_024, 64, 16_384])
    #expect(counts.map(\.rangeFlushes) == [16_384, 1_024, 64, 16_384])
    #expect(counts.map(\.ipaFlushes) == [33, 33, 33, 33])
    // A page is flushed by its IPA, 16 and 256 pages by one range.
    #expect(counts.map(\.tlbiRIPAS2E1IS) == [0, 1_024, 64, 0])
    #expect(counts.map(\.putPage) == [Int64](repeating: 16_384 + 66, count: 4))
    #expect(counts.map(\.breakPoints) == [0, 0, 0, 0])
  }

  /// The first slice of each of 32 blocks splits the host's page: a second notifier over 2 MiB.
  ///
  /// After that the host has pages there, of which a touch every 2 MiB maps one: 32 pages in 32
  /// tables under one.
  @Test func slicesOfTransparentHugePages() throws {
    let counts = try replayed(Machine(backing: "thp"), ["F.dontneed_4k", "F.dontneed_64k"])
    #expect(counts.map(\.unmapCalls) == [16_384 + 32, 1_024])
    #expect(counts.map(\.rangeFlushes) == [16_384 + 32, 1_024])
    #expect(counts.map(\.tlbiRIPAS2E1IS) == [32, 1_024])
    #expect(counts.map(\.ipaFlushes) == [1, 33])
    #expect(counts.map(\.putPage) == [32 + 2, 32 + 66])
  }

  // MARK: - Guests that touch little

  @Test(arguments: [("S2m", Int64(32)), ("S64k", 1_024), ("s64K", 1_024)])
  func sparseGuests(_ series: String, pages: Int64) throws {
    let counts = try replayed(Machine(), ["\(series).fault", "\(series).dontneed_all"])
    // Each touch and the loop's page are a fault of three tables; the last store leaves.
    #expect(counts[0].mapCalls == pages + 1)
    #expect(counts[0].mapVisits == 3 * (pages + 1))
    #expect(counts[0].guestAborts == pages + 2)
    // Every entry of 32 tables is looked at, whatever it holds, and 33 tables after their entries.
    #expect(counts[1].unmapVisits == 32 * 512 + 33)
    #expect(counts[1].putPage == pages + 66)
    #expect([counts[1].rangeFlushes, counts[1].ipaFlushes] == [1, 33])
  }

  /// A logged slot that was deleted is back without a log and touched again: what is destroyed are
  /// 32 tables with their pages, one above them, the loop's page in two, and the two of the root.
  @Test func aSparseGuestIsTouchedAgainOnceItsSlotIsBack() throws {
    let phases = ["S64k.log_enable_wp", "S64k.memslot_delete", "S64k.destroy"]
    let counts = try replayed(Machine(), phases)
    #expect(counts[1].unmapVisits == 32 * 512 + 33)
    #expect(counts[2].freeVisits == 512 * (2 + 32 + 1 + 2))
    #expect(counts[2].putPage == 1_095)
  }

  // MARK: - Stable updates

  /// 33 flushes with two DSB ISH each, and a third where the update repeats the last.
  @Test(arguments: [
    ("6.18.15", Int64(66)), ("6.18.36", 99), ("6.12.107", 99), ("6.12.90", 66), ("7.3.4", 99),
    ("6.19.6", 66), ("6.1.0", 99),
  ])
  func theRepeatFollowsTheRowsKernel(_ kernel: String, barriers: Int64) throws {
    let machine = Machine(kernel: kernel, cpu: "neoverse-n1", flags: "no,no,yes", backing: "thp")
    #expect(try replayed(machine, ["A.dontneed_all"])[0].dsbISH == barriers)
  }

  /// A name that says the series alone, where the repeat came with an update: the barriers say it.
  @Test(arguments: [(Int64(66), false), (99, true)])
  func aSeriesWithoutItsUpdateIsReadOffTheBarriers(_ barriers: Int64, repeats: Bool) throws {
    let machine = Machine(
      kernel: "6.6.0",
      cpu: "neoverse-n1",
      flags: "no,no,yes",
      backing: "thp"
    )
    var cells = cells(try replayed(machine, ["A.dontneed_all"])[0])
    cells["stage2_dsb_ish"] = barriers
    let validation = CountsValidation(try file(machine, [("A.dontneed_all", cells)]))
    #expect(validation.inferred == ["6.6.0 neoverse-n1"])
    #expect(validation.mismatches.map(\.description) == [])
  }

  // MARK: - Eager split where there is none

  /// 6.1 refuses the capability: 32 blocks are protected in one walk, one VMID flush, and of 16 MiB
  /// that are written again 8 blocks break and 4,096 pages are mapped.
  @Test(arguments: [("6.1.0", "E2m"), ("6.1.0", "E64k"), ("6.1.0", "E1m")])
  func eagerSplitOfAKernelWithoutItProtects(_ kernel: String, series: String) throws {
    let counts = try replayed(
      Machine(kernel: kernel, backing: "thp"),
      ["\(series).log_enable_wp_split", "\(series).rewrite", "\(series).getlog_dirty"]
    )
    let enable = counts[0]
    #expect([enable.wrprotectCalls, enable.attrVisits, enable.splitCalls] == [1, 32, 0])
    #expect([enable.vmidFlushes, enable.ipaFlushes] == [1, 0])
    #expect(
      [counts[1].ipaFlushes, counts[1].mapCalls, counts[1].guestAborts] == [8, 4_096, 4_097]
    )
    // A walk for each of 64 words.
    #expect(counts[2].wrprotectCalls == 64)
  }

  /// A chunk that is no block is refused on every release; a block size is not.
  @Test func onlyBlockSizesSplit() throws {
    let machine = Machine(backing: "thp")
    let phase = "log_enable_wp_split"
    #expect(try replayed(machine, ["E64k.\(phase)"])[0].splitCalls == 0)
    #expect(try replayed(machine, ["E2m.\(phase)"])[0].splitCalls == 32)
  }

  // MARK: - What began before

  /// A row of an unmap with a map in it: a fault that began before the phase.
  @Test func aMapAheadOfAPhaseIsAddedAndTold() throws {
    let machine = Machine(kernel: "6.18.15")
    var cells = cells(try replayed(machine, ["A.dontneed_all"])[0])
    // One page: three tables visited, the entries published by one barrier.
    for (column, count) in [("map_calls", 1), ("map_visits", 3), ("stage2_dsb_ishst", 1)] {
      cells[column, default: 0] += Int64(count)
    }
    let validation = CountsValidation(try file(machine, [("A.dontneed_all", cells)]))
    #expect(validation.mismatches.map(\.description) == [])
    #expect(validation.ahead.map(\.maps) == [1])
    #expect(CountsSummary(validation).ahead.map(\.row.line) == [2])
    cells["map_calls"] = 3
    let more = CountsValidation(try file(machine, [("A.dontneed_all", cells)]))
    #expect(more.ahead.isEmpty && more.mismatches.contains { $0.column == "map_calls" })
  }

  // MARK: - What is not understood

  @Test(arguments: [
    ("Q.surprise", "the series 'Q' is not known; known are A (faults"),
    ("E.rewrite", "the series 'E' is not known"), ("S7x.fault", "the series 'S7x' is not known"),
    ("A2m.fault", "the series 'A2m' is not known"),
    ("A.dontneed_3q", "the phase 'dontneed_3q' of series A is not known; known are fault"),
    ("fault", "'fault' names no phase; a name is SERIES.PHASE"),
    ("F.dontneed_1k", "is not aligned to 4KiB"),
  ])
  func aPhaseThatIsNotUnderstoodSaysWhy(_ phase: String, part: String) throws {
    let validation = CountsValidation(try file(Machine(), [(phase, [:])]))
    let reason = try #require(validation.skipped.first?.reason)
    #expect(reason.contains(part), "\(reason)")
    #expect(!validation.passes)
  }
}
