// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Explorer

/// Who may ask and what is refused, over real sockets.
@Suite(.enabled(if: TestServer.isWanted)) struct GateTests {
  private static let question = #"{"workload": "container-churn", "host": "graviton3"}"#

  @Test(arguments: [
    "evil.example", "evil.example:PORT", "127.0.0.1", "127.0.0.1:1", "127.0.0.2:PORT",
  ])
  func anotherHostIsRefused(host: String) async throws {
    try await TestServer.with { server in
      let name = host.replacing("PORT", with: "\(server.port)")
      let answer = try await server.send(
        "GET /healthz HTTP/1.1\r\nhost: \(name)\r\nconnection: close\r\n\r\n"
      )
      #expect(answer.status == 403 && answer.sentence.contains(name), "\(answer)")
    }
  }

  @Test(arguments: ["http://evil.example", "null", "https://127.0.0.1:PORT", "http://127.0.0.1:1"])
  func anotherOriginIsRefused(origin: String) async throws {
    try await TestServer.with { server in
      let name = origin.replacing("PORT", with: "\(server.port)")
      let answer = try await server.send(
        server.post(
          "/api/v1/predict",
          Self.question,
          headers: ["content-type: application/json", "origin: \(name)"]
        )
      )
      #expect(answer.status == 403 && answer.sentence.contains(name), "\(answer)")
      let own = try await server.send(
        server.post(
          "/api/v1/predict",
          Self.question,
          headers: [
            "content-type: application/json", "origin: http://127.0.0.1:\(server.port)",
          ]
        )
      )
      #expect(own.status == 200, "\(own)")
    }
  }

  @Test func aPageOfAnotherSiteIsRefusedByItsFetch() async throws {
    try await TestServer.with { server in
      let line = "GET /api/v1/profiles HTTP/1.1"
      let answer = try await server.send(server.request(line, ["sec-fetch-site: cross-site"]))
      #expect(answer.status == 403)
      let status1 = try await server.send(server.request(line, ["sec-fetch-site: none"])).status
      #expect(status1 == 200)
    }
  }

  @Test(arguments: [
    "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd",
    "/explorer.js/../../README.md",
    "/api/v1/profiles/", "/index.html", "/models/hosts/graviton3.yaml", "/..%5c..%5cx", "/.",
  ])
  func noPathLeadsToAFile(path: String) async throws {
    try await TestServer.with { server in
      let answer = try await server.send(server.request("GET \(path) HTTP/1.1"))
      #expect(answer.status == 404 && answer.sentence.contains(path), "\(answer)")
    }
  }

  @Test func methodsAndMediaAreRefused() async throws {
    try await TestServer.with { server in
      let get = try await server.send(server.request("GET /api/v1/predict HTTP/1.1"))
      #expect(get.status == 405 && get.head.contains("allow: post"), "\(get)")
      let put = try await server.send(server.request("DELETE / HTTP/1.1"))
      #expect(put.status == 405 && put.head.contains("allow: get, head"), "\(put)")
      let form = try await server.send(
        server.post("/api/v1/predict", "{}", headers: ["content-type: text/plain"])
      )
      #expect(form.status == 415 && form.sentence.contains("text/plain"), "\(form)")
    }
  }

  @Test func everyAnswerHasTheHeaders() async throws {
    try await TestServer.with { server in
      for path in ["/", "/explorer.js", "/explorer.css", "/healthz", "/nothing"] {
        let answer = try await server.send(server.request("GET \(path) HTTP/1.1"))
        for header in SecurityHeaders.lines {
          #expect(answer.head.contains(header.lowercased()), "\(path): \(header)")
        }
        #expect(answer.head.contains("content-security-policy: default-src 'none'"))
      }
      let page = try await server.send(server.request("GET / HTTP/1.1"))
      #expect(!page.body.contains("<style") && !page.body.contains(" style="))
      #expect(!page.body.contains("onclick") && !page.body.contains("<script>"))
      let head = try await server.send(server.request("HEAD / HTTP/1.1"))
      #expect(head.status == 200 && head.body.isEmpty)
      #expect(head.head.contains("content-length: \(page.body.utf8.count)"))
    }
  }

  /// A name that others reach needs a token, compared whole.
  @Test func theTokenIsChecked() throws {
    let gate = Gate(port: 80, address: "0.0.0.0", token: "0123456789abcdef")
    func head(_ lines: String...) throws -> RequestHead {
      let text = (["GET /api/v1/profiles HTTP/1.1"] + lines).joined(separator: "\r\n")
      return try RequestHead(parsing: text.utf8, limits: ServerLimits())
    }
    #expect(throws: Refused.self) { try gate.checkToken(head("host: 10.0.0.1")) }
    for wrong in [
      "Bearer 0123456789abcde", "Bearer 0123456789abcdeg", "0123456789abcdef", "Bearer ",
    ] {
      #expect(throws: Refused.self) { try gate.checkToken(head("authorization: \(wrong)")) }
    }
    try gate.checkToken(head("authorization: Bearer 0123456789abcdef"))
    for host in ["10.0.0.1", "10.0.0.1:80", "[fe80::1]:80", "localhost"] {
      try gate.check(head("host: \(host)"))
    }
    for host in ["evil.example", "10.0.0.1.evil.example:80", "10.0.0.1:81", "0x7f000001.x:80"] {
      #expect(throws: Refused.self) { try gate.check(head("host: \(host)")) }
    }
    #expect(throws: ExplorerError.illegalToken(least: 16)) {
      try Explorer.Place(port: 0, address: "0.0.0.0", token: "short")
    }
  }
}
