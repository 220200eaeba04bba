// SPDX-License-Identifier: GPL-3.0-or-later

import Campaigns
import Foundation
import Observations
import Quantities
import Testing
import Tuning

/// Runs with known values, compared by hand.
@Suite struct CampaignComparisonTests {
  /// A run whose teardown takes some milliseconds and whose storage keeps a share.
  private func run(
    _ kernel: String,
    _ replicate: Int,
    _ milliseconds: Double,
    keeps: Double = 0.5,
    asked: String = "baseline",
    index: Int = 0,
    workload: String = "w"
  ) -> StoredRun {
    let identity = RunIdentity(host: "h", kernel: kernel, workload: workload, policy: "p", seed: 1)
    var report = RunReport(identity: identity)
    report.operation.whole = .microseconds(Int64(milliseconds * 1000))
    var storage = StorageOutcome()
    storage.baseline = 1000
    storage.retained = keeps
    report.storage = storage
    return StoredRun(
      index: index,
      group: 0,
      replicate: replicate,
      asked: asked,
      identity: identity,
      key: "",
      features: FeatureVector(values: Feature.allCases.map { _ in 0 }),
      numbers: RunNumbers(report)
    )
  }

  @Test("A change is the mean of its pairs' changes, with their Student interval")
  func interval() throws {
    let runs = [
      run("6.1", 0, 100), run("6.1", 1, 200), run("6.1", 2, 400), run("6.12", 0, 50),
      run("6.12", 1, 110),
      run("6.12", 2, 190, keeps: 0.7), run("6.12", 3, 1),
    ]
    let found = try CampaignComparison(runs, by: .kernel, base: nil)
    #expect(found.sides == ["6.1", "6.12"] && found.unpaired == 1)
    let row = try #require(found.rows.first { $0.response == .teardownTime })
    let cell = try #require(row.cells[1])
    let changes = [log(50.0 / 100), log(110.0 / 200), log(190.0 / 400)]
    let mean = changes.reduce(0, +) / 3
    let deviation = (changes.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 2).squareRoot()
    // The 97.5 % quantile of Student's distribution with two degrees of freedom.
    let half = 4.30265 * deviation / 3.0.squareRoot()
    #expect(cell.pairs == 3 && abs((cell.change ?? 0) - exp(mean)) < 1e-12)
    #expect(abs((cell.low ?? 0) - exp(mean - half)) < 1e-6)
    #expect(abs((cell.high ?? 0) - exp(mean + half)) < 1e-6)
    #expect(cell.isClear(.teardownTime) && row.cells[0]?.change == nil)
    let shares = try #require(found.rows.first { $0.response == .iopsRetained }?.cells[1])
    #expect(abs((shares.change ?? 0) - 0.2 / 3) < 1e-12 && !shares.isClear(.iopsRetained))
    #expect(found.movers(9).map(\.row.response) == [.teardownTime])
  }

  @Test("A mover is where the change happened; a change of less than a per cent is none")
  func movers() throws {
    let times: [(String, Double)] = [("5.10", 100), ("6.1", 10), ("6.12", 9.9), ("7.0", 9.8)]
    let runs = (0..<3).flatMap { replicate in
      times.map { kernel, time in run(kernel, replicate, time * (1 + 0.001 * Double(replicate))) }
    }
    let found = try CampaignComparison(runs, by: .kernel, base: nil)
    #expect(found.movers(5).map(\.side) == ["6.1"])
    let still = (0..<3).flatMap { [run("6.1", $0, 1000), run("6.12", $0, 1004)] }
    let none = try CampaignComparison(still, by: .kernel, base: nil)
    #expect(none.rows[0].cells[1]?.isClear(.teardownTime) == true && none.movers(5).isEmpty)
    #expect(try CampaignComparison(runs, by: .kernel, base: "7.0").sides[0] == "7.0")
    #expect(throws: TuningError.self) { try CampaignComparison(runs, by: .kernel, base: "4.4") }
    #expect(throws: TuningError.self) { try CampaignComparison(runs, by: .host, base: nil) }
    let draw = [run("6.1", 0, 1, asked: ""), run("6.12", 0, 1, asked: "")]
    #expect(throws: TuningError.self) { try CampaignComparison(draw, by: .kernel, base: nil) }
  }

  @Test(
    "Two campaigns are paired by all they have in common: one kernel against another, or draws by place"
  )
  func campaigns() {
    let first = [run("6.1", 0, 100), run("6.1", 1, 100), run("6.1", 0, 100, workload: "v")]
    let second = [run("6.12", 0, 50), run("6.12", 1, 50), run("6.12", 0, 50, workload: "v")]
    let found = CampaignComparison(("a", first), ("b", second))
    #expect(found.unpaired == 0 && found.rows.count { $0.response == .teardownTime } == 2)
    let draws = (0..<4).map { run("6.\($0)", 0, 100, asked: "", index: $0) }
    let same = CampaignComparison(("a", draws), ("b", Array(draws.dropFirst())))
    #expect(same.unpaired == 1)
    // Stage 2 takes no time in these runs, and nothing is a factor of that.
    let changes = same.rows.compactMap { $0.cells[1]?.change }
    #expect(changes == [1, 0] && same.rows.count == 3)
  }
}
