// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// What `--format json` writes, held against `docs/schemas`.
@Suite struct SchemaTests {
  private static let folder = packageRoot.appending(path: "docs/schemas")
  private static let question = ["--workload", "ci-microvm", "--host", "graviton3"]
  private static let quick = question + ["--cost-model", "none", "--budget", "9"]
  private static let facts = packageRoot.appending(path: "models/facts").path

  /// A command of every schema, as small as it can be; FILE is a table, FOLDER a directory of its own.
  static let commands: [(schema: String, arguments: [String])] = [
    ("policy", ["policy"]),
    ("doctor", ["doctor"]),
    ("calibrate", ["calibrate", "--host", "graviton3"]),
    ("profiles-list", ["profiles", "list"]),
    ("profiles-show", ["profiles", "show", "host", "graviton3"]),
    ("profiles-keys", ["profiles", "keys"]),
    (
      "count",
      [
        "count", "--kernel", "6.12", "--cpu", "tlbirange,vhe", "--policy", "tlbi=deferred",
        "--map", "0x40000000+2MiB:4K", "--op", "unmap:0x40000000+2MiB",
      ]
    ),
    (
      "observe",
      [
        "observe", "--replicates", "1", "--host", "graviton3", "--workload", "kvm-page-table-test",
        facts + "/captures/observed/kvm_page_table_test.log",
        facts + "/captures/observed/softnet_stat-15-columns.txt",
      ]
    ),
    (
      "host-detect",
      ["host", "detect", "--root", packageRoot.path + "/Tests/Golden/hosts/debian-server"]
    ),
    ("simulate", ["simulate", "--window"] + question),
    (
      "simulate",
      [
        "simulate", "--window", "--workload", "live-migration", "--host", "graviton4", "--kernel",
        "6.12", "--set", "vm.memory=1GiB", "--set", "net.requests=200",
      ]
    ),
    (
      "simulate",
      [
        "simulate", "--window", "--workload", "storage-randwrite", "--host", "graviton3", "--set",
        "vm.memory=1GiB", "--set", "net.connects=200", "--set", "neighbours=2", "--set",
        "fleet.operations_per_hour=10",
      ]
    ),
    ("what-if", ["what-if", "--policy", "chunk=2MiB", "--explain"] + question),
    ("what-if", ["what-if", "--exact", "--vary", "chunk=64KiB,2MiB,1GiB"] + question),
    (
      "what-if",
      ["what-if", "--exact", "--policy", "path=process-exit,chunk=2MiB"] + question
    ),
    ("recommend", ["recommend", "--repro"] + quick),
    (
      "recommend",
      ["recommend", "--check", "--root", packageRoot.path + "/Tests/Golden/hosts/debian-server"]
        + quick
    ),
    ("recommend", ["recommend", "--slo", "teardown.time<=1us"] + quick),
    (
      "recommend-robust",
      [
        "recommend", "--robust", "--hosts", "graviton3", "--workloads", "rpc-latency",
        "--replicates", "2", "--sample", "1GiB",
      ]
    ),
    ("recommend-variants", ["recommend", "--unknown", "reader"] + quick),
    ("pareto", ["pareto", "--knobs", "kernel"] + quick),
    ("report", ["report"] + quick),
    (
      "report",
      ["report", "--budget", "9", "--slo", "teardown.time<=1us"] + question
    ),
    (
      "evaluate-sensitivity",
      ["evaluate", "sensitivity", "--knobs", "today", "--thinning", "6"] + question
    ),
    (
      "evaluate-search",
      [
        "evaluate", "search", "--questions", "1", "--hosts", "graviton3", "--workloads",
        "ci-microvm", "--kernels", "6.12", "--cost-model", "none", "--trials", "12",
      ]
    ),
    (
      "evaluate-strategies",
      [
        "evaluate", "strategies", "--hosts", "graviton3", "--workloads", "ci-microvm", "--seeds",
        "1",
        "--thinning", "16", "--budgets", "10", "--budget", "9",
      ]
    ),
    (
      "evaluate-answers",
      [
        "evaluate", "answers", "--questions", "1", "--hosts", "graviton3", "--workloads",
        "ci-microvm", "--kernels", "6.12", "--cost-model", "none",
      ]
    ),
    (
      "evaluate-model",
      [
        "evaluate", "model", "--runs", "20", "--fronts", "0", "--rivals", "0", "--replicated", "2",
        "--workloads", "ci-microvm", "--hosts", "graviton3", "--kernels", "6.1",
      ]
    ),
    (
      "fit",
      [
        "fit", "--runs", "60", "--workloads", "ci-microvm", "--hosts", "graviton3", "--kernels",
        "6.1",
      ]
    ),
    (
      "campaign-status",
      [
        "campaign", "run", "--runs", "2", "--workloads", "ci-microvm", "--hosts", "graviton3",
        "--kernels", "6.1", "--store", "FOLDER/runs.db",
      ]
    ),
    ("campaign-gc", ["campaign", "gc", "--store", "GRID"]),
    (
      "campaign-compare",
      ["campaign", "compare", "grid", "--by", "policy", "--store", "GRID"]
    ),
    ("tuning-table", ["export", "--host", "graviton3", "--workloads", "ci-microvm"]),
    ("table-diff", ["table", "diff", "FILE", "OTHER"]),
    ("table-verify", ["table", "verify", "--runs", "2", "FILE"]),
    (
      "validate",
      [
        "validate", "--only", "KJ24-02", "--replicates", "1", "--window", "--counts",
        facts + "/captures/kernel-counts.csv", "--facts", facts + "/thread-2024-03.yaml",
      ]
    ),
    ("instructions", ["instructions", "--counts", facts + "/captures/kernel-counts.csv"]),
  ]

  private static func schema(_ name: String) throws -> JSONSchema {
    let file = folder.appending(path: name + ".json")
    return JSONSchema(root: try JSONValue(try String(contentsOf: file, encoding: .utf8)))
  }

  @Test(arguments: commands.indices)
  func everyDocumentGoesWithItsSchema(place: Int) throws {
    let (name, words) = Self.commands[place]
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var arguments = words
    if words.contains("FILE") {
      let table = try Tool.run(
        ["export", "--host", "graviton3", "--workloads", "ci-microvm", "--format", "json"]
      ).output
      try Data(table.utf8).write(to: folder.appending(path: "table.json"))
      let other = table.replacing("\"ci-microvm\"", with: "\"ci-other\"")
      try Data(other.utf8).write(to: folder.appending(path: "other.json"))
    }
    if words.contains("GRID") {
      let grid = [
        "campaign", "run", "--name", "grid", "--policy", "baseline", "--policy", "chunk=2MiB",
      ]
      let place = ["--workloads", "ci-microvm", "--hosts", "graviton3", "--kernels", "6.1"]
      let made = try Tool.run(grid + place + ["--store", folder.appending(path: "grid.db").path])
      #expect(made.status == 0, "\(made.errors)")
    }
    for (word, file) in [("FILE", "table.json"), ("OTHER", "other.json"), ("GRID", "grid.db")] {
      arguments = arguments.map { $0 == word ? folder.appending(path: file).path : $0 }
    }
    arguments = arguments.map { $0.replacing("FOLDER", with: folder.path) }
    let result = try Tool.run(arguments + ["--format", "json"])
    #expect([0, 1].contains(result.status), "\(result.errors)")
    let document = try JSONValue(result.output)
    #expect(document.object?["schema_version"]?.number != nil, "\(name)")
    let problems = try Self.schema(name).problems(of: document)
    #expect(problems.isEmpty, "\(name): \(problems.prefix(8))")
  }

  @Test func everySchemaHasACommandAndKeysOfOneForm() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
    let names = files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }
    #expect(Set(names) == Set(Self.commands.map(\.schema)))
    for name in names {
      let root = try Self.schema(name).root
      #expect(root.object?["required"]?.list?.contains(.text("schema_version")) == true, "\(name)")
      for key in Self.keys(root) {
        let isSnake = key.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "_" }
        #expect(isSnake, "\(key) in \(name)")
      }
    }
  }

  /// The names of all properties below a schema.
  private static func keys(_ value: JSONValue) -> [String] {
    switch value {
    case .object(let members):
      let own = members["properties"]?.object.map { Array($0.keys) } ?? []
      return own + members.values.flatMap(keys)
    case .list(let elements): return elements.flatMap(keys)
    default: return []
    }
  }

  /// The validator refuses what a schema does not describe; otherwise it would prove nothing.
  @Test(arguments: [
    ("{}", ".a is missing"), ("{\"a\": 1.5}", ".a: no integer"),
    ("{\"a\": true}", ".a: no integer"), ("{\"a\": 1, \"b\": 2}", ".b is not described"),
    ("{\"a\": 1, \"c\": [{\"a\": -1}]}", ".c[0].a: too small"), ("[]", ": no object"),
  ])
  func theValidatorRefuses(text: String, problem: String) throws {
    let schema = """
      {"type": "object", "required": ["a"], "additionalProperties": false, "properties":
       {"a": {"type": "integer", "minimum": 0}, "c": {"type": "array", "items":
       {"$ref": "#/$defs/d"}}}, "$defs": {"d": {"type": "object", "properties":
       {"a": {"type": "number", "minimum": 0}}}}}
      """
    let found = JSONSchema(root: try JSONValue(schema)).problems(of: try JSONValue(text))
    #expect(found == [problem], "\(found)")
  }
}
