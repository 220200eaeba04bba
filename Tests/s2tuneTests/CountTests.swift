// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@Suite struct CountTests {
  private static let gibibyte = ["--map", "0x40000000+1GiB:4K", "--op", "unmap:0x40000000+1GiB"]

  @Test func aGibibyteOfPagesIsGolden() throws {
    let result = try Tool.run(
      ["count", "--kernel", "6.12", "--cpu", "fwb,tlbirange,vhe"] + Self.gibibyte + [
        "--op", "destroy",
      ]
    )
    #expect(result.status == 0)
    Golden.check(result.output, "count/6.12-range-1GiB.txt")
  }

  /// The golden vector of one GiB of 4K pages in 2 MiB chunks, 40 bits, without range TLBI.
  @Test func jsonCarriesTheGoldenVector() throws {
    let result = try Tool.run(
      ["count", "--kernel", "6.1", "--policy", "chunk=2MiB", "--format", "json"] + Self.gibibyte
    )
    let answer = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
    )
    let operations = try #require(answer["operations"] as? [[String: Any]])
    let counts = try #require(operations.first?["counts"] as? [String: Int])
    #expect(operations.first?["chunks"] as? Int == 512)
    #expect(counts["unmap_visits"] == 262_144 + 1_024)
    #expect(counts["put_page"] == 263_170 && counts["ipa_flushes"] == 262_657)
    #expect(counts["break_points"] == 511 && counts["range_flushes"] == 0)
  }

  /// A slot's life: faults, logging with eager splits, blocks again, parts given back, the end.
  @Test func aLifeIsGolden() throws {
    let slot = "0x40000000+64MiB"
    let steps = [
      "write:\(slot):2M", "log-on-initset:\(slot)", "clear-log:0x40000000+32MiB",
      "clear-log:0x42000000/0xff0f", "write:0x40000000+1MiB", "get-log:\(slot)",
      "log-off:\(slot)", "write:\(slot):2M", "unmap-nonblocking:0x40001000+4KiB",
      "memslot-delete:\(slot)", "destroy",
    ]
    let result = try Tool.run(
      ["count", "--kernel", "6.12", "--cpu", "fwb,tlbirange,vhe", "--policy", "split=2MiB"]
        + steps.flatMap { ["--op", $0] }
    )
    #expect(result.status == 0, "\(result.errors)")
    Golden.check(result.output, "count/6.12-life.txt")
  }

  /// What the capture's program does, driven by hand: the counts are those of its row.
  @Test func theCapturedPhasesComeOutOfOperations() throws {
    let lines = try ValidateCountsTests.lines().map { $0.split(separator: ",").map(String.init) }
    let slot = "0x40000000+64MiB"
    let phases = [
      ("B.log_enable_wp", "log-on:\(slot)"), ("B.getlog_clean", "get-log:\(slot)"),
      ("B.getlog_dirty", "get-log:\(slot)"),
    ]
    let steps = ["log-on:\(slot)", "get-log:\(slot)", "write:0x40000000+16MiB", "get-log:\(slot)"]
    let result = try Tool.run(
      ["count", "--kernel", "7.3.4", "--cpu", "fwb,tlbirange,vhe", "--format", "json"]
        + ["--map", "\(slot):2M"] + steps.flatMap { ["--op", $0] }
    )
    let answer = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
    )
    let operations = try #require(answer["operations"] as? [[String: Any]])
    for (phase, index) in zip(phases.map(\.0), [0, 1, 3]) {
      let row = try #require(
        lines.first {
          $0.starts(with: ["7.3.4", "max"]) && $0[6...9] == ["64", "thp", "16", phase][...]
        }
      )
      let counts = try #require(operations[index]["counts"] as? [String: Int])
      for (column, name) in lines[0].enumerated().dropFirst(10).dropLast(2) {
        #expect(counts[name] == Int(row[column]), "\(phase) \(name)")
      }
    }
  }

  /// The two ideas of the thread: each alone is safe, both together are not.
  @Test(arguments: [
    ("chunk=2MiB,tlbi=if-cleared", false), ("chunk=2MiB", true), ("tlbi=if-cleared", true),
    ("chunk=mapping-aware:2MiB,tlbi=if-cleared", true), ("chunk=2MiB,tlbi=if-cleared-span", true),
  ])
  func theVerdictIsInTheAnswer(_ policy: String, isSafe: Bool) throws {
    let arguments =
      ["count", "--kernel", "6.12", "--cpu", "fwb,tlbirange,vhe", "--policy", policy]
      + Self.gibibyte
    let text = try Tool.run(arguments).output
    #expect(text.contains(isSafe ? "hazards  safe" : "hazards  unsafe"))
    #expect(text.contains("skip their flush") == !isSafe)
    #expect(text.contains("5994bc9e05c2") == !isSafe)
    let answer = try #require(
      try JSONSerialization.jsonObject(
        with: Data(try Tool.run(arguments + ["--format", "json"]).output.utf8)
      ) as? [String: Any]
    )
    let safety = try #require(answer["safety"] as? [String: Any])
    #expect(safety["safe"] as? Bool == isSafe)
    let hazards = try #require(safety["hazards"] as? [[String: Any]])
    #expect(hazards.compactMap { $0["hazard"] as? Int } == (isSafe ? [] : [1]))
  }

  /// The repeat follows the update; MADV_DONTNEED of half a huge page does nothing.
  @Test(arguments: [("6.18.15", 2), ("6.18.36", 3)])
  func theCoreAndTheUpdateDecideTheBarriers(_ kernel: String, barriers: Int) throws {
    let result = try Tool.run([
      "count", "--kernel", kernel, "--cpu", "vhe", "--core", "neoverse-n1", "--format", "json",
      "--map", "0x40000000+4MiB:2M", "--op", "dontneed:0x40000000+1MiB:2M",
      "--op", "dontneed:0x40000000+3MiB:2M",
    ])
    #expect(result.status == 0, "\(result.errors)")
    let answer = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
    )
    let rows = try #require(answer["operations"] as? [[String: Any]])
    let counts = rows.compactMap { $0["counts"] as? [String: Int] }
    #expect(counts.map { $0["unmap_calls"] } == [0, 1])
    #expect(rows.map { $0["chunks"] as? Int } == [0, 1])
    #expect(counts.map { $0["stage2_dsb_ish"] } == [0, barriers])
  }

  @Test func aSliceIsACallEach() throws {
    let result = try Tool.run(
      ["count", "--kernel", "6.12", "--policy", "slice=2MiB", "--format", "json"] + Self.gibibyte
    )
    #expect(result.output.contains("\"unmap_calls\" : 512"), "\(result.errors)")
    #expect(result.output.contains("\"break_points\" : 0"))
  }

  @Test(arguments: [
    (["--op", "log-off:0x0+4KiB"], 64, "log-on:RANGE"),
    (["--op", "log-on:0x0+1MiB", "--op", "log-on:0x0+4KiB"], 64, "overlaps"),
    (["--op", "log-on:0x0+1MiB", "--op", "clear-log:0x1000+4KiB"], 65, "words of 64 pages"),
    (["--op", "clear-log:0x0/0xzz"], 64, "ADDRESS/MASK"),
    (["--op", "split:0x0+2MiB"], 64, "--policy split=2MiB"),
    (["--op", "zero-page:0x5000"], 65, "--op zero-page:0x5000"),
    (["--op", "write:0x0+4KiB:1M"], 64, "a leaf of 4K, 2M, 1G"),
    (["--op", "destroy:0x0+4KiB"], 64, "destroy"),
    (["--kernel", "5.15", "--op", "log-on:0x0+1MiB", "--op", "ring-reset:0x0+1MiB"], 65, "6.2"),
    (["--policy", "controller=time:500us/64", "--op", "destroy"], 64, "controller=fixed"),
    (["--policy", "slice=4KiB", "--op", "unmap:0x0+64GiB"], 64, "calls"),
    (["--op", "unmap:0x1001+4KiB"], 65, "not aligned to 4KiB"),
    (["--core", "pentium", "--op", "destroy"], 64, "cortex-a35, cortex-a53"),
    (
      ["--kernel", "6.12", "--policy", "slice=4KiB", "--op", "dontneed:0x40000000+2MiB:2M"], 65,
      "--op dontneed:0x40000000+2MiB:2M: Linux 6.12 refuses MADV_DONTNEED"
    ),
    (["--kernel", "5.15", "--op", "dontneed:0x40000000+2MiB:2M"], 65, "memory of other pages"),
  ])
  func whatCannotBeDoneGetsASentence(arguments: [String], status: Int32, part: String) throws {
    let result = try Tool.run(["count"] + arguments)
    #expect(result.status == status)
    #expect(result.output.isEmpty && result.errors.contains(part), "\(result.errors)")
    #expect(result.errors.split(separator: "\n").count == 1)
  }

  @Test(arguments: [
    (["--op", "foo"], 64, "unmap:RANGE"),
    (["--op", "age:0x40000000+1GiB"], 64, "aging (kvm_age_hva"),
    (["--op", "unmpa:0x40000000+1GiB"], 64, "did you mean unmap"),
    (["--policy", "chnk=2MiB", "--op", "destroy"], 64, "did you mean chunk?"),
    ([], 64, "no --op"),
    (["--map", "0x40000000+1GiB:3K", "--op", "destroy"], 64, "a leaf of 4K, 2M, 1G"),
    (["--map", "40000000", "--op", "destroy"], 64, "RANGE:LEAF"),
    (["--cpu", "sve", "--op", "destroy"], 64, "tlbirange"),
    (["--granule", "8K", "--op", "destroy"], 64, "4K, 16K or 64K"),
    (["--kernel", "6", "--op", "destroy"], 64, "a release such as 6.12"),
    (["--kernel", "4.19", "--op", "destroy"], 65, "oldest known release is 5.10"),
    (["--ipa-bits", "60", "--op", "destroy"], 65, "60 bits"),
    (["--ipa-bits", "52", "--op", "destroy"], 65, "LPA2"),
    (["--policy", "tlbi=deferred", "--op", "destroy"], 64, "FEAT_TLBIRANGE"),
    (["--kernel", "6.1", "--cpu", "lpa2", "--op", "destroy"], 65, "LPA2"),
    (
      ["--map", "0x0+1GiB:4K", "--map", "0x1000+4KiB:4K", "--op", "destroy"], 65, "overlaps"
    ),
    (["--op", "unmap:0xffffffffff000+1TiB"], 64, "ends at or below"),
    (["--op", "unmap:0x10000000000+1GiB"], 65, "leaves the IPA space"),
  ])
  func badInputGetsASentence(arguments: [String], status: Int32, part: String) throws {
    let result = try Tool.run(["count"] + arguments)
    #expect(result.status == status)
    #expect(result.output.isEmpty && result.errors.contains(part), "\(result.errors)")
  }
}
