// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

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

  /// A connection to this machine; what is read of it comes within a minute.
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
    guard result == 0 else {
      defer { close(file) }
      throw Failed(what: "connect: \(errno)")
    }
    var time = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    return file
  }

  /// The port that `s2tune explore` says first on its standard output.
  static func port(saidOn output: Pipe) throws -> UInt16 {
    var text = ""
    while !text.contains("\n") {
      let data = output.fileHandleForReading.availableData
      guard !data.isEmpty else { break }
      text += String(decoding: data, as: UTF8.self)
    }
    let prefix = "http://127.0.0.1:"
    guard text.hasPrefix(prefix),
      let port = UInt16(text.dropFirst(prefix.count).prefix { $0 != "/" })
    else { throw Failed(what: "no address of a server: '\(text)'") }
    return port
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
}
