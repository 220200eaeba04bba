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

/// Clients with plain sockets, on threads of their own: a test must not keep one of the server's.
enum RawClient {
  /// Why a client failed.
  struct Failed: Error { let what: String }

  static func onThread<Result: Sendable>(
    _ work: @escaping @Sendable () throws -> Result
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread { continuation.resume(with: Swift.Result { try work() }) }
    }
  }

  static func connect(_ port: UInt16) throws -> Int32 {
    let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Foundation.connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw Failed(what: "connect: \(errno)") }
    var time = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    return file
  }

  /// Writes all of it, or as much as is taken.
  static func write(_ data: Data, to file: Int32) {
    var rest = data[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes {
        Foundation.send(file, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard sent > 0 else { return }
      rest = rest.dropFirst(sent)
    }
  }

  /// Reads to the end of the connection.
  static func read(_ file: Int32) -> Data {
    var data = Data()
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let got = recv(file, &buffer, buffer.count, 0)
      guard got > 0 else { return data }
      data.append(contentsOf: buffer.prefix(got))
    }
  }

  static func exchange(port: UInt16, _ data: Data) async throws -> RawAnswer {
    try await onThread {
      let file = try connect(port)
      defer { close(file) }
      write(data, to: file)
      return RawAnswer(read(file))
    }
  }
}
