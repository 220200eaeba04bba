// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Campaigns from the command line: begun, cut off, resumed and merged to the same runs.
@Suite struct CampaignCommandTests {
  static let design = [
    "--name", "small", "--hosts", "graviton3", "--kernels", "6.1", "--workloads",
    "live-migration", "--runs", "12",
  ]

  private func digest(_ result: Tool.Result) throws -> (done: Int, digest: String) {
    let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
    let values = try #require(object as? [String: Any], "\(result.errors)")
    return (values["done_count"] as? Int ?? -1, values["runs_digest"] as? String ?? "")
  }

  @Test("A campaign whose file was cut goes on to the same runs; two halves merge to the same")
  func resumesAndMerges() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
    func campaign(_ words: [String]) throws -> Tool.Result {
      try Tool.run(["campaign"] + words + Self.design + ["--format", "json"])
    }
    let whole = try digest(campaign(["run", path("whole")]))
    #expect(whole.done == 12)
    let data = try Data(contentsOf: URL(filePath: path("whole")))
    try data.prefix(data.count * 2 / 3).write(to: URL(filePath: path("cut")))
    let before = try Data(contentsOf: URL(filePath: path("cut")))
    let cut = try digest(campaign(["status", path("cut")]))
    #expect(try Data(contentsOf: URL(filePath: path("cut"))) == before, "a status only reads")
    #expect((1..<12).contains(cut.done) && cut.digest != whole.digest)
    let merged = try campaign(["merge", path("cut"), path("whole"), "--output", path("merged")])
    #expect(try digest(merged) == whole)
    #expect(try Data(contentsOf: URL(filePath: path("cut"))) == before, "a merge only reads")
    let table = try Tool.run(["campaign", "export", path("whole")] + Self.design)
    let lines = table.output.split(separator: "\n")
    #expect(lines.count == 13 && lines[0].hasSuffix("downtime_ns,guest_lost_share"))
    #expect(lines.allSatisfy { $0.count { $0 == "," } == lines[0].count { $0 == "," } })
    #expect(try digest(campaign(["resume", path("cut")])) == whole)
    #expect(try campaign(["run", path("cut")]).status == 64)
    #expect(try campaign(["resume", path("none")]).status == 64)
    let foreign = try Tool.run(
      ["campaign", "status", path("whole")] + Self.design + ["--seed", "2"]
    )
    #expect(foreign.status == 65 && foreign.errors.contains("has seed 1"), "\(foreign.errors)")
  }
}
