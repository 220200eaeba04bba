// SPDX-License-Identifier: GPL-3.0-or-later

import CostModels
import Foundation
import Observations
import Profiles
import Reports
import Testing
import Tuning

/// Evaluations and tables written down by hand.
@Suite struct EvaluationTextTests {
  /// The words of each line of a text.
  private func words(_ text: String) -> [String] {
    text.components(separatedBy: "\n").map { $0.split(separator: " ").joined(separator: " ") }
  }

  private func front(_ points: [(String, [Double], Bool)]) throws -> FrontAnswer {
    let parts = points.map { policy, values, isKnee in
      "{\"policy\": \"\(policy)\", \"values\": \(values), \"violations\": [], \"knee\": \(isKnee)}"
    }
    return try Samples.read(
      """
      {"schema_version": 1, "objectives": ["teardown_time_ns", "goodput_retained_share"],
       "points": \(Samples.list(parts)), "runs": 55, "stop": "converged"}
      """
    )
  }

  @Test func aFrontIsAPlotATableAndItsKnee() throws {
    let front = try front([
      ("chunk=1GiB", [9e10, 0.01], false), ("chunk=2MiB", [1.2e11, 0.97], true),
    ])
    let text = front.text(Samples.context)
    #expect(text.contains("TCP keeps against teardown"))
    #expect(words(text).contains("90 s 1 % chunk=1GiB"))
    #expect(words(text).contains("knee 120 s 97 % chunk=2MiB"))
    #expect(text.contains("  knee     chunk=2MiB: gives up least for what it gains"))
    #expect(text.contains("  basis    55 runs, ended by converged; host: 3 values assumed"))
    #expect(
      front.csv()
        == "policy,knee,teardown_time_ns,goodput_retained_share\n"
        + "chunk=1GiB,0,90000000000.0,0.01\nchunk=2MiB,1,120000000000.0,0.97\n"
    )
  }

  @Test func aFrontOfOnePointHasNoPlotAndAnEmptyOneSaysSo() throws {
    let one = try front([("chunk=1GiB", [9e10, 0.01], false)]).text(Samples.context)
    #expect(!one.contains("against") && one.contains("chunk=1GiB"))
    let none = try front([]).text(Samples.context)
    #expect(none.contains("  knee     the front is empty") && !none.contains("against"))
  }

  private func sensitivity(_ scale: String, impossible: [String] = [], far: Int = 0) throws
    -> SensitivityAnswer
  {
    func row(_ response: String, _ unit: String, _ mean: Double) -> String {
      """
      {"response": "\(response)", "unit": "\(unit)", "mean": \(mean), "standard_deviation": 0.5,
       "shares": [{"knob": "chunk", "first_order_share": 0.7512, "total_share": 0.9},
       {"knob": "napi", "first_order_share": 0.00005, "total_share": 0.0042}],
       "interaction_share": 0.2, "extrapolated_policy_count": \(far)}
      """
    }
    let rows = [row("teardown_time_ns", "ns", 2e9), row("goodput_retained_share", "share", 0.25)]
    return try Samples.read(
      """
      {"schema_version": 1, "model": "standard", "knobs": "any", "scale": "\(scale)",
       "point_count": 900, "distinct_policy_count": 450, "impossible_levels":
       \(Samples.texts(impossible)), "responses": \(Samples.list(rows))}
      """
    )
  }

  @Test func aKnobsShareIsWrittenAloneAndWithOthers() throws {
    let text = try sensitivity("value").text(Samples.context)
    #expect(
      words(text)[4...].prefix(5).elementsEqual([
        "chunk 75.1 / 90 75.1 / 90", "napi 0 / 0.4 0 / 0.4", "only together 20 20", "mean 2 s 25 %",
        "deviation 0.5 ns 50 %",
      ])
    )
    #expect(words(text)[2] == "knob teardown TCP keeps")
    #expect(text.contains("all 900 points, 450 distinct policies, by cost model standard"))
    #expect(!text.contains("beyond") && !text.contains("impossible here"))
  }

  @Test func onTheModelsScaleThereIsNoMeanToWrite() throws {
    let answer = try sensitivity("model", impossible: ["tlbi=range"], far: 12)
    let text = answer.text(Samples.context)
    #expect(!text.contains("mean") && !text.contains("deviation"))
    #expect(text.contains("on the scale it is modelled on"))
    #expect(text.contains("up to 12 of them lie beyond the model's runs"))
    #expect(text.contains("impossible here: tlbi=range"))
    #expect(answer.table.columns.count == 3 && answer.table.rows.count == 3)
  }

  private func accuracy(_ response: Response, _ median: Double, _ ninetieth: Double) -> String {
    let unit = response.unit == .nanoseconds ? "percent" : "points"
    return """
      {"response": "\(response.rawValue)", "run_count": 300, "error_unit": "\(unit)",
       "error_median": \(median), "error_p90": \(ninetieth), "coverage_90_share": 0.905,
       "coverage_90_of_best_share": 0.8, "best_run_count": 15}
      """
  }

  private func evaluation(misses: [String], rivals: [String]) throws -> ModelEvaluation {
    let rows = [
      "{\"accuracy\": \(accuracy(.teardownTime, 0.0001, 0.004)), \"near_fronts\": null, \"noise\": "
        + "{\"error_median\": 0.5, \"error_p90\": 1.25, \"point_count\": 9}, \"target\": "
        + "{\"error_median\": 2, \"error_p90\": 6}, \"misses\": []}",
      "{\"accuracy\": \(accuracy(.goodputRetained, 2.5, 7.123)), \"near_fronts\": "
        + "\(accuracy(.goodputRetained, 1, 2)), "
        + "\"target\": {\"error_median\": 2, \"error_p90\": 8}, "
        + "\"misses\": \(Samples.texts(misses))}",
    ]
    return try Samples.read(
      """
      {"origin": {"name": "standard", "design": "d", "seed": 1, "simulator": "s7", "date": "",
       "runs_digest": "a17f", "rebuild": ""}, "seed": 99, "run_count": 300, "front_run_count": 40,
       "rows": \(Samples.list(rows)), "rival_run_count": 1200, "rivals": \(Samples.list(rivals))}
      """
    )
  }

  @Test func anEvaluationHasARowAResponseAndAVerdict() throws {
    let evaluation = try evaluation(misses: ["median by 0.5 pt"], rivals: [])
    let text = evaluation.text()
    #expect(
      text.hasPrefix("cost model standard, simulator s7, runs a17f\njudged on 300 runs of seed 99")
    )
    #expect(
      words(text).contains(
        "teardown_time_ns 300 0 % 0.004 % 2 / 6 % 0.5 / 1.25 % 90.5 % - hit (exact: "
          + "intervals are a rounding)"
      )
    )
    #expect(
      words(text).contains(
        "goodput_retained_share 300 2.5 pt 7.12 pt 2 / 8 pt - 90.5 % 90.5 % of 300 misses "
          + "median by 0.5 pt"
      )
    )
    #expect(text.contains("1 of 2 responses miss a target") && !text.contains("simpler ways"))
    #expect(evaluation.errors.rows.count == 2)
    let good = try self.evaluation(misses: [], rivals: []).text()
    #expect(good.contains("every response meets its target"))
  }

  @Test func rivalsStandBesideTheModel() throws {
    let rival =
      "{\"method\": \"nearest neighbour\", \"response\": \"teardown_time_ns\", "
      + "\"error_median\": 12.34, \"error_p90\": 56.78}"
    let evaluation = try evaluation(misses: [], rivals: [rival])
    #expect(evaluation.text().contains("fitted to 1200 runs of the model's design"))
    let row = evaluation.comparison.rows[0]
    #expect(row.first == "teardown_time_ns" && row[1] == "0 / 0.004" && row.last == "12.3 / 56.8")
    #expect(row.count { $0 == "-" } == Rival.allCases.count - 1)
    #expect(evaluation.comparison.rows[1].suffix(Rival.allCases.count).allSatisfy { $0 == "-" })
  }

  @Test func aSearchsQualityIsFiguresCasesPlacesAndStrategies() throws {
    let place =
      "{\"knob\": \"chunk\", \"value\": \"2MiB\", \"place\": 3, \"of\": 9, \"low\": "
      + "\"4KiB\", \"high\": \"1GiB\"}"
    func query(_ regret: String, _ excess: String) -> String {
      "{\"seed\": 1, \"policy\": null, \"regret\": \(regret), \"excess\": \(excess), \"runs\": 5}"
    }
    let volumes = "[{\"strategy\": \"sobol\", \"budget\": 40, \"shares\": [0.5, 1, 0.75]}]"
    let queries = [query("0.01", "0"), query("0.03", "0.2"), query("null", "null")]
    let one =
      "{\"name\": \"churn\", \"points\": 704, \"hazardous\": 82, \"feasible\": 99, \"objectives\": "
      + "[], \"best_policy\": \"chunk=2MiB\", \"best_value\": 1, \"best_places\": [\(place)], "
      + "\"volumes\": \(volumes), \"queries\": \(Samples.list(queries))}"
    let quality: SearchQuality = try Samples.read(
      """
      {"schema_version": 2, "simulator": "s7", "seeds": 3, "runs": 4000, "figures": [
       {"name": "regret", "value": 0.0125, "target": 0.02, "met": true},
       {"name": "volume", "value": 0.7, "target": 0.9, "met": false}], "cases": [\(one), \(one)]}
      """
    )
    let rows = words(quality.text())
    #expect(rows[0] == "2 spaces simulated whole, 3 seeds, 4000 runs, simulator s7")
    for row in [
      "regret 1.25 % 2.00 % yes", "volume 70.00 % 90.00 % NO",
      "churn 704 82 99 yes 3.00 % 3.00 % 1 of 3 chunk=2MiB",
      "churn chunk 2MiB 3 of 9 4KiB to 1GiB yes", "sobol 40 75.00 % 75.00 % 50.00 %",
    ] { #expect(rows.contains(row), "\(row) in \(rows)") }
    #expect(rows.count { $0.hasPrefix("sobol ") } == 1, "a strategy is one line over all cases")
  }

  private func entry(_ host: String, _ verdict: String, _ recommended: String) -> String {
    """
    {"host": "\(host)", "kernel": "6.1", "workload": "churn", "key": {"granule": "4K",
     "features": "none", "block_share": 0, "memory_bytes": 1, "offered_bits_per_s": 1, "operation":
     "teardown"}, "verdict": "\(verdict)", "present_policy": "chunk=1GiB,path=munmap",
     "recommended_policy": \(recommended), "limits": [], "effects": [{"response":
     "teardown_time_ns", "present": 99e9, "recommended": null}], "holds": [], "runs": 3, "seed": 1}
    """
  }

  @Test func aTableNamesWhatChangesOfThePresentPolicy() throws {
    let entries = [
      entry("a", "change", "\"chunk=2MiB,path=munmap,napi=threaded\""), entry("b", "keep", "null"),
      entry("c", "none-feasible", "null"),
    ]
    let table: TuningTable = try Samples.read(
      "{\"schema_version\": 1, \"engine\": \"s7, standard\", \"entries\": \(Samples.list(entries))}"
    )
    let rows = words(table.text())
    #expect(rows.contains("a 6.1 churn chunk=2MiB,napi=threaded 99 s -"))
    #expect(rows.contains("b 6.1 churn nothing 99 s -"))
    #expect(rows.contains("c 6.1 churn nothing keeps the limits 99 s -"))
    #expect(table.text().hasSuffix("\n3 entries, s7, standard\n"))
  }

  @Test func changesAndVerdictsHaveALineEach() throws {
    let changes: [TableChange] = try Samples.read(
      "[{\"entry\": \"a/b/c\", \"field\": \"verdict\", \"old\": \"keep\", \"new\": null}]"
    )
    #expect(words(TableChange.text(changes))[2] == "a/b/c verdict keep -")
    #expect(TableChange.text([]).split(separator: "\n").count == 2)
    let verified: [VerifiedEntry] = try Samples.read(
      """
      [{"entry": "a", "confirmed": true, "findings": []},
       {"entry": "b", "confirmed": false, "findings": ["teardown is 2 s", "it breaks a limit"]}]
      """
    )
    #expect(
      VerifiedEntry.text(verified)
        == "confirmed  a\nREFUTED    b\n           teardown is 2 s\n           it breaks a limit\n"
        + "1 of 2 entries confirmed\n"
    )
    #expect(VerifiedEntry.text([]) == "0 of 0 entries confirmed\n")
  }
}
