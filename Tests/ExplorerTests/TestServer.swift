// SPDX-License-Identifier: GPL-3.0-or-later

import CostModels
import Dispatch
import Foundation
import Profiles
import TestSupport
import Tuning

@testable import Explorer

/// A server of this process on a free port, and clients that write bytes.
///
/// Such a server shares the threads of the test process: whole runs of the simulator beside it keep it from answering for
/// minutes. So these tests have a step of their own, `S2TUNE_SERVER_TESTS=1 swift test --filter ExplorerTests`, which
/// `.ci/run` takes; those of the real process are in every run.
struct TestServer {
  /// Whether this is that step.
  static let isWanted = ProcessInfo.processInfo.environment["S2TUNE_SERVER_TESTS"] == "1"

  let port: UInt16
  private let task: Task<Void, any Error>

  /// The profiles of the package.
  static let store = ProfileStore(directories: [packageRoot.appending(path: "models")])
  /// The shipped cost model, read once.
  static let model: CostModel? = {
    guard case .model(let model, _)? = try? ShippedModel(in: store) else { return nil }
    return model
  }()

  init(
    limits: ServerLimits = ServerLimits(),
    model: CostModel? = Self.model
  ) throws {
    let desk = Desk(store: Self.store, model: model, workers: 1, limits: limits)
    let explorer = try Explorer(desk, at: .init(port: 0), limits: limits)
    port = explorer.port
    task = Task { try await explorer.run() }
  }

  func stop() async {
    task.cancel()
    _ = await task.result
  }

  /// Starts a server, does something with it, and stops it.
  static func with<Result>(
    limits: ServerLimits = ServerLimits(),
    model: CostModel? = Self.model,
    _ body: (TestServer) async throws -> Result
  ) async throws -> Result {
    let server = try TestServer(limits: limits, model: model)
    do {
      let result = try await body(server)
      await server.stop()
      return result
    } catch {
      await server.stop()
      throw error
    }
  }

  /// The bytes of a request with a body.
  func post(
    _ path: String,
    _ body: String,
    headers: [String] = ["content-type: application/json"]
  ) -> String {
    request("POST \(path) HTTP/1.1", headers + ["content-length: \(body.utf8.count)"], body)
  }

  /// The bytes of a request; the connection is to end after it.
  func request(_ line: String, _ headers: [String] = [], _ body: String = "") -> String {
    let all = ["host: 127.0.0.1:\(port)", "connection: close"] + headers
    return ([line] + all).joined(separator: "\r\n") + "\r\n\r\n" + body
  }

  /// Sends bytes and reads to the end.
  func send(_ text: String) async throws -> RawAnswer {
    try await RawClient.exchange(port: port, Data(text.utf8))
  }

  /// Asks for an answer.
  func ask(_ path: String, _ body: String) async throws -> RawAnswer {
    try await send(post(path, body))
  }
}

/// What came back on a connection.
struct RawAnswer {
  /// The status of the first response; 0 where there is none.
  let status: Int
  /// The header lines of the first response, in lower case.
  let head: String
  /// What came after them.
  let body: String

  init(_ data: Data) {
    let text = String(decoding: data, as: UTF8.self)
    let parts = text.components(separatedBy: "\r\n\r\n")
    head = parts[0].lowercased()
    body = parts.dropFirst().joined(separator: "\r\n\r\n")
    let words = head.split(separator: " ")
    status = words.count > 1 ? Int(words[1]) ?? 0 : 0
  }

  /// The body as JSON.
  var object: [String: Any] {
    (try? JSONSerialization.jsonObject(with: Data(body.utf8))) as? [String: Any] ?? [:]
  }

  /// The sentence of a refusal.
  var sentence: String {
    (object["error"] as? [String: Any])?["sentence"] as? String ?? ""
  }
}

extension RawClient {
  static func exchange(port: UInt16, _ data: Data) async throws -> RawAnswer {
    try await onThread {
      let file = try connect(port)
      defer { close(file) }
      write(data, to: file)
      return RawAnswer(read(file))
    }
  }
}
