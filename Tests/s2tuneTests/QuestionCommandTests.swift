// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// A guest small enough that every run takes a moment.
private let small = [
  "--workload", "container-churn", "--host", "graviton3", "--set", "vm.memory=1GiB",
  "--cost-model", "none",
]

/// The value of a tool's JSON output.
private func object(_ result: Tool.Result) throws -> [String: Any] {
  let value = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
  return try #require(value as? [String: Any], "\(result.errors)")
}

@Suite struct WhatIfCommandTests {
  @Test func onePolicyStandsBesideThePresentOne() throws {
    let result = try Tool.run(["what-if", "--policy", "chunk=2MiB"] + small)
    #expect(result.status == 0, "\(result.errors)")
    for part in ["now", "asked", "chunk=2MiB", "TCP keeps", "no cost model", "safe: no stale"] {
      #expect(result.output.contains(part), "\(part) in \(result.output)")
    }
  }

  @Test func aSweepHasAPlotFlipsAndNoHazardAsBest() throws {
    let result = try Tool.run(
      ["what-if", "--vary", "chunk=1MiB,64MiB,1GiB", "--policy", "tlbi=none"] + small
    )
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("teardown over chunk"))
    #expect(result.output.contains("hazard 9") && result.output.contains("The kernel's rule"))
    #expect(result.output.contains("no case keeps all limits and is safe"))
  }

  @Test func explainTakesPredictionsApart() throws {
    let asked = [
      "what-if", "--workload", "container-churn", "--host", "graviton3", "--policy", "chunk=2MiB",
      "--explain",
    ]
    let text = try Tool.run(asked)
    #expect(text.status == 0, "\(text.errors)")
    for part in ["teardown of", "leaf work", "queueing factor", "= predicted", "add up to"] {
      #expect(text.output.contains(part), "\(part) in \(text.output)")
    }
    let answer = try #require(
      try object(Tool.run(asked + ["--format", "json"]))["what_if"] as? [String: Any]
    )
    let point = try #require((answer["points"] as? [[String: Any]])?.first)
    let explained = try #require(point["explanation"] as? [[String: Any]])
    #expect(!explained.isEmpty)
    for one in explained {
      let terms = try #require(one["terms"] as? [[String: Any]])
      let sum = terms.reduce(0) { $0 + ($1["amount"] as? Double ?? .nan) }
      let value = try #require(one["value"] as? Double)
      #expect((sum - value).magnitude <= 1e-9 * max(1, value.magnitude), "\(one)")
      #expect(["ns", "share", "count"].contains(one["unit"] as? String))
    }
  }

  @Test func jsonComparesHostsAndKernels() throws {
    let result = try Tool.run(
      [
        "what-if", "--workload", "container-churn", "--set", "vm.memory=1GiB", "--host",
        "graviton3", "--host", "ampere-altra", "--kernel", "6.1", "--kernel", "6.12", "--format",
        "json", "--cost-model", "none",
      ]
    )
    let answer = try #require(try object(result)["what_if"] as? [String: Any])
    let points = try #require(answer["points"] as? [[String: Any]])
    #expect(
      points.map { $0["label"] as? String } == [
        "graviton3 6.1", "graviton3 6.12", "ampere-altra 6.1", "ampere-altra 6.12",
      ]
    )
    #expect(points.allSatisfy { $0["source"] as? String == "simulation-without-model" })
  }

  @Test(arguments: [
    (["--vary", "chunk=1GiB..4KiB"], 64, "is not a sweep"),
    (["--vary", "colour=red"], 64, "colour"),
    (
      ["--vary", "chunk=4KiB..8KiB", "--policy", "chunk=2MiB", "--policy", "chunk=1MiB"], 64,
      "--vary"
    ),
    (["--policy", "chunk=3MiB"], 64, "power of two"),
    (["--policy", "clear=2MiB"], 64, "operation is teardown, and clear is read by migration"),
    (["--kernel", "6.12", "--policy", "split=2MiB"], 64, "split is read by log-enable, migration"),
    (
      [
        "--set", "net.flows=0", "--set", "net.requests=0", "--set", "net.connects=0", "--policy",
        "napi=threaded",
      ], 64, "napi=threaded has no effect here: the workload has no network load"
    ),
    (["--vary", "clear=2MiB..8MiB"], 64, "--vary clear has no effect here"),
    (["--vary", "migration.link=1Gbps,10Gbps"], 64, "read by migration"),
    (["--set", "net.offred=1Gbps"], 64, "did you mean net.offered?"),
    (["--slo", "io.godput>=95%"], 64, "did you mean io.goodput?"),
    (["--objective", "teardown.tme"], 64, "did you mean teardown.time?"),
    (["--policy", "tlbi=deferred"], 64, "FEAT_TLBIRANGE"),
    (["--explain"], 64, "--explain"),
    (["--cost-model", "/does/not/exist"], 65, "/does/not/exist"),
    (["--slo", "io.goodput>=0.9", "--slo", "io.goodput>=0.95"], 64, "contradict"),
    (["--slo", "io.goodput<=0.9"], 64, "io.goodput>="),
    (["--objective", "beauty"], 64, "teardown.time"),
    (["--confidence", "2"], 64, "between 0 and 1"),
  ])
  func badInputGetsASentence(arguments: [String], status: Int32, part: String) throws {
    let base = arguments.contains("--cost-model") ? small.dropLast(2) : small[...]
    let result = try Tool.run(["what-if"] + base + arguments)
    #expect(result.status == status, "\(result.errors)")
    #expect(result.output.isEmpty && result.errors.contains(part), "\(result.errors)")
  }
}

@Suite struct UnreadTests {
  /// Sizes, rates and shares as people type them give the answer of their long forms.
  @Test func whatPeopleTypeIsRead() throws {
    let base = ["what-if", "--workload", "container-churn", "--host", "graviton3", "--cost-model"]
    let short = try Tool.run(
      base + [
        "none", "--set", "vm.memory=1G", "--set", "net.offered=2Gbps", "--set",
        "vm.block_share=25%", "--slo", "io.goodput>=95%", "--policy", "chunk=2MiB", "--confidence",
        "95%",
      ]
    )
    let long = try Tool.run(
      base + [
        "none", "--set", "vm.memory=1GiB", "--set", "net.offered=2Gbit/s", "--set",
        "vm.block_share=0.25", "--slo", "io.goodput>=0.95", "--policy", "chunk=2MiB",
        "--confidence", "0.95",
      ]
    )
    #expect(short.status == 0, "\(short.errors)")
    // A case is called what it was typed as.
    #expect(short.output.replacing("chunk=2M:", with: "chunk=2MiB:") == long.output)
  }

  @Test func aValueThatIsNotReadIsSaidOnce() throws {
    let result = try Tool.run(
      ["what-if", "--set", "migration.link=10Gbps", "--kernel", "6.1", "--kernel", "6.12"] + small
    )
    #expect(result.status == 0)
    let note = "s2tune: note: --set migration.link is not read here: the operation is teardown"
    #expect(result.errors.components(separatedBy: note).count == 2, "\(result.errors)")
    let read = try Tool.run(["what-if", "--set", "net.window=1MiB"] + small)
    #expect(read.errors.isEmpty, "\(read.errors)")
  }

  /// On a path that does not read it a knob is answered, and the answer says so.
  @Test func aKnobThatThePathDoesNotReadIsSaid() throws {
    let policy = "path=process-exit,chunk=2MiB"
    let answer = try Tool.run(["what-if", "--policy", policy] + small)
    #expect(answer.status == 0)
    let words = answer.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(words.contains("idle chunk=2MiB has no effect in this operation: process-exit takes"))
    let run = ["simulate", "--window"] + small.dropLast(2) + ["--policy"]
    #expect(try Tool.run(run + [policy]).errors.contains("chunk=2MiB has no effect"))
    #expect(try Tool.run(run + ["clear=2MiB"]).status == 64)
  }
}

@Suite struct AnswerCommandTests {
  private let quick = [
    "--workload", "ci-microvm", "--host", "graviton3", "--cost-model", "none", "--budget", "9",
  ]

  @Test func recommendCarriesEveryPartAsJSON() throws {
    let result = try Tool.run(["recommend", "--format", "json", "--repro"] + quick)
    #expect(result.status == 0 || result.status == 1, "\(result.errors)")
    let document = try object(result)
    let answer = try #require(document["recommendation"] as? [String: Any])
    for key in [
      "asked", "verdict", "rows", "changes", "why", "cost", "apply", "holds", "safety", "basis",
      "alternatives", "paths",
    ] {
      #expect(answer[key] != nil, "\(key)")
    }
    let reproduction = try #require(document["reproduction"] as? [String: Any])
    #expect((reproduction["commands"] as? [String])?.isEmpty == false)
  }

  @Test func noneFeasibleEndsWithOneAndNamesTheNearest() throws {
    let result = try Tool.run(
      ["recommend", "--slo", "teardown.time<=1us"] + quick
    )
    #expect(result.status == 1)
    #expect(result.output.contains("nearest is") && result.output.contains("teardown.time<=1us"))
  }

  @Test func paretoHasAKnee() throws {
    let result = try Tool.run(
      ["pareto", "--format", "csv", "--knobs", "kernel", "--slo", "io.goodput>=0"] + quick
    )
    #expect(result.status == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n")
    #expect(lines.first?.hasPrefix("policy,knee,teardown_time_ns,") == true)
    #expect(lines.count { $0.contains(",1,") } == 1)
  }

  @Test func exportNeverReplacesAFileUnasked() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("mine.csv")
    try Data("mine".utf8).write(to: file)
    let result = try Tool.run(
      ["export", "--host", "graviton3", "--workloads", "ci-microvm", "-o", file.path]
    )
    #expect(result.status == 65 && result.errors.contains("--force"))
    #expect(try String(contentsOf: file, encoding: .utf8) == "mine")
  }

  /// A refusal is one sentence about what the user wrote: no temporary file, no sentence in another.
  @Test func refusalsSpeakOfWhatWasWritten() throws {
    let question = ["--workload", "container-churn", "--host", "graviton3", "--kernel", "6.1"]
    let file = try Tool.run(
      ["export", "--host", "graviton3", "--workloads", "ci-microvm", "-o", "/nowhere/x.csv"]
    )
    #expect(file.status == 74)
    #expect(file.errors.hasPrefix("s2tune: /nowhere/x.csv: cannot be written"), "\(file.errors)")
    let sweep = try Tool.run(["what-if"] + question + ["--vary", "chunk=1,2"])
    #expect(sweep.status == 64)
    #expect(sweep.errors.hasPrefix("s2tune: policy value chunk=1 is not legal"), "\(sweep.errors)")
  }

  /// A table is made, verified, compared with itself, and refused once it is edited into nonsense.
  @Test func aTableIsVerifiedAndNonsenseIsRefused() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("table.json")
    let made = try Tool.run(
      [
        "export", "--host", "graviton3", "--workloads", "ci-microvm", "--cost-model", "none",
        "--budget", "9", "--format", "json", "--fresh", "-o", file.path,
      ]
    )
    #expect(made.status == 0, "\(made.errors)")
    let verified = try Tool.run(["table", "verify", file.path])
    #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
    #expect(try Tool.run(["table", "diff", file.path, file.path]).status == 0)
    let text = try String(contentsOf: file, encoding: .utf8)
    let spoiled = folder.appendingPathComponent("spoiled.json")
    try Data(text.replacing("chunk=", with: "chunk=X").utf8).write(to: spoiled)
    let refused = try Tool.run(["table", "verify", spoiled.path])
    #expect(refused.status == 65 && refused.errors.contains("spoiled.json"), "\(refused.errors)")
    #expect(refused.output.isEmpty)
  }

  @Test(arguments: [
    (["recommend", "--budget", "3"] + small, 64, "at least 9"),
    (["recommend", "--knobs", "all"] + small, 64, "'kernel'"),
    (
      ["recommend", "--slo", "io.goodput>=0.9", "--slo", "io.goodput>=0.95"] + small, 64,
      "contradict"
    ),
    (["recommend", "--objective", "beauty"] + small, 64, "objective 'beauty' is not legal"),
    (["recommend", "--confidence", "1"] + small, 64, "between 0 and 1"),
    (["recommend", "--slo", "io.goodput=>0.9"] + small, 64, "io.goodput=>0.9"),
    (["recommend", "--unknown", "weather"] + small, 64, "weather"),
    (["recommend", "--slo", "migration.time<=1s"] + small, 64, "has no migration.time"),
    (["pareto", "--objectives", "teardown.time"] + small, 64, "two metrics"),
    (["export", "--host", "all", "--workloads", "ci-microvm", "--format", "tuned"], 64, "tuned"),
    (["export", "--host", "mars", "--workloads", "all"], 64, "mars"),
    (["table", "diff", "/does/not/exist", "/x"], 65, "/does/not/exist"),
  ])
  func badInputGetsASentence(arguments: [String], status: Int32, part: String) throws {
    let result = try Tool.run(arguments)
    #expect(result.status == status, "\(result.errors)")
    #expect(result.output.isEmpty && result.errors.contains(part), "\(result.errors)")
  }

  /// A limit that is asked for takes the place of the profile's; what the guest then loses is said.
  @Test func aHarmedGuestIsNamedWhereNobodyAsked() throws {
    let arguments = [
      "recommend", "--workload", "memory-reclaim", "--host", "graviton3", "--kernel", "6.1",
      "--set", "vm.memory=256MiB", "--set", "vm.vcpus=2", "--set", "net.flows=0", "--set",
      "net.offered=0bit/s", "--cost-model", "none", "--budget", "9",
    ]
    let result = try Tool.run(arguments + ["--slo", "wp.stall<=1ms"])
    #expect(result.output.contains("keep the present policy"), "\(result.errors)")
    #expect(
      result.output.contains("the guest loses 2") && result.output.contains("guest.lost<=0.05")
    )
    let own = try Tool.run(arguments)
    #expect(own.status == 1 && own.output.contains("it breaks guest.lost<=0.05"))
    #expect(!own.output.contains("no limit on that was asked"))
  }
}

@Suite struct SensitivityCommandTests {
  private let asked = [
    "evaluate", "sensitivity", "--workload", "container-churn", "--host", "graviton3", "--knobs",
    "today", "--thinning", "6",
  ]

  @Test func everyKnobHasItsShareOfEveryResponse() throws {
    let text = try Tool.run(asked)
    #expect(text.status == 0, "\(text.errors)")
    for part in ["knob", "slice", "pause", "only together", "distinct policies"] {
      #expect(text.output.contains(part), "\(part) in \(text.output)")
    }
    let answer = try object(Tool.run(asked + ["--format", "json", "--scale", "model"]))
    let sensitivity = try #require(answer["sensitivity"] as? [String: Any])
    let rows = try #require(sensitivity["responses"] as? [[String: Any]])
    #expect(!rows.isEmpty)
    for row in rows {
      let shares = try #require(row["shares"] as? [[String: Any]])
      let alone = shares.reduce(0) { $0 + ($1["first_order_share"] as? Double ?? .nan) }
      let together = try #require(row["interaction_share"] as? Double)
      #expect((alone + together - 1).magnitude < 1e-9 || alone == 0, "\(row)")
    }
  }

  @Test(arguments: [
    (["--thinning", "0"], 64, "1 to 16"), (["--cost-model", "none"], 64, "--cost-model"),
    (["--scale", "loud"], 64, "scale"),
  ])
  func badInputGetsASentence(arguments: [String], status: Int32, part: String) throws {
    let result = try Tool.run(asked + arguments)
    #expect(result.status == status && result.errors.contains(part), "\(result.errors)")
    #expect(result.output.isEmpty)
  }
}
