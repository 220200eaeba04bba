// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@testable import Explorer

/// The description of the API, held against what is served.
@Suite(.enabled(if: TestServer.isWanted)) struct OpenAPITests {
  private static let document = try? JSONValue(String(decoding: OpenAPI.document, as: UTF8.self))
  private static let schemas =
    document?.object?["components"]?.object?["schemas"]?.object ?? [:]

  /// A schema of the document on its own.
  private static func schema(_ name: String) -> JSONSchema {
    JSONSchema(
      root: .object([
        "$defs": .object(schemas), "$ref": .text("#/components/schemas/\(name)"),
      ])
    )
  }

  @Test func everyPathIsDescribed() {
    let described = Self.document?.object?["paths"]?.object?.keys.sorted() ?? []
    let served = Service.routes.filter { if case .asset = $0.value { false } else { true } }
    #expect(described == served.keys.sorted())
    #expect(Self.document?.object?["openapi"] == .text("3.1.0"))
  }

  @Test(arguments: [
    ("PredictRequest", PredictRequest.keys), ("SimulateRequest", SimulateRequest.keys),
    ("RecommendRequest", RecommendRequest.keys), ("ParetoRequest", RecommendRequest.frontKeys),
    ("QuestionRequest", QuestionDocument.keys), ("ReadRequest", ["name", "text"]),
    ("SentFile", SentFile.keys),
  ])
  func theKeysAreThoseThatAreRead(name: String, keys: [String]) {
    let properties = Self.schemas[name]?.object?["properties"]?.object ?? [:]
    #expect(properties.keys.sorted() == keys.sorted())
    #expect(Self.schemas[name]?.object?["additionalProperties"] == .flag(false))
  }

  /// What the description allows is answered, and what it forbids is refused.
  @Test(arguments: [
    (#"{"workload": "container-churn", "host": "graviton3"}"#, true),
    (
      #"{"workload": "container-churn", "host": "graviton3", "policy": "chunk=2MiB", "seed": 3}"#,
      true
    ),
    (#"{"workload": "container-churn", "host": "graviton3", "vmm": "qemu", "words": true}"#, true),
    (
      #"{"workload": "container-churn", "host": "graviton3", "runs": "never", "explain": true}"#,
      true
    ),
    (#"{"workload": "container-churn", "host": "graviton3", "objective": "hold.max"}"#, true),
    (#"{"host": "graviton3"}"#, false),
    (#"{"workload": "container-churn", "host": 3}"#, false),
    (#"{"workload": "container-churn", "host": "graviton3", "more": 1}"#, false),
    (#"{"workload": "container-churn", "host": "graviton3", "vmm": "xen"}"#, false),
    (#"{"workload": "container-churn", "host": "graviton3", "seed": 1.5}"#, false),
    (#"{"workload": "container-churn", "host": "graviton3", "seed": -1}"#, false),
    (#"{"workload": "container-churn", "host": "graviton3", "explain": "yes"}"#, false),
    (#"{"workload": "container-churn", "host": "graviton3", "set": [1]}"#, false),
    (#"{"workload": "container-churn", "host": "graviton3", "stage2_dump": {"file": "x"}}"#, false),
    (#"[]"#, false),
  ])
  func requestsGoWithTheDescription(body: String, isLegal: Bool) async throws {
    let problems = Self.schema("PredictRequest").problems(of: try JSONValue(body))
    #expect(problems.isEmpty == isLegal, "\(problems)")
    try await TestServer.with { server in
      let answer = try await server.ask("/api/v1/predict", body)
      #expect(answer.status == (isLegal ? 200 : 400), "\(answer)")
      guard !isLegal else { return }
      #expect(Self.schema("Error").problems(of: try JSONValue(answer.body)).isEmpty)
    }
  }

  @Test func answersGoWithTheDescription() async throws {
    try await TestServer.with { server in
      for workload in ["container-churn", "live-migration", "storage-randwrite", "memory-reclaim"] {
        let answer = try await server.ask(
          "/api/v1/question",
          #"{"workload": "\#(workload)", "host": "graviton3", "kernel": "6.12"}"#
        )
        let problems = Self.schema("QuestionAnswer").problems(of: try JSONValue(answer.body))
        #expect(answer.status == 200 && problems.isEmpty, "\(workload): \(problems)")
      }
    }
  }
}
