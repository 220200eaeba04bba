// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@testable import Explorer

/// Answers, and refusals in one sentence.
@Suite(.enabled(if: TestServer.isWanted)) struct APITests {
  private static let place = ["--workload", "container-churn", "--host", "graviton3"]

  /// The document of a command.
  private static func command(_ arguments: [String]) throws -> JSONValue {
    let result = try Tool.run(
      arguments + ["--format", "json"],
      environment: ["S2TUNE_MODELS": packageRoot.appending(path: "models").path]
    )
    return try JSONValue(result.output)
  }

  @Test func predictIsWhatIf() async throws {
    try await TestServer.with { server in
      let one = try await server.ask(
        "/api/v1/predict",
        #"{"workload": "container-churn", "host": "graviton3", "policy": ["chunk=2MiB"], "#
          + #""explain": true, "set": ["vm.memory=64GiB"], "slo": ["io.goodput>=0.9"]}"#
      )
      #expect(
        try JSONValue(one.body)
          == Self.command(
            ["what-if"] + Self.place + [
              "--policy", "chunk=2MiB", "--explain", "--set", "vm.memory=64GiB", "--slo",
              "io.goodput>=0.9",
            ]
          )
      )
      let sweep = try await server.ask(
        "/api/v1/predict",
        #"{"workload": "container-churn", "host": "graviton3", "kernel": "6.12", "#
          + #""vary": "chunk=64KiB..1GiB"}"#
      )
      #expect(
        try JSONValue(sweep.body)
          == Self.command(
            ["what-if"] + Self.place + ["--kernel", "6.12", "--vary", "chunk=64KiB..1GiB"]
          )
      )
    }
  }

  @Test func predictRunsWhereTheModelDoesNotReach() async throws {
    let asked =
      #""workload": "ci-microvm", "host": "graviton3", "policy": ["chunk=2MiB"], "set": ["#
      + #""net.flows=1", "net.offered=1Gbit/s", "net.direction=send"]"#
    try await TestServer.with { server in
      let never = try await server.ask("/api/v1/predict", "{\(asked), \"runs\": \"never\"}")
      #expect(never.status == 409 && never.sentence.contains("does not reach"), "\(never)")
      let runs = try await server.ask("/api/v1/predict", "{\(asked)}")
      #expect(
        try JSONValue(runs.body)
          == Self.command(
            [
              "what-if", "--workload", "ci-microvm", "--host", "graviton3", "--policy",
              "chunk=2MiB", "--set", "net.flows=1", "--set", "net.offered=1Gbit/s", "--set",
              "net.direction=send",
            ]
          )
      )
    }
  }

  @Test func simulateIsSimulate() async throws {
    try await TestServer.with { server in
      let answer = try await server.ask(
        "/api/v1/simulate",
        #"{"workload": "ci-microvm", "host": "graviton3", "policy": "chunk=2MiB", "seed": 7}"#
      )
      #expect(
        try JSONValue(answer.body)
          == Self.command(
            [
              "simulate", "--workload", "ci-microvm", "--host", "graviton3", "--policy",
              "chunk=2MiB", "--seed", "7",
            ]
          )
      )
    }
  }

  @Test func recommendIsRecommend() async throws {
    try await TestServer.with { server in
      let answer = try await server.ask(
        "/api/v1/recommend",
        #"{"workload": "ci-microvm", "host": "graviton3", "budget": 9, "vmm": "qemu"}"#
      )
      #expect(
        try JSONValue(answer.body)
          == Self.command(
            [
              "recommend", "--workload", "ci-microvm", "--host", "graviton3", "--budget", "9",
              "--vmm", "qemu",
            ]
          )
      )
    }
  }

  @Test func paretoAndProfilesAreThoseOfTheCommands() async throws {
    try await TestServer.with { server in
      let front = try await server.ask(
        "/api/v1/pareto",
        #"{"workload": "ci-microvm", "host": "graviton3", "budget": 9, "slo": ["io.goodput>=0"]}"#
      )
      #expect(
        try JSONValue(front.body)
          == Self.command(
            [
              "pareto", "--workload", "ci-microvm", "--host", "graviton3", "--budget", "9",
              "--slo", "io.goodput>=0",
            ]
          )
      )
      let profiles = try await server.send(server.request("GET /api/v1/profiles HTTP/1.1"))
      #expect(try JSONValue(profiles.body) == Self.command(["profiles", "list"]))
    }
  }

  /// Progress comes in lines, and the last one is the answer.
  @Test func linesEndWithTheAnswer() async throws {
    try await TestServer.with { server in
      let body = #"{"workload": "ci-microvm", "host": "graviton3", "budget": 9, "fresh": true}"#
      let answer = try await server.send(
        server.post(
          "/api/v1/recommend",
          body,
          headers: ["content-type: application/json", "accept: application/x-ndjson"]
        )
      )
      #expect(answer.head.contains("transfer-encoding: chunked"))
      let lines = answer.body.components(separatedBy: "\n")
      #expect(lines.contains { $0.contains(#""progress""#) })
      #expect(lines.contains { $0.contains(#"{"result":"#) && $0.contains(#""recommendation""#) })
    }
  }

  @Test(arguments: [
    ("{", "is not JSON"), ("[]", "write an object"), ("null", "write an object"),
    (#"{"workload": "container-churn"}"#, "'host' is missing"),
    (#"{"workload": 3, "host": "graviton3"}"#, "'workload' is 3"),
    (
      #"{"workload": "container-churn", "host": "graviton3", "wokload": "x"}"#,
      "did you mean workload"
    ),
    (#"{"workload": "container-churn", "host": "graviton9"}"#, "did you mean graviton3"),
    (#"{"workload": "../../etc/passwd", "host": "graviton3"}"#, "is not legal"),
    (
      #"{"workload": "container-churn", "host": "graviton3", "policy": ["chunk=3MiB"]}"#,
      "power of two"
    ),
    (#"{"workload": "container-churn", "host": "graviton3", "policy": [1]}"#, "a list of texts"),
    (#"{"workload": "container-churn", "host": "graviton3", "set": ["x"]}"#, "write key=value"),
    (
      #"{"workload": "container-churn", "host": "graviton3", "set": ["net.offred=1Gbps"]}"#,
      "net.offered"
    ),
    (#"{"workload": "container-churn", "host": "graviton3", "seed": -1}"#, "'seed' is -1"),
    (#"{"workload": "container-churn", "host": "graviton3", "confidence": 2}"#, "between 0 and 1"),
    (#"{"workload": "container-churn", "host": "graviton3", "vmm": "qem"}"#, "did you mean qemu"),
    (
      #"{"workload": "container-churn", "host": "graviton3", "slo": ["io.godput>=1"]}"#,
      "io.goodput"
    ),
    (#"{"workload": "container-churn", "host": "graviton3", "vary": "chunk"}"#, "is not a sweep"),
    (
      #"{"workload": "container-churn", "host": "graviton3", "vary": "clear=2MiB..4MiB"}"#,
      "no effect"
    ),
    (#"{"workload": "container-churn", "host": "graviton3", "runs": "maybe"}"#, "auto or never"),
    (#"{"workload": "container-churn", "host": "graviton3", "stage2_dump": {"text": "x"}}"#, "x"),
    (
      #"{"workload": "container-churn", "host": "graviton3", "stage2_dump": {"path": "/etc/passwd"}}"#,
      "'stage2_dump.path'"
    ),
  ])
  func aRefusalIsASentence(body: String, part: String) async throws {
    try await TestServer.with { server in
      let answer = try await server.ask("/api/v1/predict", body)
      #expect(answer.status == 400, "\(answer)")
      #expect(answer.sentence.contains(part), "\(answer.sentence)")
      #expect(!answer.sentence.contains("\n"))
    }
  }

  /// A dump on the page is the question of --stage2-dump, and is named by its digest from then on.
  @Test func aDumpBecomesTheQuestion() async throws {
    let file = packageRoot.appending(
      path: "models/facts/captures/ptdump/6.12.107_4k_64M.stage2_page_tables"
    )
    let text = try String(contentsOf: file, encoding: .utf8)
    let asked = [
      "what-if", "--workload", "container-churn", "--host", "graviton3", "--policy", "chunk=2MiB",
      "--stage2-dump", file.path,
    ]
    try await TestServer.with { server in
      let sent = try JSONEncoder().encode(["name": file.lastPathComponent, "text": text])
      let read = try await server.ask("/api/v1/read", String(decoding: sent, as: UTF8.self))
      #expect(read.object["is_dump"] as? Bool == true, "\(read)")
      let digest = try #require(read.object["digest"] as? String)
      let answer = try await server.ask(
        "/api/v1/predict",
        #"{"workload": "container-churn", "host": "graviton3", "policy": ["chunk=2MiB"], "#
          + #""stage2_dump": {"digest": "\#(digest)"}}"#
      )
      #expect(
        try JSONValue(answer.body).object?["what_if"] == Self.command(asked).object?["what_if"]
      )
      let gone = try await server.ask(
        "/api/v1/predict",
        #"{"workload": "container-churn", "host": "graviton3", "stage2_dump": {"digest": "0"}}"#
      )
      #expect(gone.status == 409 && gone.sentence.contains("send its text"), "\(gone)")
    }
  }

  @Test func aRecordingSetsValues() async throws {
    let file = packageRoot.appending(
      path: "models/facts/captures/observed/kvm_page_table_test.log"
    )
    let text = try String(contentsOf: file, encoding: .utf8)
    try await TestServer.with { server in
      let sent = try JSONEncoder().encode(["name": "../../x/log", "text": text])
      let read = try await server.ask("/api/v1/read", String(decoding: sent, as: UTF8.self))
      let settings = try #require(read.object["settings"] as? [String], "\(read)")
      #expect(!settings.isEmpty)
      let digest = try #require(read.object["digest"] as? String)
      let question = try await server.ask(
        "/api/v1/question",
        #"{"workload": "kvm-page-table-test", "host": "graviton3", "observed": [{"digest": "\#(digest)"}]}"#
      )
      #expect(question.object["observed"] as? [String] == settings, "\(question)")
      let recording = try #require(read.object["recording"] as? [String: Any])
      #expect(recording["file"] as? String == "log")
    }
  }
}
