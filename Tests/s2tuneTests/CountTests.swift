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

  @Test(arguments: [
    (["--op", "foo"], 64, "unmap:RANGE"),
    ([], 64, "no --op"),
    (["--map", "0x40000000+1GiB:3K", "--op", "destroy"], 64, "a leaf of 4K, 2M, 1G"),
    (["--map", "40000000", "--op", "destroy"], 64, "RANGE:LEAF"),
    (["--cpu", "sve", "--op", "destroy"], 64, "tlbirange"),
    (["--granule", "8K", "--op", "destroy"], 64, "4K, 16K or 64K"),
    (["--kernel", "6", "--op", "destroy"], 64, "a release such as 6.12"),
    (["--kernel", "4.19", "--op", "destroy"], 65, "oldest known release is 5.10"),
    (["--ipa-bits", "60", "--op", "destroy"], 65, "60 bits"),
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
