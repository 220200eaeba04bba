// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Randomness
import TestSupport
import Testing

@testable import Explorer

/// What one client may take, and that the others do not notice.
@Suite(.enabled(if: TestServer.isWanted)) struct ConnectionTests {
  private static let question = #"{"workload": "container-churn", "host": "graviton3"}"#

  @Test func largeBodiesAreRefusedBeforeTheyAreRead() async throws {
    try await TestServer.with { server in
      let length = (8 << 20) + 1
      let answer = try await server.send(
        server.request(
          "POST /api/v1/predict HTTP/1.1",
          ["content-type: application/json", "content-length: \(length)"],
          String(repeating: " ", count: 1 << 20)
        )
      )
      #expect(answer.status == 413 && answer.sentence.contains("\(length)"), "\(answer)")
      let most = #"{"name": "x", "text": ""# + String(repeating: "x", count: 7 << 20) + #""}"#
      let status1 = try await server.ask("/api/v1/read", most).status
      #expect(status1 == 400)
    }
  }

  @Test(arguments: [
    ("transfer-encoding: chunked", 411), ("content-length: -1", 400), ("content-length: 1e3", 400),
    ("content-length: 5\r\ncontent-length: 6", 400), ("content-length: 99999999999999999999", 413),
    ("bad header: x", 400), (" folded: x", 400), ("host: 127.0.0.1:1", 400), ("noColon", 400),
    ("x: a\u{0}b", 400), ("x: a\nb: c", 400),
  ])
  func ambiguousHeadsAreRefused(line: String, status: Int) async throws {
    try await TestServer.with { server in
      let answer = try await server.send(
        server.request(
          "POST /api/v1/predict HTTP/1.1",
          ["content-type: application/json", line]
        )
      )
      #expect(answer.status == status && !answer.sentence.isEmpty, "\(line): \(answer)")
    }
  }

  @Test(arguments: [
    ("GET /healthz", 400), ("GET  /healthz HTTP/1.1", 400), ("GET /healthz HTTP/2.0", 505),
    ("GET http://127.0.0.1/healthz HTTP/1.1", 400), ("GET /a\tb HTTP/1.1", 400),
    ("\u{16}\u{3}", 400),
    ("OPTIONS * HTTP/1.1", 400),
  ])
  func requestLinesAreRefused(line: String, status: Int) async throws {
    try await TestServer.with { server in
      let answer = try await server.send(server.request(line))
      #expect(answer.status == status, "\(answer)")
    }
  }

  @Test func longHeadsAreRefused() async throws {
    try await TestServer.with { server in
      let long = "x: " + String(repeating: "a", count: 20_000)
      let status2 = try await server.send(server.request("GET / HTTP/1.1", [long])).status
      #expect(status2 == 431)
      let many = (0..<100).map { "x\($0): 1" }
      let status3 = try await server.send(server.request("GET / HTTP/1.1", many)).status
      #expect(status3 == 431)
    }
  }

  /// Clients that send a byte now and then are left; one that asks meanwhile gets its answer.
  @Test func slowClientsAreLeft() async throws {
    var limits = ServerLimits()
    (limits.headTime, limits.bodyTime, limits.idle) = (
      .milliseconds(600), .milliseconds(600), .milliseconds(600)
    )
    try await TestServer.with(limits: limits) { server in
      let port = server.port
      async let slow = RawClient.onThread {
        let file = try RawClient.connect(port)
        defer { close(file) }
        for byte in "GET /healthz HTTP/1.1".utf8 {
          RawClient.write(Data([byte]), to: file)
          usleep(100_000)
        }
        return RawAnswer(RawClient.read(file))
      }
      async let silent = RawClient.onThread {
        let file = try RawClient.connect(port)
        defer { close(file) }
        return RawAnswer(RawClient.read(file))
      }
      async let body = server.send(
        server.request(
          "POST /api/v1/predict HTTP/1.1",
          ["content-type: application/json", "content-length: 100"],
          "{"
        )
      )
      let status4 = try await server.send(server.request("GET /healthz HTTP/1.1")).status
      #expect(status4 == 200)
      // Bytes that are on their way when the connection ends may reset it before it is read.
      let (slowly, silently, partly) = try await (slow.status, silent.status, body.status)
      #expect([408, 0].contains(slowly))
      #expect(silently == 0)
      #expect(partly == 408)
    }
  }

  /// Requests one after the other on a connection, also sent at once.
  @Test func aConnectionIsKept() async throws {
    try await TestServer.with { server in
      let one = "GET /healthz HTTP/1.1\r\nhost: localhost:\(server.port)\r\n\r\n"
      let answer = try await server.send(one + one + server.request("GET /healthz HTTP/1.1"))
      let text = answer.head + "\r\n\r\n" + answer.body
      #expect(text.components(separatedBy: #"{"status":"ok"}"#).count == 4, "\(text)")
    }
  }

  @Test func aBodyIsWaitedForWhereTheClientAsks() async throws {
    try await TestServer.with { server in
      let answer = try await server.send(
        server.post(
          "/api/v1/question",
          Self.question,
          headers: ["content-type: application/json", "expect: 100-continue"]
        )
      )
      #expect(answer.status == 100 && answer.body.hasPrefix("HTTP/1.1 200"), "\(answer)")
    }
  }

  /// Too much long work is refused at once, and what a client gives up is not done.
  @Test func theQueueIsBoundedAndADroppedClientFreesIt() async throws {
    var limits = ServerLimits()
    (limits.long, limits.longQueue) = (1, 1)
    try await TestServer.with(limits: limits, model: nil) { server in
      // A run of minutes.
      let body =
        #"{"workload": "container-churn", "host": "graviton3", "policy": "chunk=4KiB", "set": ["#
        + #""vm.memory=1TiB", "net.requests=20000"]}"#
      let (port, request) = (server.port, Data(server.post("/api/v1/simulate", body).utf8))
      let files = try await RawClient.onThread {
        try (0..<2).map { _ in
          let file = try RawClient.connect(port)
          RawClient.write(request, to: file)
          usleep(300_000)
          return file
        }
      }
      let refused = try await server.ask("/api/v1/simulate", body)
      #expect(refused.status == 429 && refused.head.contains("retry-after: 10"), "\(refused)")
      let status5 = try await server.send(server.request("GET /healthz HTTP/1.1")).status
      #expect(status5 == 200)
      for file in files { close(file) }
      let small =
        #"{"workload": "ci-microvm", "host": "graviton3", "window": true}"#
      var last = RawAnswer(Data())
      for _ in 0..<100 where last.status != 200 {
        try await Task.sleep(for: .milliseconds(100))
        last = try await server.ask("/api/v1/simulate", small)
      }
      #expect(last.status == 200, "\(last)")
    }
  }

  @Test func longWorkEndsInItsTime() async throws {
    var limits = ServerLimits()
    limits.longTime = .milliseconds(300)
    try await TestServer.with(limits: limits) { server in
      let answer = try await server.ask(
        "/api/v1/simulate",
        #"{"workload": "container-churn", "host": "graviton3", "policy": "chunk=4KiB"}"#
      )
      #expect(answer.status == 503 && answer.sentence.contains("ask for less"), "\(answer)")
    }
  }

  @Test func manyPredictionsAtOnce() async throws {
    try await TestServer.with { server in
      let expected = try await server.ask("/api/v1/predict", Self.question).body
      let bodies = try await withThrowingTaskGroup(of: RawAnswer.self) { group in
        for _ in 0..<100 {
          group.addTask { try await server.ask("/api/v1/predict", Self.question) }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(bodies.allSatisfy { $0.status == 200 && $0.body == expected })
    }
  }

  /// Whatever bytes come, the server answers the next client.
  @Test func noiseIsSurvived() async throws {
    try await TestServer.with { server in
      var chance = Seed(7).stream("noise")
      for _ in 0..<60 {
        let count = Int(chance.next() % 300)
        var bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: chance.next()) }
        if chance.next() % 2 == 0 {
          bytes = Array("POST /api/v1/predict HTTP/1.1\r\n".utf8) + bytes
        }
        _ = try await RawClient.exchange(
          port: server.port,
          Data(bytes + Array("\r\n\r\n".utf8))
        )
      }
      let status6 = try await server.send(server.request("GET /healthz HTTP/1.1")).status
      #expect(status6 == 200)
    }
  }
}
